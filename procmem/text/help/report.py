"""The help of ``procmem report``."""

from procmem.text import N_

__all__ = ["DEEP", "EPILOG", "GROWTH", "HELP", "OUTPUT", "SCRIPT", "SIMULATE"]

HELP = N_("""Write all that is known of processes into one HTML file, with pictures.

TARGET is a pid, 'self', /proc/PID, a recording, a series (record --every), or '-' for pids on standard input. Several
stand side by side. The file asks nothing of any network; without scripts its pictures and largest regions are there.

Needs Jinja2: pip install 'procmem[report]'.
""")
OUTPUT = N_("The file to write; one that is there is replaced whole. - is standard output.")
DEEP = N_("Also read a few words of the target's memory: see procmem inspect --help.")
GROWTH = N_("Also what growth -o has written (repeatable): a flame graph, and RES over that time.")
SIMULATE = N_("Also a simulated program (repeatable), at the end; textbook is the one of the textbook.")
SCRIPT = N_("Steps that the simulated main does: see procmem simulate --help; - for standard input.")
EPILOG = N_("""\b
Examples:
  procmem report 1234 -o memory.html
  procmem report leak.series -o growth.html   from procmem record --every
  procmem report bug.tar.gz 1234 -o both.html --lang zh
  procmem report 1234 --growth leak.json -o x.html   from procmem growth -o
  procmem report 1234 --simulate ./prog -o beside.html
  procmem report --simulate textbook -o textbook.html
""")
