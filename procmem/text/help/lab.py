"""The help of ``procmem lab``."""

from procmem.text import N_

__all__ = ["ALL", "EPILOG", "FLAGS", "HELP", "REPORT"]

HELP = N_("""Make the real kernel do what the theory says, and lay its figures beside the predicted ones.

Each experiment works in a process of its own, and undoes what it changed. Without a name: the list.
""")
ALL = N_("Run every experiment.")
REPORT = N_("Also write one HTML page of the results.")
FLAGS = {
    "--json": N_("Schema procmem/lab/1; of the list procmem/lab-list/1."),
    "--csv": N_("Every figure as CSV, or the list."),
    "--markdown": N_("The same as a Markdown table."),
}
EPILOG = N_("""\b
Examples:
  procmem lab                        the list, in the order of the theory
  procmem lab demand-paging          one experiment
  procmem lab M6 M7                  those of a topic of the theory
  procmem lab --all --report lab.html

\b
Exit status: 0 when all that ran agree, 7 when any differs.
""")
