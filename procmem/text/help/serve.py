"""The help of ``procmem serve``, and what it says on stderr."""

from procmem.text import N_, Sentence, say

__all__ = [
    "BY", "CGROUP", "COUNT", "DASHBOARD", "DETAIL_EVERY", "EPILOG", "HELP", "HOST_NAME", "INTERVAL", "KIND", "LISTEN",
    "MANIFEST", "NAME", "NO_DETAIL", "SERIES", "TEXTFILE", "TOP", "UNIT", "USER", "told",
]  # fmt: skip

HELP = N_("""Serve the memory of groups of processes to Prometheus, by class, at a cost that they do not feel.

A look reads status and smaps_rollup of each process, when somebody asks and the last look is older than the interval.
Their mappings, which tell classes, kinds, arenas and findings, are read less often. Reading takes less than a hundredth
of the time of any process: what is not due yet is told as it was read last.

Needs prometheus-client: pip install 'procmem[metrics]'.
""")
LISTEN = N_(
    "Where to listen (127.0.0.1:9917). Nothing asks for a password there: leave it on this machine, or behind a firewall."
)
HOST_NAME = N_(
    "A name by which clients may call us (repeatable), besides addresses and localhost: other names are refused."
)
NAME = N_("Only processes of this name (exact, or a regular expression that fits it whole).")
USER = N_("Only processes of this user, by name or uid.")
CGROUP = N_(
    "Only processes of control groups with this in their path, or in what they are called; *, ? stand for anything."
)
BY = N_(
    "What processes are grouped by (repeatable): name, user, or cgroup with container, pod and unit; name unless given."
)
TOP = N_("Only the N largest groups by themselves, all others as one.")
SERIES = N_("The most series that groups may make together; smaller groups are one then.")
KIND = N_("Also bytes in memory of this kind, as inspect --regions names it (repeatable).")
INTERVAL = N_("How old a look may be that is given as the answer (10).")
DETAIL_EVERY = N_("Read the mappings of a process at most so often (300).")
NO_DETAIL = N_("Read no mappings: no classes, kinds, arenas, regions and findings.")
TEXTFILE = N_("Listen nowhere; write FILE at each interval, for node_exporter's textfile collector.")
COUNT = N_("With --textfile: end after N looks.")
UNIT = N_("Print a unit for systemd that runs this with least rights, and do nothing.")
MANIFEST = N_("Print a DaemonSet for Kubernetes (not tested on a cluster), and do nothing.")
DASHBOARD = N_("Print a dashboard for Grafana, and do nothing.")
EPILOG = N_("""\b
Examples:
  procmem serve                              http://127.0.0.1:9917/metrics
  procmem serve --by name --by cgroup --top 50
  procmem serve --name 'java|postgres' --kind jvm-heap
  procmem serve --textfile /var/lib/node_exporter/procmem.prom --count 1
  procmem serve --print-unit > /etc/systemd/system/procmem.service
  procmem serve --print-dashboard > dashboard.json
""")

_SENTENCES: dict[str, Sentence] = {
    "listening": N_("serving at http://{address}/metrics"),
    "refusal": N_("this name is not one of ours: see --host-name"),
}


def told(code: str, /, **figures: object) -> str:
    """The sentence of a code."""
    return say(_SENTENCES[code], figures)
