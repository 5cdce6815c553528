"""The question of ``procmem account``: smaps, and around it the small files that say the same in other words.

What is read before and after smaps tells movement from disagreement; when the figures moved, all is read again.
"""

from __future__ import annotations

from collections.abc import Callable

from procmem.analyse.account import ACCOUNT_KEYS, account_report
from procmem.classify.evidence import REGION_KEYS
from procmem.model.raw import Refusal
from procmem.model.reports.account import MOVED, UNEXPLAINED, AccountReport, Readings
from procmem.parse.mountinfo import MEMORY_TYPES, devices_of_type
from procmem.parse.numa_maps import parse_numa_nodes
from procmem.parse.smaps import parse_rollup
from procmem.parse.status import parse_status
from procmem.queries.examine import examine
from procmem.queries.read import FILES_TO_INSPECT, read_consistently

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from procmem.model.ports import Target

    _Parsed = TypeVar("_Parsed")

__all__ = ["account_of"]

_FILES = (*FILES_TO_INSPECT, "statm", "mountinfo")


def account_of(target: Target) -> AccountReport:
    """Read a process until its figures agree, or a few times at most; the last report says what moved.

    Raises:
        ProcessGone, AccessRefused, MalformedFile: as :func:`procmem.queries.examine.examine`.
    """
    return read_consistently(lambda: _account_once(target), _may_agree_next_time)[0]


def _may_agree_next_time(report: AccountReport) -> bool:
    """Whether a difference may be gone at the next reading."""
    return bool({MOVED, UNEXPLAINED} & {saying.cause.code for saying in report.reconciliation if saying.cause})


def _account_once(target: Target) -> AccountReport:
    before = _parsed(target, "smaps_rollup", parse_rollup)
    seen = examine(target, keys=REGION_KEYS | set(ACCOUNT_KEYS), files=_FILES)
    prefix = "" if seen.raw.read_through is None else f"task/{seen.raw.read_through}/"
    status = _parsed(target, f"{prefix}status", parse_status)
    mounts = seen.raw.files.get(f"{prefix}mountinfo")
    readings = Readings(
        rollup_before=before,
        rollup_after=_parsed(target, f"{prefix}smaps_rollup", parse_rollup),
        sizes_before=None if seen.snapshot.status is None else dict(seen.snapshot.status.sizes),
        sizes_after=None if status is None else dict(status.sizes),
        numa_nodes=_parsed(target, f"{prefix}numa_maps", lambda data: parse_numa_nodes(data, seen.snapshot.page_size)),
        shmem_devices=devices_of_type(mounts, MEMORY_TYPES) if isinstance(mounts, bytes) else frozenset(),
    )
    return account_report(seen.snapshot, seen.regions, readings)


def _parsed(target: Target, name: str, parse: Callable[[bytes], _Parsed]) -> _Parsed | None:
    content = target.read(name)
    return None if isinstance(content, Refusal) or not content else parse(content)
