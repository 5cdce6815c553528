"""Starting a program and looking at it at known stops, with ptrace or without it."""
