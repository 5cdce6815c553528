"""The question of ``procmem pmap``: the maps of a process, as pmap reads them."""

from __future__ import annotations

from procmem.errors import AccessRefused, ProcessGone
from procmem.model.named_tuple import NamedTuple
from procmem.model.raw import MissingRight, Refusal, said_or_nothing
from procmem.model.smaps_records import SmapsRecords
from procmem.parse.pmap_title import pmap_title
from procmem.parse.records import RecordsReader
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
    lines: SmapsRecords | None
    right: MissingRight | None = None


def read_maps(target: Target, pid: int | None) -> MapRead:
    """Read what pmap reads.

    Raises:
        ProcessGone: it has ended.
        AccessRefused: neither smaps nor maps is there.
    """

    def once() -> tuple[FileContent, FileContent, FileContent, FileContent, RecordsReader]:
        auxv, stat = target.read("auxv"), target.read("stat")
        records = RecordsReader()
        smaps = target.read_pieces("smaps", records.feed, keep=False)
        if isinstance(smaps, Refusal) and smaps is not Refusal.DENIED:
            records = RecordsReader()
            smaps = target.read("maps")
            records.feed(said_or_nothing(smaps))
        return auxv, stat, smaps, target.read("cmdline"), records

    # auxv is another after every execve: a title of one program above the map of another would be of neither
    (_, stat, smaps, cmdline, records), _ = read_consistently(once, lambda seen: target.read("auxv") != seen[0])
    parsed = parse_stat(stat) if isinstance(stat, bytes) else None
    title = pmap_title(cmdline if isinstance(cmdline, bytes) else None, parsed)
    if smaps is Refusal.DENIED:
        return MapRead(pid, title, None, None, target.missing_right())
    if isinstance(smaps, Refusal):
        raise ProcessGone(pid or 0, "ended-while-read") if smaps is Refusal.GONE else AccessRefused(pid, "no-mappings")
    return MapRead(pid, title, parsed.startstack if parsed else None, records.close())
