"""Byte ranges with a name: what classification gives, and what every report is made of.

A region is a byte range inside one VMA. The regions of a VMA partition it: nothing lost, nothing twice.
"""

from __future__ import annotations

from operator import add, itemgetter, sub

from procmem.model.elf import ElfImage, Section
from procmem.model.enumeration import Enumeration
from procmem.model.kinds import ByteClass, Kind
from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.owners import Owner, owner_name
from procmem.model.proc_keys import SmapsKey
from procmem.model.raw import MappedFile, Refusal
from procmem.model.unknown import exact_sum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar

    Value = TypeVar("Value")

__all__ = [
    "ByteClass",
    "Certainty",
    "Claim",
    "ElfObject",
    "Label",
    "LabelSums",
    "Region",
    "RegionSums",
    "Regions",
    "Share",
]


class Certainty(Enumeration):
    """How sure a label is."""

    CERTAIN = "certain"
    """Structure proves it."""
    LIKELY = "likely"
    """A pattern with a known, rare way to be wrong."""
    GUESS = "guess"
    """Prior knowledge about such programs."""


class Label(NamedTuple):
    """What a range is, how sure that is, what was seen to say so, and whose it is.

    ``evidence`` is what was seen, not what is thought; its words stand in ``text``. ``owner`` is the object, thread or
    allocator that it belongs to, None where it is the process's.
    """

    kind: Kind
    certainty: Certainty
    evidence: Note
    owner: Owner | None = None

    @property
    def cls(self) -> ByteClass:
        """What it is for."""
        return self.kind.cls

    @property
    def owner_name(self) -> bytes | None:
        """The owner as bytes, for tables and JSON."""
        return owner_name(self.owner)


class Claim(NamedTuple):
    """A rule's claim on a byte range. Where claims overlap, the higher rank has the byte.

    ``file`` is (device, inode) of the object that the claim comes from: such a claim holds for mappings of that
    very file, and never for another file that lies there now. On anonymous memory (reserved huge pages among it) it
    holds with the label ``anonymous`` (not at all where that is None), if the memory's permissions have all bits of
    ``needs`` and none of ``excludes`` (as in ``Permissions.access``). ``perms`` limits a claim to mappings with exactly
    these permissions.
    """

    start: int
    end: int
    rank: int
    label: Label
    file: tuple[str, int] | None = None
    perms: str | None = None
    anonymous: Label | None = None
    needs: int = 0
    excludes: int = 0


class ElfObject(NamedTuple):
    """A mapped file that may be an ELF object, with what its headers say.

    ``image`` is None where they could not be read; ``problem`` then says why, and ``readable`` tells a file that is
    no ELF file from one that may not be read. ``has_debug`` is the DT_DEBUG
    entry that the linker gives to programs and not to libraries. ``exports`` are those of its dynamic symbols that it
    was asked for, ``mentions`` those of the words that stand in its constants.
    """

    file: MappedFile
    image: ElfImage | None
    sections: tuple[Section, ...] | None = None
    soname: bytes | None = None
    has_debug: bool = False
    exports: frozenset[str] = frozenset()
    mentions: frozenset[bytes] = frozenset()
    readable: bool = True
    problem: Note | Refusal | None = None


