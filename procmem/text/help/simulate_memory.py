"""The help of ``procmem simulate-memory``."""

from procmem.text import N_

__all__ = ["EPILOG", "FLAGS", "HELP"]

HELP = N_("""Say what each step of a program costs: page frames, faults, sharing, swap, page tables.

A script is played on a simulated machine, after the start of an x86 program: that of the textbook, or ELF.
Where the program's memory lies is told by procmem simulate.
""")
FLAGS = {
    "--csv": N_("The costs as CSV, in bytes."),
    "--markdown": N_("The same as a Markdown table."),
}
EPILOG = N_("""\b
Examples:
  procmem simulate-memory                   the program of the textbook
  procmem simulate-memory --ram 16M --script steps.txt
  printf 'mmap a 8M\\ntouch a\\nfork\\n' | procmem simulate-memory --script -
  procmem simulate-memory --trace --swap 0 --script steps.txt

\b
Steps of a script, one a line (offset and size may be left out: all of it):
  malloc NAME SIZE | free NAME | mmap NAME SIZE [RIGHTS] [FILE]
  munmap NAME [OFFSET SIZE] | mprotect NAME RIGHTS [OFFSET SIZE]
  touch NAME [OFFSET SIZE] | read NAME [OFFSET SIZE]
  brk SIZE | recurse SIZE | thread [SIZE] [guard=SIZE] [malloc=SIZE]
  scatter NAME COUNT [SEED] | share NAME SIZE [FILE] | cache FILE SIZE
  populate NAME | dontneed NAME | lazyfree NAME | pageout NAME
  settle (swap is written) | swapoff | fork | as PID (be the child) | exit
""")
