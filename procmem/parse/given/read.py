"""What a text is, by what stands in it, never by its name; and what it says, in the form of the kernel's files."""

from __future__ import annotations

from collections.abc import Callable
from itertools import compress
from operator import gt

from procmem.errors import BrokenRecording, MalformedFile
from procmem.model.given_text import GivenText
from procmem.model.line_length import LINE_BYTES_MAX, long_line
from procmem.model.mapping import Mappings
from procmem.model.proc_keys import SmapsKey
from procmem.parse.given.debugger_maps import DEBUGGER_ROWS, read_debugger_map, read_sanitizer_map
from procmem.parse.given.json_lines import from_json_lines
from procmem.parse.given.kernel_files import KERNEL_ROWS, begins_anew, maps_of_smaps, read_kernel_files
from procmem.parse.given.lines import GivenLines, given_lines
from procmem.parse.given.log_prefixes import rows_within, without_prefixes
from procmem.parse.given.pmap_tables import PMAP_ROWS, read_pmap
from procmem.parse.given.tombstones import TOMBSTONE_ROWS, read_tombstone
from procmem.parse.maps import parse_maps
from procmem.parse.smaps import parse_smaps

__all__ = ["READERS", "read_given_text"]

_FIRST_LETTERS = b"0123456789abcdef"
_COUNTER_BEGINS = tuple(b"%s:" % key.encode("ascii") for key in (SmapsKey.SIZE, SmapsKey.RSS, SmapsKey.VMA_NAME))

LINES_MAX = 1_000_000
"""Of a text that has to be looked at line by line, for one form after the other: smaps of 40,000 mappings has them."""

READERS: tuple[Callable[[GivenLines], GivenText | None], ...] = (
    read_kernel_files,
    read_pmap,
    read_debugger_map,
    read_sanitizer_map,
    read_tombstone,
)
"""One for each family of forms; the first that finds something has the text. A new form is a row here."""
_ROWS = (*KERNEL_ROWS, *PMAP_ROWS, *DEBUGGER_ROWS, *TOMBSTONE_ROWS)
"""What their lines look like, by which they are found in a log."""


def read_given_text(data: bytes, name: str) -> GivenText:
    """Read a text of a process.

    Raises:
        BrokenRecording: it is none of the known forms; the error shows how it begins. Or it has more lines than any.
        MalformedFile: a line is longer than any of theirs.
    """
    if (number := long_line(data)) is not None:
        raise MalformedFile(name, number, "long-line", most=LINE_BYTES_MAX)
    sound = _sound(data)
    if sound is not None:
        return sound
    if max(data.count(b"\n"), data.count(b"\r")) > LINES_MAX:
        raise BrokenRecording(name, "too-many-lines", most=LINES_MAX)
    lines = given_lines(data)
    text = _text_in(lines) or _text_in_log(lines)
    if text is not None:
        return text
    number, line = next(((at, line) for at, line in enumerate(lines.plain, start=1) if line.strip()), (0, b""))
    if not number:
        raise BrokenRecording(name, "empty-text")
    raise BrokenRecording(name, "unknown-text", number=number, text=line[:80])


def _text_in(lines: GivenLines) -> GivenText | None:
    for read in READERS:
        text = read(lines)
        if text is not None:
            return text._replace(notes=(*lines.notes, *text.notes))
    return None


def _text_in_log(lines: GivenLines) -> GivenText | None:
    """The text in lines that a log has wrapped, once or twice."""
    rows = rows_within(_ROWS)
    objects = from_json_lines(lines, rows)
    if objects is not None and (text := _text_in(objects)) is not None:
        return text
    logged = without_prefixes(objects or lines, rows)
    return None if logged is None else _text_in(logged)


def _sound(data: bytes) -> GivenText | None:
    """Maps or smaps just as the kernel wrote them, which is by far the commonest; None for all else."""
    if data[:1] not in _FIRST_LETTERS or b"\r" in data or not data.endswith(b"\n"):
        return None
    second = data[data.find(b"\n") + 1 :][:80]
    try:
        if not second.startswith(_COUNTER_BEGINS):
            return None if _is_of_several(parse_maps(data)) else GivenText({"maps": data})
        table = parse_smaps(data)
        if len(table) < 2 or _is_of_several(table):
            return None  # smaps_rollup looks like smaps of one mapping
        return GivenText({"smaps": data, "maps": maps_of_smaps(data)})
    except MalformedFile:
        return None


def _is_of_several(table: Mappings) -> bool:
    """Whether the mappings may be those of several processes, one after the other."""
    starts = table.start
    backwards = compress(range(1, len(starts)), map(gt, starts, starts[1:]))
    return any(begins_anew(starts[at], table.name[at - 1], starts[at // 2], at) for at in backwards)
