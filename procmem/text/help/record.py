"""The help and the messages of ``procmem record``."""

from procmem.text import N_, plural, say

__all__ = [
    "DEEP",
    "EPILOG",
    "EVERY",
    "FOR",
    "HELP",
    "KEEP_ARGS",
    "KEEP_HOST",
    "MAX_SIZE",
    "OUTPUT",
    "WHEN",
    "recorded",
    "written",
]

HELP = N_("Write down all that procmem needs of a process; no memory contents, no environment.")
OUTPUT = N_("A new folder, or a new file ending in .tar.gz.")
DEEP = N_("Also keep the few words of memory that inspect --deep reads.")
KEEP_ARGS = N_("Keep the command line's arguments, which may hold secrets.")
KEEP_HOST = N_("Keep the name of this machine, for procmem dataset.")
EVERY = N_("Look again and again (10s, 1m), and write a series of looks.")
FOR = N_("End a series after this time (1h); without it, when nothing is left to look at.")
WHEN = N_("Keep a look only if this holds: 'heap>+200M' (since the first), 'rss>2G', 'rss>80%' (repeatable).")
MAX_SIZE = N_("Drop every other look where a series becomes larger (64M).")
EPILOG = N_("""\b
Examples:
  procmem record 1234 -o bug.tar.gz       one archive
  procmem record --name nginx -o web      a folder with all of them
  procmem inspect --from bug.tar.gz       look at it, anywhere
  procmem record 1234 -o - | ssh host procmem inspect --from -
  procmem record 1234 --every 10s --for 1h -o leak.series
  procmem diff leak.series                what grew, and how fast

A recording holds addresses, file names and numbers, but no memory contents, no environment, and no
command-line arguments unless --keep-args is given. It is readable by its owner only. A series keeps classes, what
fills RES and limits of each look; it goes on where it was cut off, and is read by diff, inspect --at and watch --from.
""")
_RECORDED = plural(
    "recorded {count} process in {output}; it holds addresses, which defeats address randomisation of processes that"
    " still run",
    "recorded {count} processes in {output}; it holds addresses, which defeats address randomisation of processes that"
    " still run",
)


_WRITTEN = plural("wrote {kept} of {count} look to {output}", "wrote {kept} of {count} looks to {output}")


def written(kept: int, looks: int, output: str) -> str:
    """What is said when a series ends."""
    return say(_WRITTEN, {"kept": kept, "count": looks, "output": output})


def recorded(count: int, output: str) -> str:
    """What is said when it is written."""
    return say(_RECORDED, {"count": count, "output": output})
