"""The help of ``procmem learn``."""

from procmem.text import N_

__all__ = ["ALL", "EPILOG", "FLAGS", "HELP", "LIST", "RUN"]

HELP = N_("""Go through the theory of a process's memory, lesson by lesson, with the commands that show it here.

Each lesson says what the theory says, which command shows it on this machine, what to look at in its output, what is
more exact today than the common wording, and one question to try. On a terminal Enter runs the next command. With a
TARGET (a pid, self, a recording) the lessons look at that process.
""")
ALL = N_("All lessons, one after another.")
LIST = N_("Only the list of lessons.")
RUN = N_("Run the commands of the lessons, and show what they print.")
FLAGS = {
    "--json": N_("Schema procmem/learn/1; a list, for several lessons."),
    "--csv": N_("One row for each thing that is shown."),
    "--markdown": N_("The same as a Markdown table."),
}
EPILOG = N_("""\b
Examples:
  procmem learn                     the list of lessons
  procmem learn demand-paging       one lesson
  procmem learn heap stack --run    two, with what their commands print
  procmem learn 1234                all that shows something of process 1234
  procmem learn --all               the whole theory, to read
  procmem learn --all --lang zh     the same in Chinese

Lessons change nothing but by the experiments of procmem lab that they name,
which put back what they change. Some of these need root.
""")
