"""A simulator of the 32-bit x86 Linux address space, pure from end to end.

The kernel's rules lie at the bottom, each a small function: where a free place is found (``search``),
how areas merge and split (``areas``), what the system calls do (``machine``), what execve does
(``layout``, ``execve``, ``stack``). The C library stands on them as a program does on system calls:
the dynamic linker (``rtld`` with its own allocator in ``small_blocks``), ``malloc``, ``threads`` and
the start of static programs. ``predict`` is the front, ``aslr`` the randomness, ``textbook`` and
``script`` the programs that exist on paper only, ``kernel_half`` the gigabyte above 0xC0000000.

Nothing here opens a file, asks a process or looks at a clock; all it knows is handed in as values.
"""
