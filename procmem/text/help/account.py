"""The help of ``procmem account``."""

from procmem.text import N_

__all__ = ["EPILOG", "HELP", "TOOLS"]

HELP = N_("Divide VIRT, RES, PSS and swap into parts that add up, and say why tools differ.")
TOOLS = N_("Only what ps, top, pmap and others say of the same, and why they differ.")
EPILOG = N_("""\b
Examples:
  procmem account 1234            where its memory went, and who says what
  procmem account 1234 --tools    two tools, two RSS values: why
  procmem account 1234 --json     leaves that add up to each total
  procmem account --from bug.tar.gz

smaps is read once, smaps_rollup twice: on a process of many GiB that takes some 25 ms per GiB in memory.
""")
