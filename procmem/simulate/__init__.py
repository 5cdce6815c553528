"""A simulator of the 32-bit x86 Linux address space, pure from end to end.

The kernel's rules lie at the bottom, each a small function: where a free place is found (``search``),
how areas merge and split (``areas``), what the system calls do (``machine``), what execve does
(``layout``, ``execve``, ``stack``). The C library stands on them as a program does on system calls
(``calls``): glibc's dynamic linker (``rtld`` with ``library``, ``tls``, ``symbols`` and its own allocator in
``small_blocks``, its numbers by version in ``glibc``), musl's in outline (``musl``), the start of static
programs, malloc (``chunks``, ``ptmalloc``, ``thread_arenas``), ``threads``, ``constructors``. ``predict``
is the front, ``aslr`` the randomness, ``textbook`` and ``script`` the programs that exist on paper only,
``kernel_half`` the gigabyte above 0xC0000000, ``kernels`` the table for where no kernel can be asked.

Nothing here opens a file, asks a process or looks at a clock; all it knows is handed in as values.
"""
