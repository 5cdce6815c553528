"""Rules that name every byte range of an address space, and the partition they make."""
