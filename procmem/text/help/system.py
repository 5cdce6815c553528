"""The help of ``procmem system``."""

from procmem.text import N_

__all__ = [
    "BY",
    "CGROUP",
    "CLASS",
    "COUNT",
    "EPILOG",
    "FLAGS",
    "FROM",
    "HELP",
    "MIN_SIZE",
    "NAME",
    "SORT",
    "TOP",
    "USER",
    "WATCH",
]

HELP = N_("Show the memory of all processes, without counting shared pages twice.")
SORT = N_("Sort by this column; by PSS unless said otherwise.")
TOP = N_("Only the N largest, processes or groups.")
BY = N_("Group processes, or show them as a tree.")
NAME = N_("Only processes of this name (exact, or a regular expression).")
USER = N_("Only processes of this user, by name or uid.")
CGROUP = N_(
    "Only processes of control groups with this in their path, in a container's or pod's id, or in a unit's name; *, ? stand for anything."
)
CLASS = N_("With --mappings: only memory of this class; may be given several times.")
MIN_SIZE = N_("Only processes of at least this size (64K, 1M).")
WATCH = N_("Look again every SECONDS, and show what changed; drawn anew on a terminal.")
COUNT = N_("With --watch: end after N looks.")
FROM = N_("Read the processes of a recording or the one of a text; - is standard input.")
FLAGS = {
    "--reverse": N_("The largest first."),
    "--quick": N_("Read status only: many times faster, without PSS and USS."),
    "--classes": N_("By class (text, heap, stack, ...) over all processes."),
    "--mappings": N_("By mapped file and object over all processes."),
    "--json": N_("Schema {schema}; with --classes or --mappings procmem/system-classes/1, procmem/system-mappings/1."),
}
EPILOG = N_("""\b
Examples:
  procmem system                     all processes by PSS, the largest last
  procmem system --top 10 --human    the ten largest
  procmem system --by user           also: name, cgroup
  procmem system --by tree --name 'gunicorn.*'
                                     a server and what one child costs
  procmem system --cgroup 'nginx*' --by cgroup
  procmem system --quick --sort rss  status only: fast, without PSS and USS
  procmem system --classes           text, heap, ... over the whole machine
  procmem system --mappings          what each mapped file costs, all together
  procmem system --mappings --class text --top 10
  procmem system --watch 5           again and again, with what changed
  procmem system --watch 60 --json --count 60 > hour.jsonl

Only PSS, USS and swap are added up: they count each page once. The total of swap leaves out shared memory in
swap, which no process owns (see procmem swap).

--watch takes a tenth of a processor at most: where looking costs more, looks come less often. Ctrl-C ends it, with
status 130.
""")
