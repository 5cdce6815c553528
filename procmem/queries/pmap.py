"""The question of ``procmem pmap``: the maps of a process, as pmap reads them."""

from __future__ import annotations

from procmem.errors import AccessRefused, ProcessGone
from procmem.model.mapping import SmapsRecord
from procmem.model.named_tuple import NamedTuple
from procmem.model.raw import MissingRight, Refusal
from procmem.parse.pmap_title import pmap_title
from procmem.parse.records import smaps_records
from procmem.parse.status import parse_stat
from procmem.queries.read import read_consistently

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import Target
    from procmem.model.raw import FileContent

__all__ = ["MapRead", "read_maps"]


class MapRead(NamedTuple):
    """One process: what pmap calls it, where its stack began, and its mappings; None where they were refused.

    ``right`` is what we lack in that case.
    """

    pid: int | None
    title: bytes
    start_stack: int | None
    lines: tuple[SmapsRecord, ...] | None
    right: MissingRight | None = None


def read_maps(target: Target, pid: int | None) -> MapRead:
    """Read what pmap reads.

    Raises:
        ProcessGone: it has ended.
        AccessRefused: neither smaps nor maps is there.
    """

    def once() -> tuple[FileContent, FileContent, FileContent, FileContent]:
        auxv, stat = target.read("auxv"), target.read("stat")
        smaps = target.read_pieces("smaps", lambda _: None, keep=True)
        if isinstance(smaps, Refusal) and smaps is not Refusal.DENIED:
            smaps = target.read("maps")
        return auxv, stat, smaps, target.read("cmdline")

    # auxv is another after every execve: a title of one program above the map of another would be of neither
    (_, stat, smaps, cmdline), _ = read_consistently(once, lambda seen: target.read("auxv") != seen[0])
    parsed = parse_stat(stat) if isinstance(stat, bytes) else None
    title = pmap_title(cmdline if isinstance(cmdline, bytes) else None, parsed)
    if smaps is Refusal.DENIED:
        return MapRead(pid, title, None, None, target.missing_right())
    if isinstance(smaps, Refusal):
        raise ProcessGone(pid or 0, "ended-while-read") if smaps is Refusal.GONE else AccessRefused(pid, "no-mappings")
    lines = tuple(smaps_records(smaps))
    return MapRead(pid, title, parsed.startstack if parsed else None, lines)
