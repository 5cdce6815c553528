"""The help of ``procmem inspect``."""

from procmem.text import N_, say

__all__ = ["AT", "EPILOG", "FLAGS", "FORMAT", "HELP", "SCALE", "SINCE", "SORT", "SVG", "VALUE", "picture_written"]

HELP = N_("""Say what is in a process's memory.

TARGET is a pid, 'self', /proc/PID, a recording, or '-' for pids on standard input.
""")
SORT = N_("Sort tables by a column, largest first.")
AT = N_("Of a series the look at this moment: +90s, -5m, 14:30, a date and time (the last).")
SINCE = N_("Also say what grew since an earlier look: a recording, or a pid.")
SVG = N_("Write the picture of the address space as SVG, and nothing else; - is standard output.")
SCALE = N_("Scale of --svg: log shows all that is there, linear how empty the space is (log).")
FORMAT = N_(
    "Sums by class, kind, owner and object, for viewers of profiles: folded stacks, speedscope, or pprof (standard output)."
)
VALUE = N_("What --format counts; speedscope and pprof hold all that are known, and begin with this one (rss).")
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
  procmem inspect 1234 --svg map.svg        the picture, for a browser
  procmem inspect 1234 --format pprof >m.pb.gz && go tool pprof -top m.pb.gz
  procmem inspect 1234 --format folded --value pss | flamegraph.pl >m.svg
""")


def picture_written(path: str) -> str:
    """That the picture is there."""
    return say(N_("the picture is in {path}"), {"path": path})
