"""Whether it grows, and how fast: trends over a handful of samples."""

from collections.abc import Iterable, Mapping, Sequence

from procmem.model.proc_keys import SmapsKey, StatusKey
from procmem.model.reports.classes import ClassRow
from procmem.model.reports.inspection import Inspection
from procmem.model.reports.watch import Sample, Trend
from procmem.model.unknown import exact_sum, uss_of

__all__ = [
    "class_figures",
    "report_figures",
    "rollup_figures",
    "shown_name",
    "slope_per_minute",
    "status_figures",
    "trends",
]

_MINUTE = 60
_KIB = 1024
_OF_STATUS = {
    "VIRT": StatusKey.VM_SIZE,
    "RES": StatusKey.VM_RSS,
    "anonymous": StatusKey.RSS_ANON,
    "file": StatusKey.RSS_FILE,
    "shmem": StatusKey.RSS_SHMEM,
    "swap": StatusKey.VM_SWAP,
    "page tables": StatusKey.VM_PTE,
}


def status_figures(sizes: Mapping[str, int], *, peak: bool = False) -> dict[str, int | None]:
    """What ``status`` tells of a process, in bytes, by the name of each figure; with ``peak``, VmHWM as well."""
    found = {name: sizes.get(key) for name, key in _OF_STATUS.items()}
    return found | {"peak RES": sizes.get(StatusKey.VM_HWM)} if peak else found


def rollup_figures(rolled: Mapping[str, int | None]) -> dict[str, int | None]:
    """What ``smaps_rollup`` tells besides."""
    return {"PSS": rolled.get(SmapsKey.PSS), "USS": uss_of(rolled.get)}


def class_figures(rows: Iterable[ClassRow]) -> dict[str, int | None]:
    """What each class holds in memory and swap together."""
    return {row.cls: exact_sum((row.rss, row.swap)) for row in rows}


def report_figures(report: Inspection) -> dict[str, int | None]:
    """What a look of a series tells: totals, and what each class holds."""
    totals = report.totals
    found = {"VIRT": totals.virt, "RES": totals.rss, "swap": totals.swap, "PSS": totals.pss, "USS": totals.uss}
    return found | class_figures(report.classes)


def shown_name(comm: bytes | None) -> bytes:
    """What a process is called where its name is not known, too."""
    return comm or b"?"


def trends(samples: Sequence[Sample], first: Sample) -> tuple[Trend, ...]:
    """The trend of every figure of the last sample. ``first`` is the sample with which the watch began."""
    last = samples[-1]
    answer = []
    for name, now in last.figures.items():
        history = tuple(sample.figures.get(name) for sample in samples)
        before = history[-2] if len(history) > 1 else now
        answer.append(
            Trend(
                name=name,
                now=now,
                change=_less(now, before),
                since_start=_less(now, first.figures.get(name)),
                per_minute=slope_per_minute([(sample.at, sample.figures.get(name)) for sample in samples]),
                history=history,
            )
        )
    return tuple(answer)


def _less(now: int | None, before: int | None) -> int | None:
    return None if now is None or before is None else now - before


def slope_per_minute(points: Sequence[tuple[float, int | None]]) -> int | None:
    """Bytes per minute in whole KiB, by least squares: one sudden step weighs less than steady growth."""
    known = [(at, size) for at, size in points if size is not None]
    if len(known) < 2:
        return None
    middle = sum(at for at, _ in known) / len(known)
    mean = sum(size for _, size in known) / len(known)
    spread = sum((at - middle) ** 2 for at, _ in known)
    if not spread:
        return None
    per_second = sum((at - middle) * (size - mean) for at, size in known) / spread
    return round(per_second * _MINUTE / _KIB) * _KIB
