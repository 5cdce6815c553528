"""A log of which every line is a JSON object, as Docker, journald (``-o json``) and many programs write it.

Which member holds the text is not known by its name: it is the one in which rows of a known text stand.
"""

from __future__ import annotations

import json

from procmem.model.note import note
from procmem.parse.given.lines import GivenLines, lines_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterator
    from typing import Any

__all__ = ["from_json_lines"]

_DEPTH_MAX = 4
_ROW_BYTES = 512
"""So much of a line is enough to know a row, with what a log puts before it."""


def from_json_lines(lines: GivenLines, rows: re.Pattern[bytes]) -> GivenLines | None:
    """The lines that the objects hold; None where they are no objects, or hold none of ``rows``."""
    first = next(filter(None, lines.bare), b"")
    if not first.startswith(b"{"):
        return None
    texts: dict[str, list[bytes]] = {}
    counted: dict[str, int] = {}
    for line in lines.bare:
        for name, value in _members(line):
            pieces = value.removesuffix(b"\n").split(b"\n")
            texts.setdefault(name, []).extend(pieces)
            found = sum(rows.search(piece, 0, _ROW_BYTES) is not None for piece in pieces)
            counted[name] = counted.get(name, 0) + found
    best = max(counted, key=lambda name: counted[name], default="")
    if not counted.get(best):
        return None
    said = note("json lines", member=best.encode("utf-8", "surrogateescape"))
    return lines_of(texts[best], ends=lines.ends, notes=(*lines.notes, said))


def _members(line: bytes) -> Iterator[tuple[str, bytes]]:
    """The texts in an object, each by the names that lead to it; nothing where a line is none."""
    if not line.startswith(b"{"):
        return
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return
    yield from _texts("", value, _DEPTH_MAX)


def _texts(name: str, value: Any, depth: int) -> Iterator[tuple[str, bytes]]:
    if isinstance(value, str):
        yield name, value.encode("utf-8", "surrogatepass")
    elif isinstance(value, dict) and depth:
        for key, member in value.items():
            yield from _texts(f"{name}.{key}" if name else key, member, depth - 1)
    elif isinstance(value, list) and value and all(isinstance(one, int) and 0 <= one < 256 for one in value):
        yield name, bytes(value)  # journald writes so what is no UTF-8
