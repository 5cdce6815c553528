"""The question of ``procmem swap``: who has what in swap, and whether that hurts."""

from __future__ import annotations

from procmem.analyse.swap import swap_regions, swap_report
from procmem.model.note import note
from procmem.model.proc_keys import StatusKey
from procmem.model.raw import Refusal
from procmem.queries.examine import examine, need_mappings
from procmem.queries.swap import read_swap
from procmem.queries.targets import other_pids
from procmem.sources.find import user_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from procmem.model.ports import Source, Target
    from procmem.model.reports.swap import SwapRegion, SwapReport

__all__ = ["regions_in_swap", "swap_of"]


def regions_in_swap(target: Target) -> tuple[SwapRegion, ...]:
    """The regions of a process that have something in swap.

    Raises:
        ProcessGone, AccessRefused, MalformedFile: as :func:`procmem.queries.examine.examine`.
    """
    seen = examine(target)
    shot = seen.snapshot
    tells_sum = shot.rollup is not None or shot.size(StatusKey.VM_SWAP) is not None
    if shot.mappings is None and tells_sum and Refusal.DENIED not in seen.raw.files.values():
        return ()  # a text that tells how much is in swap, and not where
    need_mappings(seen, sizes=True)
    return tuple(swap_regions(seen.snapshot.pid, seen.regions))


def swap_of(source: Source, regions: Iterable[SwapRegion], *, interval: float) -> SwapReport:
    """The swap of a machine, or of the processes of a recording, beside some regions of theirs."""
    users = user_name if source.is_live else str
    reading = read_swap(source, other_pids(source), interval=interval, users=users)
    unanswered = [note("files unanswered", folder=folder) for folder in reading.unanswered]
    return swap_report(reading, tuple(regions))._replace(warnings=(*source.notes, *unanswered))
