"""A simulator of the 32-bit x86 Linux address space, pure from end to end.

``kernel`` holds the kernel's rules, each a small function: where a free place is found (``search``), how areas merge
and split (``vma_list``), what the system calls do (``machine``), what execve does (``execve``, ``stack``), what is
drawn at random (``aslr``), and with memory behind it what a touch costs (``memory``, ``faults``, ``reclaim``,
``frames``). ``arch`` holds what belongs to i386: borders, page tables, the kernel's gigabyte. ``libc`` stands on the
kernel as a program does on system calls: the dynamic linker (``loader`` and what begins with its name), malloc,
arenas, threads, the start of static programs, musl in outline. ``programs`` predicts a program from its files, and
has the program of the textbook, which exists on paper only; ``script`` is the language in which a program is written
as a list of steps.

Nothing here opens a file, asks a process or looks at a clock; all it knows is handed in as values.
"""
