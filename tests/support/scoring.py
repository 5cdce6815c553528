"""How right a classification is, measured against ranges whose truth is known.

A program whose memory is one gigabyte of heap and four kilobytes of guard pages
would be "99.9 % right" with every guard missed.  So bytes are counted within
each true kind, and the kinds are averaged: each kind weighs the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CERTAIN: Final = "certain"


class Truth(Protocol):
    """A byte range with what it is by construction, as a manifest gives it."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def cls(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidRange:
    """One region of ``procmem inspect PID --regions --json``.  Addresses are half-open."""

    start: int
    end: int
    cls: str
    kind: str
    certainty: str = ""
    evidence: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A byte range of one truth that was called something else, or nothing."""

    start: int
    end: int
    truth: Truth
    said: SaidRange | None
    """``None``: no region covers these bytes."""

    @property
    def size(self) -> int:
        return self.end - self.start

    @property
    def class_is_right(self) -> bool:
        return self.said is not None and self.said.cls == self.truth.cls


@dataclass(frozen=True, slots=True, kw_only=True)
class KindScore:
    """The bytes of one true kind, and how many of them were named rightly."""

    size: int
    class_right: int
    kind_right: int
    """The class is right as well: ``hugetlb`` of class mmap is not ``hugetlb`` of class shm."""

    @property
    def by_class(self) -> float:
        return self.class_right / self.size

    @property
    def by_kind(self) -> float:
        return self.kind_right / self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The outcome of one comparison; without any true range both fractions are 1."""

    kinds: Mapping[tuple[str, str], KindScore]
    """By true class and kind, in alphabetical order."""
    misses: Sequence[Miss]
    """Every wrong range, from low to high addresses."""

    @property
    def by_class(self) -> float:
        """Fraction of bytes whose class is right, averaged over the true kinds."""
        return _mean(each.by_class for each in self.kinds.values())

    @property
    def by_kind(self) -> float:
        """Fraction of bytes whose class and kind are right, averaged over the true kinds."""
        return _mean(each.by_kind for each in self.kinds.values())

    @property
    def wrong_certain(self) -> list[Miss]:
        """The wrong ranges that were called certain: there must be none."""
        return [miss for miss in self.misses if miss.said is not None and miss.said.certainty == CERTAIN]


def _mean(fractions: Iterable[float]) -> float:
    values = list(fractions)
    return sum(values) / len(values) if values else 1.0


def parse_regions(report: Mapping[str, object]) -> list[SaidRange]:
    """Read the object that ``procmem inspect PID --regions --json`` prints.

    Raises:
        ValueError: it has no list of regions, or a region lacks its range, class or kind.
    """
    regions = report.get("regions")
    if not isinstance(regions, list):
        raise ValueError("the report has no list of regions")
    return [_parse_region(region) for region in regions]


def _parse_region(region: Mapping[str, object]) -> SaidRange:
    try:
        return SaidRange(
            start=int(str(region["start"]), 16),
            end=int(str(region["end"]), 16),
            cls=str(region["class"]),
            kind=str(region["kind"]),
            certainty=str(region.get("certainty") or ""),
            evidence=str(region.get("evidence") or ""),
            owner=str(region.get("owner") or ""),
        )
    except KeyError as error:
        raise ValueError(f"a region has no {error}: {region}") from error


def score(truths: Iterable[Truth], said: Iterable[SaidRange]) -> Score:
    """Compare what was said with the truth.  Bytes of which no truth is known do not count.

    Raises:
        ValueError: regions, or true ranges, overlap, or one of them is empty.
    """
    true_ranges = sorted(truths, key=lambda each: each.start)
    regions = sorted(said, key=lambda each: each.start)
    _check_order("true ranges", [(each.start, each.end) for each in true_ranges])
    _check_order("regions", [(each.start, each.end) for each in regions])

    sizes: dict[tuple[str, str], list[int]] = {}
    misses: list[Miss] = []
    first = 0  # both lists rise: regions that end below one truth end below the next one too
    for truth in true_ranges:
        while first < len(regions) and regions[first].end <= truth.start:
            first += 1
        counts = sizes.setdefault((truth.cls, truth.kind), [0, 0, 0])
        counts[0] += truth.end - truth.start
        for start, end, region in _pieces(truth.start, truth.end, regions, first):
            class_is_right = region is not None and region.cls == truth.cls
            kind_is_right = class_is_right and region is not None and region.kind == truth.kind
            counts[1] += (end - start) * class_is_right
            counts[2] += (end - start) * kind_is_right
            if not kind_is_right:
                misses.append(Miss(start=start, end=end, truth=truth, said=region))
    return Score(
        kinds={
            kind: KindScore(size=size, class_right=class_right, kind_right=kind_right)
            for kind, (size, class_right, kind_right) in sorted(sizes.items())
        },
        misses=misses,
    )


def _check_order(what: str, ranges: Sequence[tuple[int, int]]) -> None:
    end_of_last = 0
    for start, end in ranges:
        if start >= end:
            raise ValueError(f"{what}: {start:#x}-{end:#x} is empty")
        if start < end_of_last:
            raise ValueError(f"{what} overlap at {start:#x}")
        end_of_last = end


def _pieces(
    start: int, end: int, regions: Sequence[SaidRange], first: int
) -> Iterable[tuple[int, int, SaidRange | None]]:
    """Cut a range where the regions change; ``None`` stands for bytes that no region covers."""
    here = start
    for index in range(first, len(regions)):
        region = regions[index]
        if region.start >= end:
            break
        if here < region.start:
            yield here, region.start, None
        here = max(here, region.start)
        yield here, min(end, region.end), region
        here = min(end, region.end)
    if here < end:
        yield here, end, None


def report(result: Score, *, most: int = 40) -> str:
    """Tell the outcome for a reader: the fractions, each kind that is not perfect, and the largest misses."""
    lines = [
        f"by class {result.by_class:7.2%}   by kind {result.by_kind:7.2%}   over {len(result.kinds)} kinds,"
        f" {len(result.wrong_certain)} wrong ranges called certain"
    ]
    lines += [
        f"  {cls}/{kind}: class {each.by_class:.2%}, kind {each.by_kind:.2%} of {each.size} bytes"
        for (cls, kind), each in result.kinds.items()
        if each.kind_right < each.size
    ]
    worst = sorted(result.misses, key=lambda miss: (_is_certain(miss), miss.size), reverse=True)
    lines += [_describe(miss) for miss in worst[:most]]
    if len(worst) > most:
        lines.append(f"  ... and {len(worst) - most} smaller ones")
    return "\n".join(lines)


def _is_certain(miss: Miss) -> bool:
    return miss.said is not None and miss.said.certainty == CERTAIN


def _describe(miss: Miss) -> str:
    truth, said = miss.truth, miss.said
    name = f" {truth.name!r}" if truth.name else ""
    line = f"  {miss.start:#x}-{miss.end:#x} {miss.size} bytes: is {truth.cls}/{truth.kind}{name}"
    if said is None:
        return f"{line}, no region covers it"
    mark = "WRONG AND CERTAIN: " if said.certainty == CERTAIN else ""
    return f"{line}, {mark}said {said.cls}/{said.kind} ({said.certainty}: {said.evidence})"
