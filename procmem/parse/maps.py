r"""``/proc/<pid>/maps``: one line a VMA, and the one place that knows the form of that line.

Source: proc_pid_maps(5); fs/proc/task_mmu.c, show_vma_header_prefix() and show_map_vma(). The kernel
escapes only newline in names (as ``\012``), so a name may hold anything else, blanks at its end too.
"""

import re
import struct
from collections.abc import Sequence
from operator import lt
from typing import NamedTuple

from procmem.errors import MalformedFile
from procmem.model.mapping import Mappings

__all__ = ["HEADER", "TAIL", "Columns", "check_whole", "columns", "parse_maps"]

TAIL = rb"([r-][w-][x-][sp]) ([0-9a-f]{1,16}) ([0-9a-f]{2,8}:[0-9a-f]{2,8}) ([0-9]{1,20})(?: +([^\n]*))?"
"""What follows the addresses of a maps line: perms, offset, device, inode, name."""

HEADER = rb"[0-9a-f]{1,16}-[0-9a-f]{1,16} " + TAIL
"""The form of a whole maps line, without its line end."""


def parse_maps(data: bytes, *, name: str = "maps") -> Mappings:
    """Read the text of ``/proc/<pid>/maps``; a kernel thread's empty text gives no mapping.

    Raises:
        MalformedFile: a line does not have the documented form, or the last line is cut off.
    """
    check_whole(data, name)
    lines = data.split(b"\n")[:-1]
    rows = [line.partition(b" ") for line in lines]
    spans = [row[0].partition(b"-") for row in rows]
    for number, (low, _, high) in enumerate(spans, start=1):
        if not _is_hex(low) or not _is_hex(high):
            raise MalformedFile(name, number, "not 'start-end perms offset dev inode path'", lines[number - 1])
    return Mappings(
        **columns([span[0] for span in spans], [span[2] for span in spans], [row[2] for row in rows], name)._asdict()
    )


def _is_hex(text: bytes) -> bool:
    return 0 < len(text) <= 16 and not text.strip(b"0123456789abcdef")


def check_whole(data: bytes, name: str) -> None:
    """Make sure that the text ends with a whole line."""
    if data and not data.endswith(b"\n"):
        line = data.count(b"\n") + 1
        raise MalformedFile(name, line, "the last line is cut off", data[data.rfind(b"\n") + 1 :])


class Columns(NamedTuple):
    """The seven fields of a maps line, each as a column."""

    start: list[int]
    end: list[int]
    perms: list[str]
    offset: list[int]
    device: list[str]
    inode: list[int]
    name: list[bytes]


class _Tail(NamedTuple):
    """What a line says after its addresses."""

    perms: str
    offset: int
    device: str
    inode: int
    name: bytes


def _addresses(texts: Sequence[bytes]) -> list[int]:
    """Numbers of up to 16 hexadecimal digits, all at once: a call of int() for each takes five times as long."""
    digits = b"".join([text.zfill(16) for text in texts]).decode("ascii")
    return list(struct.unpack(f">{len(texts)}Q", bytes.fromhex(digits)))


def columns(low: Sequence[bytes], high: Sequence[bytes], tails: Sequence[bytes], name: str) -> Columns:
    """Turn the texts of maps lines into columns: the two addresses, and all that follows them.

    Many lines end alike (all anonymous memory does), so each different ending is taken apart once.

    Raises:
        MalformedFile: a line without the documented form, a range that is empty or backwards.
    """
    start, end = _addresses(low), _addresses(high)
    if not all(map(lt, start, end)):
        bad = next(at for at in range(len(start)) if start[at] >= end[at])
        raise MalformedFile(name, 0, "a range that is empty or backwards", low[bad] + b"-" + high[bad])
    pattern = re.compile(TAIL)
    known: dict[bytes, _Tail] = {}
    for text in set(tails):
        match = pattern.fullmatch(text)
        if match is None:
            line = tails.index(text) + 1
            raise MalformedFile(name, line, "not 'start-end perms offset dev inode path'", text)
        perms, offset, device, inode, path = match.groups(default=b"")
        if int(inode) >= 1 << 64:
            raise MalformedFile(name, 0, "an inode beyond 64 bits", text)
        known[text] = _Tail(perms.decode("ascii"), int(offset, 16), device.decode("ascii"), int(inode), path)
    parts = [known[text] for text in tails]
    perms_column, offsets, devices, inodes, names = zip(*parts, strict=True) if parts else ((), (), (), (), ())
    return Columns(start, end, list(perms_column), list(offsets), list(devices), list(inodes), list(names))
