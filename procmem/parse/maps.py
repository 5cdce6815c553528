"""``/proc/<pid>/maps``: one line a VMA, and the one place that knows the form of that line.

Source: proc_pid_maps(5); fs/proc/task_mmu.c, show_vma_header_prefix() and show_map_vma(). The kernel
escapes only newline in names (as ``\\012``), so a name may hold anything else, blanks at its end too.
"""

import re
from collections.abc import Sequence
from operator import lt
from typing import NamedTuple

from procmem.errors import MalformedFile
from procmem.model.mapping import Mappings

__all__ = ["HEADER", "Columns", "check_whole", "columns", "parse_maps"]

HEADER = (
    rb"([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([r-][w-][x-][sp]) ([0-9a-f]{1,16})"
    rb" ([0-9a-f]{2,8}:[0-9a-f]{2,8}) ([0-9]{1,20})(?: +([^\n]*))?\n"
)
"""The form of a maps line, as a pattern on bytes: start, end, perms, offset, device, inode, name."""


def parse_maps(data: bytes, *, name: str = "maps") -> Mappings:
    """Read the text of ``/proc/<pid>/maps``; a kernel thread's empty text gives no mapping.

    Raises:
        MalformedFile: a line does not have the documented form, or the last line is cut off.
    """
    check_whole(data, name)
    pattern = re.compile(rb"^" + HEADER, re.MULTILINE)
    rows = pattern.findall(data)
    if len(rows) != data.count(b"\n"):
        for number, line in enumerate(data.split(b"\n")[:-1], start=1):
            if not pattern.fullmatch(line + b"\n"):
                raise MalformedFile(name, number, "not 'start-end perms offset dev inode path'", line)
    return Mappings(**columns(list(zip(*rows, strict=True)), name)._asdict())


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


def columns(fields: Sequence[Sequence[bytes]], name: str) -> Columns:
    """Turn the matched texts of header lines, one sequence a field, into columns; more fields are left alone.

    Raises:
        MalformedFile: a range is empty or backwards, or an inode is beyond 64 bits.
    """
    if not fields:
        return Columns([], [], [], [], [], [], [])
    low, high, perms, offset, device, inode, path, *_ = fields
    start = [int(text, 16) for text in low]
    end = [int(text, 16) for text in high]
    if not all(map(lt, start, end)):
        bad = next(index for index, pair in enumerate(zip(start, end, strict=True)) if pair[0] >= pair[1])
        raise MalformedFile(name, 0, "a range that is empty or backwards", low[bad] + b"-" + high[bad])
    inodes = {text: int(text) for text in set(inode)}
    if max(inodes.values()) >= 1 << 64:
        raise MalformedFile(name, 0, "an inode beyond 64 bits")
    return Columns(
        start,
        end,
        _decoded(perms),
        [int(text, 16) for text in offset],
        _decoded(device),
        [inodes[text] for text in inode],
        list(path),
    )


def _decoded(texts: Sequence[bytes]) -> list[str]:
    """Decode ASCII texts of which few are different."""
    known = {text: text.decode("ascii") for text in set(texts)}
    return [known[text] for text in texts]
