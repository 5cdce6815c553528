"""The help of ``procmem threads``."""

from procmem.text import N_

__all__ = ["DEEP", "EPILOG", "HELP"]

HELP = N_("Show each thread with its stack, and what all threads share against what each owns.")
DEEP = N_("Also read the C library's own list of threads; see inspect --help.")
EPILOG = N_("""\b
Examples:
  procmem threads 1234            every thread with its stack
  procmem threads 1234 --deep     exact, by the C library's own lists
  procmem threads --from bug.tar.gz --json

"depth now" is the distance from the stack's top to the stack pointer, "deepest" to the lowest page ever
used. A thread that runs at this moment shows no stack pointer; ask again, or use --deep.
""")