class Region(NamedTuple):
    """One row of Regions. Sizes are bytes; None is unknown.

    ``about`` names the figures that were shared out among the ranges of a VMA and are not exact.
    """

    start: int
    end: int
    vma: int
    label: Label
    rss: int | None
    pss: int | None
    uss: int | None
    swap: int | None
    about: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of address space."""
        return self.end - self.start


class Share(NamedTuple):
    """The figures of one range, as columns are filled: see :class:`Region`."""

    rss: int | None
    pss: int | None
    uss: int | None
    swap: int | None
    about: tuple[str, ...]


class RegionSums(NamedTuple):
    """The figures of some regions, in bytes; None where one of them is unknown. ``virt`` counts gates as well."""

    regions: int
    virt: int
    rss: int | None
    pss: int | None
    uss: int | None
    swap: int | None


class LabelSums(NamedTuple):
    """The figures of all regions that share one label, in bytes; None where one of them is unknown.

    ``rows`` are their indexes, ascending. ``virt`` counts gates as well.
    """

    label: Label
    rows: Sequence[int]
    virt: int
    rss: int | None
    pss: int | None
    uss: int | None
    swap: int | None


class Regions:
    """All regions of a process, as columns, in the order of the mappings. Nobody changes them.

    ``vma`` holds the index of the mapping in ``mappings``; ``shares`` the figures of those ranges that are only a
    part of their mapping, by index of the region (whole mappings have their own column's figures).
    """

    __slots__ = (
        "_different",
        "_hugetlb",
        "_identities",
        "_sums",
        "end",
        "label",
        "mappings",
        "pss",
        "rss",
        "shares",
        "start",
        "swap",
        "uss",
        "vma",
    )

    def __init__(
        self,
        *,
        mappings: Mappings,
        vma: list[int],
        start: list[int],
        end: list[int],
        label: list[Label],
        shares: dict[int, Share] | None = None,
    ) -> None:
        self.mappings = mappings
        self.vma = vma
        self.start = start
        self.end = end
        self.label = label
        self.shares = shares or {}
        self._hugetlb: dict[int, int | None] | None = None
        self._identities: list[int] | None = None
        self._different: dict[int, Label] = {}
        self._sums: list[LabelSums] | None = None
        self.rss = self._column((SmapsKey.RSS,), "rss")
        self.pss = self._column((SmapsKey.PSS,), "pss")
        self.uss = self._column((SmapsKey.PRIVATE_CLEAN, SmapsKey.PRIVATE_DIRTY), "uss")
        self.swap = self._column((SmapsKey.SWAP,), "swap")

    def _column(self, keys: Sequence[str], field: str) -> list[int | None]:
        """A figure of every region: its mapping's, or its own share."""
        columns = [self.mappings.usage.get(key) for key in keys]
        first = columns[0]
        if first is None or None in columns:
            values: list[int | None] = [None] * len(self.vma)
        elif len(columns) == 1:
            values = list(map(first.__getitem__, self.vma)) if self.shares else list(first)
        else:
            second = columns[1]
            assert second is not None
            both: list[int | None]
            if None in first or None in second:
                both = [None if a is None or b is None else a + b for a, b in zip(first, second, strict=True)]
            else:
                both = list(map(add, first, second))
            values = list(map(both.__getitem__, self.vma)) if self.shares else both
        for index, share in self.shares.items():
            values[index] = getattr(share, field)
        return values

    @property
    def hugetlb(self) -> dict[int, int | None]:
        """What is in memory of regions of reserved huge pages, by their indexes; RSS, PSS and USS leave it out.

        None where that is not known: before Linux 4.4 no counter tells it, and of a part of a mapping nobody does,
        unless all or nothing of it is there. Other regions are not in it.
        """
        if self._hugetlb is None:
            held = self.mappings.hugetlb()
            # most processes have none
            regions = [(index, row) for index, row in enumerate(self.vma) if row in held] if held else ()
            self._hugetlb = {index: self._part_of(index, held[row], self.mappings.sizes[row]) for index, row in regions}
        return self._hugetlb

    def _part_of(self, index: int, held: int | None, size: int) -> int | None:
        """What of a mapping's memory lies in a region, as far as that can be said without looking at pages."""
        if index not in self.shares or not held:
            return held
        return self.end[index] - self.start[index] if held == size else None

    def for_each_label(self, compute: Callable[[Label], Value]) -> list[Value]:
        """A column computed from the labels; a label that many regions share is looked at once.

        Sharing is by identity: comparing labels would cost more than most computations.
        """
        identities = self._by_identity()
        known = {identity: compute(label) for identity, label in self._different.items()}
        return list(map(known.__getitem__, identities))

    def sums_of_labels(self) -> list[LabelSums]:
        """The sums over the regions of each label, in the order in which labels are met; found once.

        As above, a label is what is one by identity: equal ones may come several times.
        """
        if self._sums is None:
            identities = self._by_identity()
            rows: dict[int, list[int]] = {identity: [] for identity in self._different}
            for row, identity in enumerate(identities):
                rows[identity].append(row)
            columns = self._columns()
            self._sums = [
                LabelSums(label, its, *[_sum_of(column, its) for column in columns])  # type: ignore[arg-type]
                for label, its in zip(self._different.values(), rows.values(), strict=True)
            ]
        return self._sums

    def sums_by(self, key: Callable[[Label], Value]) -> dict[Value, RegionSums]:
        """The sums over the regions whose labels have a key in common.

        By those of each label, but where few regions share one, as in small processes.
        """
        if self._sums is None and len(self._by_identity()) < _SHARING * len(self._different):
            rows: dict[Value, list[int]] = {}
            for row, of in enumerate(self.for_each_label(key)):
                rows.setdefault(of, []).append(row)
            columns = self._columns()
            return {
                of: RegionSums(len(its), *[_sum_of(column, its) for column in columns])  # type: ignore[arg-type]
                for of, its in rows.items()
            }
        members: dict[Value, list[LabelSums]] = {}
        for sums in self.sums_of_labels():
            members.setdefault(key(sums.label), []).append(sums)
        return {
            of: RegionSums(
                sum(len(sums.rows) for sums in its),
                sum(sums.virt for sums in its),
                exact_sum([sums.rss for sums in its]),
                exact_sum([sums.pss for sums in its]),
                exact_sum([sums.uss for sums in its]),
                exact_sum([sums.swap for sums in its]),
            )
            for of, its in members.items()
        }

    def _columns(self) -> list[Sequence[int | None]]:
        """Sizes and figures; a column of nothing, as what is in swap most often is, is empty."""
        sizes = list(map(sub, self.end, self.start))
        every: tuple[Sequence[int | None], ...] = (sizes, self.rss, self.pss, self.uss, self.swap)
        return [column if any(column) or None in column else () for column in every]

    def _by_identity(self) -> list[int]:
        """The identity of each region's label."""
        if self._identities is None:
            self._identities = list(map(id, self.label))
            self._different = dict(zip(self._identities, self.label, strict=True))
        return self._identities

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, index: int) -> Region:
        share = self.shares.get(index)
        return Region(
            self.start[index],
            self.end[index],
            self.vma[index],
            self.label[index],
            self.rss[index],
            self.pss[index],
            self.uss[index],
            self.swap[index],
            share.about if share else (),
        )

    def __iter__(self) -> Iterator[Region]:
        return map(self.__getitem__, range(len(self)))


_SHARING = 8
"""Where as many regions share a label, it is worth to know the sums of each label."""


def _sum_of(column: Sequence[int | None], rows: Sequence[int]) -> int | None:
    if not column:
        return 0
    return exact_sum(itemgetter(*rows)(column)) if len(rows) > 1 else column[rows[0]]
