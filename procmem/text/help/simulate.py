"""The help of ``procmem simulate``, and of the options that decide a layout."""

from procmem.text import N_

__all__ = ["EPILOG", "FLAGS", "HELP", "OPTIONS"]

HELP = N_("""Predict the memory map of an x86 program, of 32 or 64 bits, from its files, before it runs.

Without ELF the program is the one of the textbook. What is printed as exact is meant to the byte; see
procmem crosscheck.

Options may stand anywhere. Arguments of the program that begin with - stand behind --.
""")
OPTIONS = {
    "kernel": N_("i386 (native), or x86-64 with a program of 32 (compat) or 64 bits. Default: by the program."),
    "limit_3gb": N_("User space of 3 GiB (setarch -3). Default: on."),
    "aslr": N_("With address-space randomisation. Default: off."),
    "legacy": N_("Bottom-up mapping area (setarch -L)."),
    "stack_limit": N_("Soft limit: 64K, 8M, unlimited."),
    "execstack": N_("READ_IMPLIES_EXEC (setarch -X)."),
    "env": N_("A variable (repeatable); no other is set."),
    "stage": N_("When. Default: main."),
    "threads": N_("Start so many threads in main."),
    "script": N_("Steps that main does, the map after each; - for standard input."),
    "kernel_map": N_(
        "classic or 6.1: also the kernel's gigabyte (native i386). arm64-4k-39, -48, -52, arm64-16k-36, -47, -48, -52,"
        " arm64-64k-42, -48, -52: only the borders of arm64, by page size and bits."
    ),
    "ram": N_("Physical memory."),
    "pae": N_("A PAE kernel (native i386)."),
    "script_of_memory": N_("Steps that main does; - for standard input."),
    "swap": N_("Swap area."),
    "swappiness": N_("vm.swappiness."),
    "page_cluster": N_("vm.page-cluster."),
    "group": N_("The RAM is a memory cgroup's limit."),
    "thp": N_("Transparent huge pages always."),
    "trace": N_("Every decision."),
    "scale": N_("How the picture is drawn."),
    "as": N_("Show it as these commands show a real process. Default: map, each line with its rule."),
    "picture": N_("Only the picture of the address space."),
    "no_picture": N_("Only the lines."),
}
FLAGS = {
    "--json": N_("Schema procmem/simulate/1; a list, for a script."),
    "--csv": N_("The lines of the map as CSV, in bytes."),
    "--markdown": N_("The same as a Markdown table."),
}
EPILOG = N_("""\b
Examples:
  procmem simulate                          the program of the textbook
  procmem simulate ./prog arg               a real program, at main
  procmem simulate ./prog --stage exec --aslr
  procmem simulate ./prog -- -v file        the program's own options
  procmem simulate ./prog --as explain      the coming map in plain words
  procmem simulate --kernel native --kernel-map classic
  procmem simulate --kernel-map arm64-4k-48
  printf 'malloc a 100K\\nthread\\nfree a\\n' | procmem simulate --script -

\b
Steps of a script, one a line:
  malloc NAME SIZE | realloc NAME SIZE | free NAME
  mmap NAME SIZE [RIGHTS] [FILE] | mremap NAME SIZE | growsdown NAME SIZE
  overmap NAME OFFSET SIZE [RIGHTS]            (MAP_FIXED over a part of it)
  munmap NAME [OFFSET SIZE] | mprotect NAME RIGHTS [OFFSET SIZE]
  touch NAME [OFFSET] | brk SIZE | recurse SIZE | fork
  thread [SIZE] [guard=SIZE] [malloc=SIZE] | dlopen LIBRARY

What the steps cost in memory is told by procmem simulate-memory, which knows more of them.

Marks before an address: none exact; ~ drawn at each run; ? size and order certain, address not.
""")
