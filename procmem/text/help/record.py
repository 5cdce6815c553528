"""The help and the messages of ``procmem record``."""

from procmem.text import N_, plural, say

__all__ = ["DEEP", "EPILOG", "HELP", "KEEP_ARGS", "OUTPUT", "recorded"]

HELP = N_("Write down all that procmem needs of a process; no memory contents, no environment.")
OUTPUT = N_("A new folder, or a new file ending in .tar.gz.")
DEEP = N_("Also keep the few words of memory that inspect --deep reads.")
KEEP_ARGS = N_("Keep the command line's arguments, which may hold secrets.")
EPILOG = N_("""\b
Examples:
  procmem record 1234 -o bug.tar.gz       one archive
  procmem record --name nginx -o web      a folder with all of them
  procmem inspect --from bug.tar.gz       look at it, anywhere

A recording holds addresses, file names and numbers, but no memory contents, no environment, and no
command-line arguments unless --keep-args is given. It is readable by its owner only.
""")
_RECORDED = plural(
    "recorded {count} process in {output}; it holds addresses, which defeats address randomisation of processes that"
    " still run",
    "recorded {count} processes in {output}; it holds addresses, which defeats address randomisation of processes that"
    " still run",
)


def recorded(count: int, output: str) -> str:
    """What is said when it is written."""
    return say(_RECORDED, {"count": count, "output": output})
