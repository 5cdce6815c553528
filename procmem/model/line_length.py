"""How long a line of a text may be that somebody gives us.

No line of the kernel's files comes near it: a path has 4 KiB, escaped four times that. A command line in a crash report
may have 128 KiB (MAX_ARG_STRLEN). What lays out a line may take a time with the square of its length.
"""

from __future__ import annotations

__all__ = ["LINE_BYTES_MAX", "long_line"]

LINE_BYTES_MAX = 256 * 1024


def long_line(text: bytes) -> int | None:
    """The number, from 1 on, of the first line that is too long; None where there is none.

    One of up to twice the bound may be missed: pieces of that length are looked at, and not each line.
    """
    for start in range(0, len(text) - LINE_BYTES_MAX + 1, LINE_BYTES_MAX):
        end = start + LINE_BYTES_MAX
        if text.find(b"\n", start, end) < 0 and text.find(b"\r", start, end) < 0:
            return text.count(b"\n", 0, start) + 1
    return None
