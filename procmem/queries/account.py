"""The question of ``procmem account``: smaps, and around it the small files that say the same in other words.

What is read before and after smaps tells movement from disagreement; when the figures moved, all is read again. Each
of smaps, smaps_rollup and numa_maps has the kernel walk all page tables, so none is read without need.
"""

from __future__ import annotations

from procmem.analyse.account import ACCOUNT_KEYS, account_report
from procmem.classify.evidence import REGION_KEYS
from procmem.model.proc_keys import SmapsKey
from procmem.model.raw import Refusal, said_or_nothing
from procmem.model.reports.account import MOVED, UNEXPLAINED, AccountReport, Readings
from procmem.parse.mountinfo import MEMORY_TYPES, devices_of_type
from procmem.parse.numa_maps import parse_nodes, parse_numa_nodes
from procmem.parse.smaps import parse_rollup
from procmem.parse.status import parse_status
from procmem.queries.examine import examine
from procmem.queries.read import FILES_TO_INSPECT, TRIES, read_consistently

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from procmem.model.ports import Target
    from procmem.model.snapshot import Snapshot

    _Parsed = TypeVar("_Parsed")

__all__ = ["account_of"]

_FILES = (*FILES_TO_INSPECT, "statm", "mountinfo")


def account_of(target: Target) -> AccountReport:
    """Read a process until its figures agree, or a few times at most; the last report says what moved.

    Raises:
        ProcessGone, AccessRefused, MalformedFile: as :func:`procmem.queries.examine.examine`.
    """
    again = iter(range(TRIES))
    return read_consistently(lambda: _account_once(target, again=next(again) > 0), _may_agree_next_time, TRIES)[0]


def _may_agree_next_time(report: AccountReport) -> bool:
    """Whether a difference may be gone at the next reading."""
    return bool({MOVED, UNEXPLAINED} & {saying.cause.code for saying in report.reconciliation if saying.cause})


def _account_once(target: Target, *, again: bool) -> AccountReport:
    # where all agree the first time, nothing moved
    before = _parsed(target, "smaps_rollup", parse_rollup) if again else None
    seen = examine(target, keys=REGION_KEYS | set(ACCOUNT_KEYS), files=_FILES)
    prefix = "" if seen.raw.read_through is None else f"task/{seen.raw.read_through}/"
    status = _parsed(target, f"{prefix}status", parse_status)
    mounts = seen.raw.files.get(f"{prefix}mountinfo")
    readings = Readings(
        rollup_before=before,
        rollup_after=_parsed(target, f"{prefix}smaps_rollup", parse_rollup),
        sizes_before=None if seen.snapshot.status is None else dict(seen.snapshot.status.sizes),
        sizes_after=None if status is None else dict(status.sizes),
        numa_nodes=_nodes(target, f"{prefix}numa_maps", seen.snapshot),
        shmem_devices=devices_of_type(mounts, MEMORY_TYPES) if isinstance(mounts, bytes) else frozenset(),
    )
    return account_report(seen.snapshot, seen.regions, readings)


def _nodes(target: Target, name: str, shot: Snapshot) -> dict[int, int] | None:
    """Bytes on each memory node. Where the machine has a single one, all that is resident lies there.

    (numa_maps itself leaves out pages that the kernel reserved, such as the vDSO's: can_gather_numa_stats().)
    """
    table = shot.mappings
    nodes = parse_nodes(said_or_nothing(target.read_system("buddyinfo")))
    if len(nodes) == 1 and table is not None and shot.has_usage:
        held = [table.total(key) for key in (SmapsKey.RSS, SmapsKey.SHARED_HUGETLB, SmapsKey.PRIVATE_HUGETLB)]
        return dict.fromkeys(nodes, sum(filter(None, held)))
    return _parsed(target, name, lambda data: parse_numa_nodes(data, shot.page_size))


def _parsed(target: Target, name: str, parse: Callable[[bytes], _Parsed]) -> _Parsed | None:
    content = target.read(name)
    return None if isinstance(content, Refusal) or not content else parse(content)
