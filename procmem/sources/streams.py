"""The standard streams of this process: an input that may be anything, an output that nobody takes any more."""

from __future__ import annotations

import errno
import io
import os
import sys

from procmem.errors import BadInput, CannotWrite, Misuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

__all__ = ["binary_output", "buffered", "drop_output", "input_text"]

INPUT_CHARACTERS_MAX = 1 << 20


def input_text(most: int = INPUT_CHARACTERS_MAX) -> str:
    """Standard input whole; nothing where the shell has closed it (``<&-``).

    Raises:
        BadInput: it is no text, has more than ``most`` characters (it may have no end), or cannot be read.
    """
    if sys.stdin is None:
        return ""
    try:
        text = sys.stdin.read(most + 1)
    except OSError as error:
        raise BadInput("unreadable-text", name="-", reason=error.strerror) from error
    except UnicodeDecodeError as error:
        raise BadInput("no-text", name="-") from error
    if len(text) > most:
        raise BadInput("text-too-large", name="-", most=most)
    return text


def binary_output() -> IO[bytes]:
    """Standard output for bytes.

    Raises:
        Misuse: it is a terminal.
        CannotWrite: the shell has closed it (``>&-``).
    """
    if sys.stdout is None:
        raise CannotWrite("-", "system-error", reason=os.strerror(errno.EBADF))
    if sys.stdout.isatty():
        raise Misuse("archive-to-terminal")
    return open(sys.stdout.fileno(), "wb", closefd=False)


def drop_output() -> None:
    """Point stdout to nowhere, so that the interpreter's own flush at exit stays quiet."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def buffered(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    """The same output with a buffer, which ``PYTHONUNBUFFERED`` takes away: without, what a short write leaves is lost.

    A nearly full disk takes the first bytes of an answer, and refuses the rest with the next write only (write(2)).
    """
    return open(stream.fileno(), "w", encoding=stream.encoding, closefd=False)
