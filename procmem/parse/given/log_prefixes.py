"""Lines out of a log, freed of what the log puts before each: time, host, program, the name of a file, a number.

No form of log is known here: what stands before the rows of a known text, alike but for its numbers, is put before all
lines. So journald, logcat, a container's log, ``grep -r`` and ``cat -n`` are read in the same way.
"""

from __future__ import annotations

import re

from procmem.model.note import note
from procmem.parse.given.lines import GivenLines, lines_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["rows_within", "without_prefixes"]

_PREFIX_BYTES_MAX = 256
_ROW_BYTES = 256
"""So much of a row is enough to know it."""
_LINES_SEARCHED = 100_000
_SHOWN = 80
_QUOTES = (b'"', b"'")
_PIECES = re.compile(rb"(/proc/[0-9]+/)|([0-9]+)|([ \t]+)|([^0-9 \t/]+|/)")
"""Of a prefix: the process of a file's name, which tells one process from another; numbers; blanks; all else."""


def rows_within(rows: Iterable[re.Pattern[bytes]]) -> re.Pattern[bytes]:
    """What finds any of these rows in a line, wherever it begins."""
    return re.compile(rb"(?<![0-9A-Za-z])(?:%s)" % b"|".join(row.pattern for row in rows))


def without_prefixes(lines: GivenLines, rows: re.Pattern[bytes]) -> GivenLines | None:
    """The same lines without what a log put before them; None where nothing stands before any of ``rows``.

    Where it ends in a quotation mark, what stands behind the closing one belongs to the log as well.
    """
    counted: dict[bytes, int] = {}
    for line in lines.plain[:_LINES_SEARCHED]:
        row = rows.search(line, 0, _PREFIX_BYTES_MAX + _ROW_BYTES)
        before = b"" if row is None else line[: row.start()].rstrip()
        if before and len(before) <= _PREFIX_BYTES_MAX:
            shape = _shape(before)
            counted[shape] = counted.get(shape, 0) + 1
    if not counted:
        return None
    prefix = re.compile(max(counted, key=lambda shape: counted[shape]))
    found = [prefix.match(line) for line in lines.plain]
    begun = [(one.end(), line) for one, line in zip(found, lines.plain, strict=True) if one is not None]
    # what follows is indented by the log as well: as far as all of it is
    indent = min((len(line) - end - len(line[end:].lstrip()) for end, line in begun if line[end:].strip()), default=0)
    first = next(one[0] for one in found if one is not None)
    quote = first[-1:] if first.endswith(_QUOTES) else b""
    plain = [
        line if one is None else _unquoted(line[one.end() + indent :], quote)
        for one, line in zip(found, lines.plain, strict=True)
    ]
    said = note("log prefix", count=len(begun), text=first.strip()[:_SHOWN])
    return lines_of(plain, ends=lines.ends, notes=(*lines.notes, said), prefix=first)


def _unquoted(line: bytes, quote: bytes) -> bytes:
    return line.rpartition(quote)[0] if quote and quote in line else line


def _shape(prefix: bytes) -> bytes:
    """The pattern of what is like a prefix but for its numbers; times and line numbers may be padded with blanks."""
    parts = []
    behind_number = False
    for process, number, blanks, other in _PIECES.findall(prefix):
        if number:
            parts.append((rb"[ \t]++" if behind_number else rb"[ \t]*+") + rb"[0-9]++")
        elif blanks:
            parts.append(rb"[ \t]++")
        else:
            parts.append(re.escape(process or other))
        behind_number = bool(number)
    return b"".join(parts)
