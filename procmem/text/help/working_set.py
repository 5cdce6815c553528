"""The help of ``procmem working-set``."""

from procmem.text import N_

__all__ = ["EPILOG", "HELP", "REGIONS", "SECONDS"]

HELP = N_("""Show which part of RES a process touches within some seconds, and which it does not.

What it costs: the kernel walks the page tables twice (some 20 ms a GiB of RES each time), holding the lock of the memory map, so
that the process's own calls of mmap(), munmap() and some page faults wait so long.

What it changes: accessed bits are cleared. Reclaim uses them too: until the process touches them again, its pages look
idle, and where memory is short they are taken rather than those of others. Data and soft-dirty bits stay as they are.
""")
SECONDS = N_("How long to watch what is touched (10).")
REGIONS = N_("List every byte range instead of the tables.")
EPILOG = N_("""\b
Examples:
  procmem working-set 1234                what it touches in 10 s, by class
  procmem working-set 1234 --seconds 60   the longer, the surer
  procmem working-set 1234 --regions --class heap
  procmem working-set --name worker --json

It takes the right to write /proc/PID/clear_refs (the process's own user, or
root) and to read smaps. A page of a file also counts as touched where others
use the file; a transparent huge page counts as a whole; huge pages of
hugetlbfs are no part of RES. Since Linux 5.11 the TLB is not flushed: pages
that the processor keeps translated all the time may be missed, some MiB at
most. Ctrl-C ends the wait, shows what was touched until then, and gives status
130.
""")
