"""What differs between architectures: borders, page tables, the kernel's own part of the address space."""
