"""The sections of an agent file, a module each."""
