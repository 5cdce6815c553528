"""The standard output of this process, where nobody takes it any more."""

import os

__all__ = ["drop_output"]


def drop_output() -> None:
    """Point stdout to nowhere, so that the interpreter's own flush at exit stays quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
