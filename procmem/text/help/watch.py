"""The help of ``procmem watch``."""

from procmem.text import N_

__all__ = ["CLASSES", "COUNT", "EPILOG", "FLAGS", "HELP", "INTERVAL", "KEEP", "PSS", "RESET_PEAK"]

HELP = N_("Show how the memory of processes changes, while they run.")
INTERVAL = N_("Time between looks (2).")
COUNT = N_("End after N looks.")
PSS = N_("Also PSS and USS (smaps_rollup).")
CLASSES = N_("Also memory and swap of each class (smaps).")
KEEP = N_("Write each look down as well, whole, in a series: as record --every does.")
RESET_PEAK = N_("Reset its peak first, and show the peak since: VmHWM begins anew for everybody who reads it.")
FLAGS = {
    "--json": N_("One JSON document a line, schema procmem/watch/1."),
    "--csv": N_("A row for each figure at each look, in bytes."),
}
EPILOG = N_("""\b
Examples:
  procmem watch 1234                  redrawn; one line each 2 s in a pipe
  procmem watch --name myserver       goes on when it is restarted
  procmem watch 1234 --classes        text, heap, stack, ... (walks its pages)
  procmem watch 1234 --reset-peak     the highest RES from now on
  procmem watch 1234 --json --count 30 > growth.jsonl
  procmem watch 1234 --csv --pss > growth.csv
  procmem watch 1234 --keep leak.series
                                      then: procmem diff leak.series
  procmem watch --from leak.series    the looks of a series, in turn

Reads status only, unless --pss or --classes is given. Whatever is read, it takes at most 1 % of the time: the
interval grows by itself where reading costs too much, and each look says when the next one is due. --keep takes a
tenth of a processor at most; the series goes on where it was cut off. Ctrl-C ends it, with status 130.

--reset-peak writes to /proc/PID/clear_refs, which the process's own user and root may; the peak since the process began
is lost by it.
""")
