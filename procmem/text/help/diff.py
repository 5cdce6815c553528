"""The help of ``procmem diff``."""

from procmem.text import N_

__all__ = ["ALL", "DEEP", "EPILOG", "FAIL", "FLAGS", "HELP", "THRESHOLD"]

HELP = N_("""Show what grew, shrank, came and went between A and B, or over a series.

A and B are recordings or pids. A series (procmem record --every) needs no B: its first and last look are compared.
""")
DEEP = N_("Also read the headers of malloc and of threads; see inspect --help.")
ALL = N_("Show unchanged regions, too; of a series every process.")
THRESHOLD = N_("What changed by less is the same (256K).")
FAIL = N_(
    "Exit with 7 if a class (or 'total') grew in memory and swap by more, or rss, pss or uss did: 'heap>10%', 'uss>64M' (repeatable)."
)
FLAGS = {"--json": N_("Schema procmem/diff/1."), "--csv": N_("All regions as CSV, in bytes.")}
EPILOG = N_("""\b
Examples:
  procmem record 1234 --deep -o before.tar.gz
  procmem diff before.tar.gz 1234 --deep
  procmem diff monday.tar.gz friday.tar.gz
  procmem diff before.tar.gz 1234 --fail-if-grows 'heap>10%'
  procmem diff leak.series            what grew over a series, and how fast

Regions are matched by what they are (file, thread, arena, kind), so that two runs of a program compare, too. With
--deep, arenas of malloc are known by their threads. Of a recording with several processes: PATH:PID.
""")
