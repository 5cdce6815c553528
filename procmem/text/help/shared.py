"""The help of ``procmem shared``."""

from procmem.text import N_

__all__ = ["ALL", "EPILOG", "HELP"]

HELP = N_("Show each object that a process maps, who else maps it, and what is private.")
ALL = N_("Name every sharer, not only the first few.")
EPILOG = N_("""\b
Examples:
  procmem shared 1234              what it maps, and who else maps that
  procmem shared 1234 --all        every sharer by pid and name
  procmem shared 1234 --json
""")
