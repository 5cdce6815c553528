"""The C library and its dynamic linker, seen as the system calls they make."""
