"""What tests share: waiting, free ports, processes, outside tools. No test is in here."""
