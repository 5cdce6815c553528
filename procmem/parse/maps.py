r"""``/proc/<pid>/maps``: one line a VMA, and the one place that knows the form of that line.

Source: proc_pid_maps(5); fs/proc/task_mmu.c, show_vma_header_prefix() and show_map_vma(). The kernel
escapes only newline in names (as ``\012``), so a name may hold anything else, blanks at its end too.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Sequence
from operator import lt

from procmem.errors import MalformedFile
from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    Value = TypeVar("Value")

__all__ = ["HEADER", "Columns", "check_whole", "columns", "parse_maps"]


TAIL = rb"([r?-][w?-][x?-][sp?]) ([0-9a-f]{1,16}) ([0-9a-f]{2,8}:[0-9a-f]{2,8}|\?\?:\?\?) ([0-9]{1,20})(?: +([^\n]*))?"
"""What follows the addresses of a maps line: perms, offset, device, inode, name.

Question marks stand where a text of another form does not tell (``model.given_text``); the kernel writes none.
"""

_TAIL = re.compile(TAIL)

HEADER = rb"([0-9a-f]{1,16})-([0-9a-f]{1,16}) " + TAIL
"""The form of a whole maps line, without its line end; groups: the two addresses, then those of the tail."""


def parse_maps(data: bytes, *, name: str = "maps") -> Mappings:
    """Read the text of ``/proc/<pid>/maps``; a kernel thread's empty text gives no mapping.

    Raises:
        MalformedFile: a line does not have the documented form, or the last line is cut off.
    """
    check_whole(data, name)
    if b"]\r\n" in data and data.count(b"\r\n") == data.count(b"\n"):
        raise MalformedFile(name, 1, "line-ends", data[: data.find(b"\n")])  # labels of the kernel do not
    lines = data.split(b"\n")[:-1]
    rows = [line.partition(b" ") for line in lines]
    spans = [row[0].partition(b"-") for row in rows]
    for number, (low, _, high) in enumerate(spans, start=1):
        if not _is_hex(low) or not _is_hex(high):
            raise MalformedFile(name, number, "not-a-mapping", lines[number - 1])
    starts, ends = [span[0] for span in spans], [span[2] for span in spans]
    return Mappings(**columns(starts, ends, [row[2] for row in rows], [None] * len(rows), name)._asdict())


def _is_hex(text: bytes) -> bool:
    return 0 < len(text) <= 16 and not text.strip(b"0123456789abcdef")


def check_whole(data: bytes, name: str) -> None:
    """Make sure that the text ends with a whole line."""
    if data and not data.endswith(b"\n"):
        line = data.count(b"\n") + 1
        raise MalformedFile(name, line, "last-line-cut", data[data.rfind(b"\n") + 1 :])


class Columns(NamedTuple):
    """The seven fields of a maps line, and the VmFlags below it in smaps, each as a column.

    ``sort`` numbers what a mapping says beside its addresses: those that say the same have the same number.
    """

    start: list[int]
    end: list[int]
    perms: list[str]
    offset: list[int]
    device: list[str]
    inode: list[int]
    name: list[bytes]
    flags: list[str | None]
    sort: list[int]


def _addresses(texts: Sequence[bytes]) -> list[int]:
    """Numbers of up to 16 hexadecimal digits, all at once: a call of int() for each takes five times as long."""
    widths = set(map(len, texts))
    if len(widths) == 1:
        zeros = b"0" * (16 - widths.pop())
        digits = zeros + zeros.join(texts)
    else:
        digits = b"".join([text.zfill(16) for text in texts])
    return list(struct.unpack(f">{len(texts)}Q", bytes.fromhex(digits.decode("ascii"))))


def columns(
    low: Sequence[bytes], high: Sequence[bytes], tails: Sequence[bytes], flags: Sequence[bytes | None], name: str
) -> Columns:
    """Turn the texts of maps lines into columns: the two addresses, what follows them, and the texts of VmFlags.

    Many mappings say the same (all anonymous memory does), so each different text is taken apart once.

    Raises:
        MalformedFile: a line without the documented form, a range that is empty or backwards.
    """
    start, end = _addresses(low), _addresses(high)
    if not all(map(lt, start, end)):
        bad = next(at for at in range(len(start)) if start[at] >= end[at])
        raise MalformedFile(name, 0, "range-backwards", low[bad] + b"-" + high[bad])
    said = list(zip(tails, flags, strict=True))
    number = {texts: at for at, texts in enumerate(dict.fromkeys(said))}
    sort = list(map(number.__getitem__, said))
    sorts = [_sort(tail, words, tails, name) for tail, words in number]

    def column(field: Callable[[_Sort], Value]) -> list[Value]:
        return list(map(list(map(field, sorts)).__getitem__, sort))

    return Columns(
        start,
        end,
        column(lambda said: said.perms),
        column(lambda said: said.offset),
        column(lambda said: said.device),
        column(lambda said: said.inode),
        column(lambda said: said.name),
        column(lambda said: said.flags),
        sort,
    )


class _Sort(NamedTuple):
    """What a mapping says beside its addresses."""

    perms: str
    offset: int
    device: str
    inode: int
    name: bytes
    flags: str | None


def _sort(tail: bytes, flags: bytes | None, tails: Sequence[bytes], name: str) -> _Sort:
    match = _TAIL.fullmatch(tail)
    if match is None:
        raise MalformedFile(name, tails.index(tail) + 1, "not-a-mapping", tail)
    perms, offset, device, inode, path = match.groups(default=b"")
    if int(inode) >= 1 << 64:
        raise MalformedFile(name, 0, "inode-too-large", tail)
    words = None if flags is None else flags.decode("ascii", "replace").strip()
    return _Sort(perms.decode("ascii"), int(offset, 16), device.decode("ascii"), int(inode), path, words)
