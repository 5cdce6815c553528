"""The help of ``procmem lab``."""

from procmem.text import N_

__all__ = ["ALL", "EPILOG", "FLAGS", "HELP", "REPORT", "RESTORE"]

HELP = N_("""Make the real kernel do what the theory says, and lay its figures beside the predicted ones.

Each experiment works in a process of its own, and undoes what it changed, also when a signal ends it. What a run that
was killed has left, the next one undoes. One at a time changes the machine; another waits for it, a minute at most.
Without a name: the list.
""")
ALL = N_("Run every experiment.")
REPORT = N_("Also write one HTML page of the results.")
RESTORE = N_("Undo what a run that was killed has left, and tell it (as root).")
FLAGS = {
    "--json": N_("Schema procmem/lab/1; of the list procmem/lab-list/1, of --restore procmem/lab-restore/1."),
    "--csv": N_("Every figure as CSV, or the list, or what was restored."),
    "--markdown": N_("The same as a Markdown table."),
}
EPILOG = N_("""\b
Examples:
  procmem lab                        the list, in the order of the theory
  procmem lab demand-paging          one experiment
  procmem lab M6 M7                  those of a topic of the theory
  procmem lab --all --report lab.html
  procmem lab --restore              undo what a killed run has left

\b
Exit status: 0 when all that ran agree, 7 when any differs; 130 when a signal
ended it, with all undone; 6 when something could not be undone. Of --restore:
0, or 6; 4 when not root, or while another run is at work.
""")
