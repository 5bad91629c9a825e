"""What outlives the process: the ledger of runs."""
