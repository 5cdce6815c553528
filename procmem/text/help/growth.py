"""The help of ``procmem growth``."""

from procmem.text import N_

__all__ = ["BY", "EPILOG", "FORMAT", "HELP", "OUTPUT", "SECONDS", "TOP", "UNTIL", "VALUE"]

HELP = N_("""Show which code fills the memory of a process, while it does: no restart, no stop, nothing written into it.

The first touch of a page is a page fault, and the kernel tells of each its address, its thread and its callers
(perf_event_open). What the address is, heap, arena, stack, file, is told as inspect tells it. --from shows what growth
-o has written.
""")
SECONDS = N_("How long to watch (10).")
UNTIL = N_("End as soon as this holds: 'rss>+200M' (since the beginning), 'anon>2G', 'file>1G', 'swap>+10M'.")
BY = N_("Sum by one thing alone: kind of memory, its owner, the code's file (object), function or thread.")
TOP = N_("How many rows to show (20).")
OUTPUT = N_("Write it into a new file as well, which --from shows again.")
FORMAT = N_("Write the chains of callers for a viewer of profiles instead: folded, speedscope or pprof.")
VALUE = N_("What such a profile shows first: bytes that are still there at the end, or faults (bytes).")
EPILOG = N_("""\b
Examples:
  procmem growth 1234                        10 seconds: what came, by whom
  procmem growth 1234 --until 'rss>+200M' --seconds 3600
  procmem growth 1234 --by function
  procmem growth --name worker -o leak.json
  procmem growth --from leak.json --by thread
  procmem growth 1234 --format folded | flamegraph.pl > leak.svg

Who touches a page first is charged with it: memory that malloc hands out
again is no new page, and is nobody's growth. Callers are found by call frame
information (.eh_frame), else by frame pointers; names come from symbol
tables, separate debug files, and from /tmp/perf-PID.map of runtimes that
write one (node --perf-basic-prof, python -X perf, jcmd PID Compiler.perfmap).
Names of C++ and Rust are made readable by the extra procmem[symbols]. It
takes what perf takes: for your own processes kernel.perf_event_paranoid of 2
or less, else CAP_PERFMON, or root.
""")
