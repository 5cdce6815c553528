"""All other processes: who maps the same objects as one does."""

from __future__ import annotations

from collections.abc import Iterable

from procmem.analyse.inspection import warnings_of
from procmem.analyse.shared import ObjectKey, object_keys, shared_report
from procmem.errors import AccessRefused, BadInput, ProcessGone
from procmem.model.named_tuple import NamedTuple
from procmem.model.reports.shared import Sharer
from procmem.parse.maps import parse_maps
from procmem.parse.smaps import parse_smaps
from procmem.parse.status import parse_comm
from procmem.queries.examine import examine, need_mappings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import Source, Target
    from procmem.model.reports.shared import SharedReport
    from procmem.model.snapshot import Snapshot

__all__ = ["Others", "find_sharers", "shared_of"]


class Others(NamedTuple):
    """Other processes by the objects that they share with one; how many were looked at, and how many refused."""

    by_object: dict[ObjectKey, tuple[Sharer, ...]]
    looked_at: int
    unreadable: int


def find_sharers(source: Source, pids: Iterable[int | None], snapshot: Snapshot) -> Others:
    """Read the maps of every other process, and keep those that map an object of this one.

    Processes that vanish meanwhile are left out; kernel threads and zombies map nothing.
    """
    ours = object_keys(snapshot.mappings) if snapshot.mappings is not None else frozenset()
    own = {snapshot.pid, snapshot.thread_of}
    found: dict[ObjectKey, list[Sharer]] = {}
    looked_at = unreadable = 0
    for pid in pids:
        if pid is None or pid in own:
            continue
        try:
            with source.open(pid) as target:
                maps = target.read("maps")
                if not isinstance(maps, bytes):
                    smaps = target.read("smaps")
                    table = parse_smaps(smaps, keys=()) if isinstance(smaps, bytes) else None
                else:
                    table = parse_maps(maps)
                comm = target.read("comm")
        except ProcessGone:
            continue
        except (AccessRefused, BadInput):
            unreadable += 1
            continue
        if table is None:
            unreadable += 1
            continue
        looked_at += 1
        sharer = Sharer(pid, parse_comm(comm) if isinstance(comm, bytes) else None)
        for key in ours & object_keys(table):
            found.setdefault(key, []).append(sharer)
    return Others({key: tuple(sharers) for key, sharers in found.items()}, looked_at, unreadable)


def shared_of(target: Target, source: Source, pids: Iterable[int | None]) -> SharedReport:
    """What a process maps, and who among ``pids`` maps it as well.

    Raises:
        ProcessGone, MalformedFile: as :func:`procmem.queries.examine.examine`.
        AccessRefused: its mappings may not be read.
    """
    seen = examine(target)
    need_mappings(seen)
    others = find_sharers(source, pids, seen.snapshot)
    return shared_report(
        seen.snapshot,
        seen.regions,
        others.by_object,
        looked_at=others.looked_at,
        unreadable=others.unreadable,
        warnings=warnings_of(seen.snapshot, seen.regions, seen.peek_problem),
    )
