"""The help of ``procmem swap``."""

from procmem.text import N_

__all__ = ["EPILOG", "FLAGS", "HELP", "INTERVAL", "TOP"]

HELP = N_("Say who has what in swap, whether that hurts, and what swapoff would do.")
INTERVAL = N_("Time between two readings (1).")
TOP = N_("Show the N processes with most (20; all in CSV and Markdown).")
FLAGS = {"--json": N_("Schema procmem/swap/1."), "--csv": N_("The table of processes as CSV, in bytes.")}
EPILOG = N_("""\b
Examples:
  procmem swap                    who has what in swap, and does it hurt
  procmem swap 1234               also which of its regions are in swap
  procmem swap --interval 10      watch longer before judging
  procmem swap --interval 0       at once, without rates

Needs root to see the swap of others' shared memory. Reading does not bring anything back from swap.
""")
