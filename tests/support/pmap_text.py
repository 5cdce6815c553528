"""Reading what ``pmap -X`` prints, to hold procmem's numbers against it."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from procmem.model.mapping import Mappings

_KIB = 1024


class PmapRow(NamedTuple):
    """One line: the mapping, and its counters in bytes by their smaps keys."""

    pid: int
    start: int
    perms: str
    offset: int
    device: str
    inode: int
    size: int
    counters: dict[str, int]


def parse_pmap(text: str) -> list[PmapRow]:
    """The rows of all processes in a page of ``pmap -X``, sums left out."""
    rows = []
    pid = 0
    keys: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if heading := re.match(r"([0-9]+): ", line):
            pid, keys = int(heading[1]), []
        elif words[:2] == ["Address", "Perm"]:
            keys = words[6:-1]
        elif keys and len(words) >= 6 + len(keys) and re.fullmatch("[0-9a-f]{8,16}", words[0]):
            counters = {key: int(word) * _KIB for key, word in zip(keys, words[6:], strict=False)}
            # THPeligible is a flag, ProtectionKey a number: neither is a size
            counters = {key: value for key, value in counters.items() if key not in ("THPeligible", "ProtectionKey")}
            rows.append(
                PmapRow(
                    pid,
                    int(words[0], 16),
                    words[1],
                    int(words[2], 16),
                    words[3],
                    int(words[4]),
                    int(words[5]) * _KIB,
                    counters,
                )
            )
    return rows


def differences(rows: Sequence[PmapRow], table: Mappings) -> Iterator[str]:
    """Say where pmap's rows and the mappings of one process differ, in any number."""
    if len(rows) != len(table):
        yield f"pmap has {len(rows)} rows, smaps {len(table)}"
        return
    for index, (row, vma) in enumerate(zip(rows, table, strict=True)):
        ours = (vma.start, vma.perms, vma.offset, vma.device, vma.inode, vma.size)
        if ours != (row.start, row.perms, row.offset, row.device, row.inode, row.size):
            yield f"pmap says {row}, smaps {vma}"
        for key, value in row.counters.items():
            column = table.column(key)
            if column is None or column[index] != value:
                yield f"{key} at {row.start:x}: pmap says {value}, smaps {column and column[index]}"
