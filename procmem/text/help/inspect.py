"""The help of ``procmem inspect``."""

from procmem.text import N_

__all__ = ["AT", "EPILOG", "FLAGS", "HELP", "SINCE", "SORT"]

HELP = N_("""Say what is in a process's memory.

TARGET is a pid, 'self', /proc/PID, a recording, or '-' for pids on standard input.
""")
SORT = N_("Sort tables by a column, largest first.")
AT = N_("Of a series the look at this moment: +90s, -5m, 14:30, a date and time (the last).")
SINCE = N_("Also say what grew since an earlier look: a recording, or a pid.")
FLAGS = {
    "--regions": N_("List every byte range, with its class, kind and owner."),
    "--classic": N_("Fold the classes to text, data, bss, heap, mmap and stack."),
    "--deep": N_(
        "Also read a few words of the target's memory: malloc's headers, the C library's lists of threads; only"
        " pages that are in memory, never contents. Needs permission to trace the target."
    ),
    "--picture": N_("Only the picture of the address space."),
    "--csv": N_("The class table, or with --regions the regions, as CSV in bytes."),
    "--markdown": N_("The same as a Markdown table."),
}
EPILOG = N_("""\b
Examples:
  procmem inspect 1234                      the page for a person
  procmem inspect 1234 --classic            the six areas of the textbook
  procmem inspect 1234 --regions --class heap --sort rss
  procmem inspect 1234 --path '*.so' --perms wx
  procmem inspect 1234 --json --regions     every byte range, for programs
  procmem inspect --from bug.tar.gz         a recording, as if it were here
  procmem inspect 1234 --since bug.tar.gz   and what grew since then
""")
