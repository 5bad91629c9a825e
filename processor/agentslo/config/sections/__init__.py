"""One module a section of the service file: its table, and the checks inside it."""
