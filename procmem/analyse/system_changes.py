"""What changed between two looks at all processes: row by row, over all rows, and which came and went."""

from __future__ import annotations

from procmem.model.named_tuple import NamedTuple
from procmem.model.reports.classes import ClassRow
from procmem.model.reports.system import Changed, Changes, GroupRow, MappingRow, ProcessRow
from procmem.model.unknown import known_sum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Followed = Mapping[int | bytes, "_FollowedRow"]
    """Rows by pid, or by name where they are about several processes."""

__all__ = ["changes_between", "of_classes", "of_groups", "of_mappings", "of_processes"]

_ADDED_UP = frozenset({"swap", "uss", "pss"})
"""Figures that count each page once."""


class _FollowedRow(NamedTuple):
    """A row's name, and the figure that is followed, in bytes; ``pid`` where the row is a process."""

    pid: int | None
    name: bytes
    size: int | None


def of_processes(rows: Iterable[ProcessRow], field: str) -> Followed:
    """The figures of processes."""
    return _by_key(_FollowedRow(row.pid, row.name or b"?", getattr(row, field)) for row in rows)


def of_groups(groups: Iterable[GroupRow]) -> Followed:
    """PSS of groups."""
    return _by_key(_FollowedRow(None, group.key, group.pss) for group in groups)


def of_classes(classes: Iterable[ClassRow]) -> Followed:
    """PSS of classes."""
    return _by_key(_FollowedRow(None, row.cls.encode(), row.pss) for row in classes)


def of_mappings(rows: Iterable[MappingRow], field: str) -> Followed:
    """The figures of mapped files and objects."""
    return _by_key(_FollowedRow(None, row.name, getattr(row, field)) for row in rows)


def _by_key(rows: Iterable[_FollowedRow]) -> Followed:
    return {row.name if row.pid is None else row.pid: row for row in rows}


def changes_between(before: Followed | None, now: Followed, field: str, *, at: float, reading: float) -> Changes:
    """Compare a look with the one before; at the first look, which has none, nothing has changed."""
    was = now if before is None else before
    rows = {key: Changed(row.pid, row.name, _change(was.get(key), row)) for key, row in now.items()}
    gone = [row for key, row in was.items() if key not in now]
    grown = known_sum(row.change for row in rows.values()) or 0
    lost = known_sum(row.size for row in gone) or 0
    return Changes(
        at=at,
        reading=reading,
        field=field,
        rows=tuple(rows.values()),
        total=grown - lost if field in _ADDED_UP else None,
        came=tuple(row for key, row in rows.items() if key not in was),
        went=tuple(Changed(row.pid, row.name, None if row.size is None else -row.size) for row in gone),
    )


def _change(before: _FollowedRow | None, now: _FollowedRow) -> int | None:
    if before is None:
        return now.size
    return None if now.size is None or before.size is None else now.size - before.size
