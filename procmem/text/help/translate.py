"""The help of ``procmem translate``."""

from procmem.text import N_

__all__ = ["ACCESS", "EPILOG", "FLAGS", "HELP", "KERNEL_MODE", "LEVELS", "PAE", "SCRIPT", "SIM", "THP"]

HELP = N_("Say how a virtual address becomes a physical one, with each index, entry and bit, or why it does not.")
SIM = N_("On the simulated machine, after the textbook program's main.")
SCRIPT = N_("With --sim: steps to be done before (see procmem simulate).")
ACCESS = N_("With --sim.")
KERNEL_MODE = N_("With --sim: the kernel makes the access.")
PAE = N_("The same as --levels 3.")
THP = N_("With --sim: transparent huge pages, which three levels and more can have.")
LEVELS = N_("With --sim: 2 (10/10/12), 3 (PAE: 2/9/9/12, with NX), or a 64-bit program with 4 or 5 (9 bits each) [2].")
FLAGS = {
    "--json": N_("Schema procmem/translate/1; a list, for several addresses."),
    "--csv": N_("The steps of the walk as CSV."),
    "--markdown": N_("The same as a Markdown table."),
}
EPILOG = N_("""\b
Examples:
  procmem translate --sim --access fetch 0x08048400
  procmem translate --sim --access write 0xb7ce4000 0xb7ce4004
  procmem translate --sim --pae 0xc0000000   kernel space from user mode
  procmem translate --sim --levels 4 0x400400   a 64-bit program
  procmem translate 1234 0x7ffd1000          a real page: frame and flags
""")
