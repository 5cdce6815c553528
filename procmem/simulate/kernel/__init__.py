"""The kernel's rules: execve, mmap, brk, faults, reclaim."""
