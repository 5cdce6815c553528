"""The dataset of many machines: its two tables, column by column, and what one look adds to them.

A table's columns only grow: a new one stands at the end, and readers of before do not see it. Where one would have to
change its meaning, the schema gets another number. What each column means stands in ``text``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from procmem.model.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["DATASET_SCHEMA", "PARTITIONS", "TABLES", "UNKNOWN_HOST", "DatasetColumn", "DatasetLook", "PartitionKey"]

DATASET_SCHEMA = "procmem/dataset/1"


class DatasetColumn(NamedTuple):
    """A column of a table. ``type`` is ``text``, ``integer`` (64 bits, signed), ``truth`` or ``moment``.

    A moment is UTC, in microseconds, without a time zone of its own, so that every engine shows the same.
    """

    name: str
    type: str


def _columns(**types: str) -> tuple[DatasetColumn, ...]:
    """Columns by name and type; an underscore at the end is for words that Python keeps to itself."""
    return tuple(DatasetColumn(name.rstrip("_"), kind) for name, kind in types.items())


TABLES: Mapping[str, tuple[DatasetColumn, ...]] = {
    "processes": _columns(
        look_id="text",
        time="moment",
        pid="integer",
        start_ticks="integer",
        ppid="integer",
        uid="integer",
        name="text",
        service="text",
        exe="text",
        cgroup="text",
        container="text",
        pod="text",
        unit="text",
        bits="integer",
        machine="text",
        kernel="text",
        page_size="integer",
        state="text",
        threads="integer",
        virt="integer",
        rss="integer",
        pss="integer",
        uss="integer",
        swap="integer",
        swap_pss="integer",
        hugetlb="integer",
        page_tables="integer",
        peak_rss="integer",
        peak_virt="integer",
        mappings="integer",
        max_map_count="integer",
        arenas="integer",
        arenas_virt="integer",
        arenas_rss="integer",
        oom_score="integer",
        oom_score_adj="integer",
        findings="text",
    ),
    "regions": _columns(
        look_id="text",
        time="moment",
        pid="integer",
        name="text",
        service="text",
        start="text",
        ranges="integer",
        size="integer",
        perms="text",
        writable="truth",
        executable="truth",
        private="truth",
        class_="text",
        kind="text",
        certainty="text",
        owner="text",
        path="text",
        deleted="truth",
        rss="integer",
        pss="integer",
        uss="integer",
        swap="integer",
        shared_out="truth",
    ),
}
UNKNOWN_HOST = "unknown"
"""The host of looks that do not say of which machine they are: in a folder's name there is no null that joins."""
PARTITIONS = ("date", "host")
"""What the folders of a table are named by; both tables have the two as columns as well (date, text)."""


class PartitionKey(NamedTuple):
    """The folder that rows lie in: the day of the look (UTC, ``2026-11-27``), and the machine."""

    date: str
    host: str


class DatasetLook(NamedTuple):
    """One process at one moment: its row, and the columns of its regions. ``look_id`` tells it from all others."""

    key: PartitionKey
    look_id: str
    process: Sequence[Any]
    regions: Mapping[str, Sequence[Any]]
