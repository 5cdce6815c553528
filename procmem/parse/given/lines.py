"""A text as lines, freed of what editors, mail programs and terminals put into it.

What a line says is not looked at here, only what it is wrapped in: line ends, byte order marks, colours, indentation.
"""

from __future__ import annotations

import re

from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["GivenLines", "given_lines", "lines_of"]

_UTF_8_MARK = b"\xef\xbb\xbf"
_UTF_16 = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_COLOUR = re.compile(rb"\x1b\[[0-9;]*[A-Za-z]")
_COLOURED_LINE = re.compile(rb"(?m)^[ \t]*\x1b\[.*$")
"""A line that begins with a colour: further on in a line it may be part of a file's name."""
_MARGIN = b" \t>|\xc2\xa0"
"""What indents and quotes: blanks, the marks of a mail's quotation and of a drawn frame, no-break spaces."""


class GivenLines(NamedTuple):
    """The lines of a text without their ends, and what was mended.

    ``plain`` are the lines, ``bare`` the same without what indents and quotes them; ``ends`` says that the last has its
    end. ``prefix`` is what a log put before the first of them, where it was left out.
    """

    plain: tuple[bytes, ...]
    bare: tuple[bytes, ...]
    ends: bool
    notes: tuple[Note, ...]
    prefix: bytes = b""

    def passed_over(self, others: int, backwards: int = 0) -> list[Note]:
        """What is said of lines that are no rows, of rows that can be none, and of a last line without an end."""
        notes = []
        if backwards:
            notes.append(note("backwards", count=backwards))
        if others:
            notes.append(note("other lines", count=others))
        if not self.ends:
            notes.append(note("no line end"))
        return notes


def given_lines(data: bytes) -> GivenLines:
    """Cut a text into lines.

    A carriage return is part of a line's end only where at least half of the lines have it: it may be the end of a
    file's name, and a line that somebody added (a prompt, a heading) may have another end.
    """
    notes = []
    for mark, encoding in _UTF_16:
        if data.startswith(mark):
            data = data[len(mark) :].decode(encoding, "replace").encode("utf-8", "surrogateescape")
            notes.append(note("text in UTF-16"))
    if data.startswith(_UTF_8_MARK):
        data = data.removeprefix(_UTF_8_MARK)
        notes.append(note("byte order mark"))
    if _COLOURED_LINE.search(data):
        data = _COLOURED_LINE.sub(lambda line: _COLOUR.sub(b"", line[0]), data)
        notes.append(note("colours"))
    ends = data.endswith((b"\n", b"\r"))
    if b"\r" in data:
        data, mended = _without_returns(data)
        notes += mended
    plain = data.split(b"\n")
    if ends:
        del plain[-1]
    return lines_of(plain, ends=ends, notes=notes)


def lines_of(plain: Sequence[bytes], *, ends: bool, notes: Iterable[Note], prefix: bytes = b"") -> GivenLines:
    """The lines, and what they are without what indents and quotes them."""
    bare = tuple([line.lstrip(_MARGIN) for line in plain])
    return GivenLines(tuple(plain), bare, ends, tuple(notes), prefix)


def _without_returns(data: bytes) -> tuple[bytes, list[Note]]:
    """The text with line ends as Unix has them, where its own are those of Windows or of an old Macintosh."""
    breaks, windows = data.count(b"\n"), data.count(b"\r\n")
    if not breaks:
        return data.replace(b"\r", b"\n"), [note("line ends", count=data.count(b"\r"))]
    lines = [line for line in data.split(b"\n") if line.strip()]
    last_has_no_end = not data.endswith(b"\n")
    if 2 * (sum(line.endswith(b"\r") for line in lines) + last_has_no_end) >= len(lines):
        return data.replace(b"\r\n", b"\n"), [note("line ends", count=windows)]
    return data, [note("some line ends", count=windows)] if windows else []
