"""What ``--help`` says, one module a command; the parser shows it in the user's language."""
