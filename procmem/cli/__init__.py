"""The command line: one module per command, and one place where an error becomes a line and a status."""
