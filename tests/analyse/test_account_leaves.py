"""How figures are dealt out to leaves and regions: by made-up numbers, each rule on both sides of its border."""

from collections import Counter

import pytest

from procmem.analyse.account import _adding_up, _count_once, _crossed, _dealt, _virt, account_report
from procmem.model import kinds
from procmem.model.kinds import ByteClass, Kind
from procmem.model.note import note
from procmem.model.object_use import ObjectUse
from procmem.model.region import Certainty, Label, Regions, Share
from procmem.model.reports.account import AccountLeaf, AccountReport, Readings
from procmem.parse.smaps import parse_smaps
from tests.support.made_processes import made, record
from tests.support.smaps_text import Record, smaps

KIB = 1024
L = AccountLeaf


@pytest.mark.parametrize(
    ("counters", "rss", "fitted"),
    [
        ((3, 4, 5), 12, [3, 4, 5]),
        ((3, 4, 5), 13, [4, 4, 5]),
        ((3, 4, 5), 11, [3, 4, 4]),
        ((3, 4, 5), 6, [3, 3, 0]),
        ((3, 4, 5), 2, [2, 0, 0]),
        ((0, 0, 0), 7, [7, 0, 0]),
        ((3, 4, 5), 0, [0, 0, 0]),
    ],
)
def test_counters_are_fitted_to_rss(counters: tuple[int, ...], rss: int, fitted: list[int]) -> None:
    """What they miss is the first's, what is too much the last's."""
    assert _adding_up(counters, rss) == fitted


FIRST, SECOND = (L.ANONYMOUS_PRIVATE_DIRTY, L.ANONYMOUS_SHARED_DIRTY), (L.FILE_PRIVATE_DIRTY, L.FILE_SHARED_DIRTY)


@pytest.mark.parametrize(
    ("kinds_of", "counters", "cells"),
    [
        ((8, 4), (6, 6), (6, 2, 0, 4)),
        ((0, 12), (6, 6), (0, 0, 6, 6)),
        ((12, 0), (6, 6), (6, 6, 0, 0)),
        ((5, 7), (6, 6), (5, 0, 1, 6)),
        ((5, 1), (6, 6), (5, 0, 1, 0)),
    ],
)
def test_two_margins_make_a_table(
    kinds_of: tuple[int, int], counters: tuple[int, int], cells: tuple[int, int, int, int]
) -> None:
    """The first kind takes the first counters first."""
    assert _crossed(kinds_of, counters, (FIRST, SECOND)) == dict(zip((*FIRST, *SECOND), cells, strict=True))


def label(kind: Kind) -> Label:
    """Of a kind that nobody had to recognise."""
    return Label(kind, Certainty.CERTAIN, note("unexplained"))


def regions(*rows: tuple[Record, list[tuple[int, int, Kind, Share | None]]]) -> Regions:
    """Mappings, each with its regions: start, end, kind, and its figures where it is a part."""
    members = [(number, region) for number, (_, parts) in enumerate(rows) for region in parts]
    return Regions(
        mappings=parse_smaps(smaps([one for one, _ in rows])),
        vma=[number for number, _ in members],
        start=[start for _, (start, *_) in members],
        end=[end for _, (_, end, *_) in members],
        label=[label(kind) for _, (_, _, kind, _) in members],
        shares={at: share for at, (_, (*_, share)) in enumerate(members) if share is not None},
    )


def share(rss: int, swap: int = 0) -> Share:
    """The figures of a part, in bytes."""
    return Share(rss=rss, pss=rss, uss=rss, swap=swap, about=())


def halves(first: Share, second: Share, **counters: int) -> Regions:
    """A mapping of 16 KiB in two regions of 8 KiB."""
    parts: list[tuple[int, int, Kind, Share | None]] = [
        (0x10000, 0x12000, kinds.BRK, first),
        (0x12000, 0x14000, kinds.JEMALLOC, second),
    ]
    return regions((record(0x10000, 0x14000, "rw-p", b"", **counters), parts))


def of(cells: list[dict[AccountLeaf, int]], leaf: AccountLeaf) -> list[int]:
    """One leaf, region by region."""
    return [found.get(leaf, 0) for found in cells]


@pytest.mark.parametrize(
    ("first", "second", "resident", "swapped", "untouched"),
    [
        (share(4096), share(8192), [4096, 8192], [0, 0], [4096, 0]),
        (share(4096, 4096), share(0, 8192), [4096, 0], [4096, 8192], [0, 0]),
        (share(9000), share(0), [8192, 808], [0, 0], [0, 7384]),
        (share(0), share(9000), [808, 8192], [0, 0], [7384, 0]),
        (share(8192, 100), share(0), [8192, 0], [0, 100], [0, 8092]),
        (share(8192), share(8192, 100), [8192, 8192], [0, 0], [0, 0]),
        (share(0), share(0), [0, 0], [0, 0], [8192, 8192]),
    ],
)
def test_what_does_not_fit_goes_to_the_neighbour(
    first: Share, second: Share, resident: list[int], swapped: list[int], untouched: list[int]
) -> None:
    """Regions may end within a page; all together never have more than the mapping."""
    cells = _virt(halves(first, second), 0, [0, 1])
    assert of(cells, L.RESIDENT) == resident
    assert of(cells, L.SWAPPED) == swapped
    assert of(cells, L.NEVER_TOUCHED) == untouched
    assert of(cells, L.HUGETLB) == [0, 0]


@pytest.mark.parametrize(
    ("counters", "huge"),
    [
        ({"Private_Hugetlb": 8}, [8192, 0]),
        ({"Shared_Hugetlb": 4, "Private_Hugetlb": 8}, [8192, 4096]),
        ({"Shared_Hugetlb": 40}, [8192, 8192]),
        ({}, [0, 0]),
    ],
)
def test_huge_pages_of_a_mapping(counters: dict[str, int], huge: list[int]) -> None:
    """Are counted apart, both sorts of them, once for the whole mapping."""
    cells = _virt(halves(share(0), share(0), **counters), 0, [0, 1])
    assert of(cells, L.HUGETLB) == huge
    assert [sum(found.values()) for found in cells] == [8192, 8192]


def test_resident_pages_are_dealt_out_in_order() -> None:
    """Anonymous and dirty ones to the first region, what is left to the next."""
    counters = {"Rss": 12, "Private_Dirty": 8, "Shared_Clean": 4, "Anonymous": 8}
    table = halves(share(4096), share(8192), **counters)
    cells = _dealt(table, 0, [0, 1], shmem=False)
    assert of(cells, L.ANONYMOUS_PRIVATE_DIRTY) == [4096, 4096]
    assert of(cells, L.FILE_SHARED_CLEAN) == [0, 4096]
    assert of(_dealt(table, 0, [0, 1], shmem=True), L.SHMEM_SHARED_CLEAN) == [0, 4096]
    more = halves(share(4096), share(8192), **counters | {"Anonymous": 40})
    assert of(_dealt(more, 0, [0, 1], shmem=False), L.ANONYMOUS_SHARED_CLEAN) == [0, 4096]


def test_a_counter_that_is_missing_leaves_no_leaves() -> None:
    """Of this mapping: what it has is not known."""
    text = smaps([record(0x10000, 0x14000, Rss=4)]).replace(b"Anonymous:", b"Anonymoux:")
    table = Regions(
        mappings=parse_smaps(text), vma=[0], start=[0x10000], end=[0x14000], label=[label(kinds.BRK)], shares={}
    )
    assert _dealt(table, 0, [0], shmem=False) == [{}]


def use(*, again: int, alone: bool = False, shared_once: int = 0) -> ObjectUse:
    """How an object is held: so much is counted beyond the first time."""
    return ObjectUse(times=2, counted=again, once=0, alone=alone, shared=again + shared_once, shared_once=shared_once)


def views(**counters: int) -> Regions:
    """One object mapped twice, as heap and as mapped memory."""
    name = b"/memfd:x (deleted)"
    return regions(
        (record(0x10000, 0x14000, "rw-s", name, **counters), [(0x10000, 0x14000, kinds.BRK, None)]),
        (record(0x20000, 0x24000, "rw-s", name, **counters), [(0x20000, 0x24000, kinds.MAIN_STACK, None)]),
    )


@pytest.mark.parametrize(
    ("held", "heap", "stack"),
    [
        (use(again=0), {}, {}),
        (use(again=4), {}, {L.SHMEM_SHARED_DIRTY: -4, L.COUNTED_AGAIN: 4}),
        (use(again=12), {L.SHMEM_SHARED_DIRTY: -4, L.COUNTED_AGAIN: 4}, {L.SHMEM_SHARED_DIRTY: -8, L.COUNTED_AGAIN: 8}),
        (use(again=0, shared_once=4), {}, {}),
        (use(again=0, alone=True, shared_once=4), {}, {L.SHMEM_SHARED_DIRTY: -4, L.SHMEM_PRIVATE_DIRTY: 4}),
        (use(again=8, alone=True, shared_once=8), {L.SHMEM_SHARED_DIRTY: -8, L.SHMEM_PRIVATE_DIRTY: 8},
         {L.SHMEM_SHARED_DIRTY: -8, L.COUNTED_AGAIN: 8}),
        (use(again=6, alone=True, shared_once=1), {},
         {L.SHMEM_SHARED_DIRTY: -7, L.SHMEM_PRIVATE_DIRTY: 1, L.COUNTED_AGAIN: 6}),
    ],
)  # fmt: skip
def test_what_is_counted_again(held: ObjectUse, heap: dict[AccountLeaf, int], stack: dict[AccountLeaf, int]) -> None:
    """Is taken from the last mapping first; what nobody else has is not shared. Sums of each class stay."""
    table = views(Rss=8, Shared_Dirty=8)
    factor = KIB
    scaled = held._replace(
        counted=held.counted * factor, shared=held.shared * factor, shared_once=held.shared_once * factor
    )
    sums = _sums({ByteClass.HEAP: 8 * factor, ByteClass.STACK: 8 * factor}, L.SHMEM_SHARED_DIRTY)
    before = dict(sums)
    _count_once(sums, table, {0: [0], 1: [1]}, scaled, shmem=True)
    for cls, changes in ((ByteClass.HEAP, heap), (ByteClass.STACK, stack)):
        for leaf in AccountLeaf:
            assert sums[leaf, cls] - before.get((leaf, cls), 0) == changes.get(leaf, 0) * factor, (leaf, cls)


def _sums(sizes: dict[ByteClass, int], leaf: AccountLeaf) -> Counter[tuple[AccountLeaf, ByteClass]]:
    return Counter({(leaf, cls): size for cls, size in sizes.items()})


@pytest.mark.parametrize(
    ("alone", "pss", "uss", "again"), [(True, 8, 2, 6), (True, 8, 8, 0), (False, 8, 2, 0)]
)  # fmt: skip
def test_the_share_of_what_nobody_else_maps(alone: bool, pss: int, uss: int, again: int) -> None:
    """Is its own, mapped several times."""
    table = regions(
        (record(0x10000, 0x14000, "rw-s", b"/memfd:x (deleted)", Rss=8, Pss=pss, Private_Dirty=uss),
         [(0x10000, 0x14000, kinds.BRK, None)]),
    )  # fmt: skip
    sums = _sums({ByteClass.HEAP: (pss - uss) * KIB}, L.PSS_ITS_SHARE_OF_SHARED)
    _count_once(sums, table, {0: [0]}, use(again=0, alone=alone), shmem=True)
    assert sums[L.PSS_MAPPED_AGAIN, ByteClass.HEAP] == again * KIB
    assert sums[L.PSS_ITS_SHARE_OF_SHARED, ByteClass.HEAP] == (pss - uss - again) * KIB


NOTHING_BESIDE = Readings(None, None, None, None, frozenset())


def account_of(*records: Record, text: bytes | None = None, **more: bytes) -> AccountReport:
    """The account of a process with these mappings."""
    return account_report(*made({"smaps": smaps(records) if text is None else text, **more}), NOTHING_BESIDE)


@pytest.mark.parametrize(
    ("counters", "huge"),
    [
        ({"AnonHugePages": 4}, 4096),
        ({"ShmemPmdMapped": 4}, 4096),
        ({"FilePmdMapped": 4}, 4096),
        ({"AnonHugePages": 4, "ShmemPmdMapped": 8}, 12_288),
        ({}, 0),
    ],
)
def test_transparent_huge_pages(counters: dict[str, int], huge: int) -> None:
    """Of whatever memory."""
    assert account_of(record(0x10000, 0x20000, "rw-p", b"", **counters)).huge_pages == huge


def test_what_this_kernel_does_not_count_is_unknown() -> None:
    """Huge pages where no counter of them is there; with one of them, what that says."""
    text = smaps([record(0x10000, 0x20000, AnonHugePages=4)])
    less = text.replace(b"ShmemPmdMapped", b"ShmemPmdMappex").replace(b"FilePmdMapped", b"FilePmdMappex")
    assert account_of(text=less).huge_pages == 4096
    assert account_of(text=less.replace(b"AnonHugePages", b"AnonHugePagex")).huge_pages is None
    assert account_report(*made({}), NOTHING_BESIDE).huge_pages is None


@pytest.mark.parametrize(
    ("perms", "name", "counters", "leaves"),
    [
        ("rw-p", b"", {"Swap": 8, "SwapPss": 8}, {"private": 8192}),
        ("rw-s", b"/memfd:x (deleted)", {"Swap": 8, "SwapPss": 8}, {"shared memory": 8192}),
        ("rw-p", b"/memfd:x (deleted)", {"Swap": 8, "SwapPss": 8}, {"private": 8192}),
        ("rw-p", b"/memfd:x (deleted)", {"Swap": 8}, {"shared memory": 8192}),
        ("rw-p", b"", {}, {}),
    ],
)
def test_whose_swap_it_is(perms: str, name: bytes, counters: dict[str, int], leaves: dict[str, int]) -> None:
    """A private mapping of shared memory may have copies of its own there."""
    assert account_of(record(0x10000, 0x20000, perms, name, **counters)).sums("swap") == leaves
    odd = {"Rss": 4, **counters}  # contradicts the other counters, and is added up by itself
    assert account_of(record(0x10000, 0x20000, perms, name, **odd)).sums("swap") == leaves


@pytest.mark.parametrize(
    ("pss", "private", "leaves"),
    [(8, 8, {"private": 8192}), (8, 4, {"private": 4096, "its share of shared": 4096}), (0, 0, {})],
)
def test_shares_of_pss(pss: int, private: int, leaves: dict[str, int]) -> None:
    """What is private, and its share of the rest, in bulk and one by one."""
    regular = {"Rss": 16, "Private_Clean": private, "Shared_Clean": 16 - private}
    for counters in (regular, regular | {"Rss": 17}):
        assert account_of(record(0x10000, 0x20000, "r--p", b"/a", Pss=pss, **counters)).sums("pss") == leaves


@pytest.mark.parametrize(("threads", "stacks"), [(b"Threads:\t3\n", 3 * 16_384), (b"", None)])
def test_stacks_in_the_kernel(threads: bytes, stacks: int | None) -> None:
    """One for each thread, where their number is known."""
    status = b"Name:\tx\nState:\tS (x)\nTgid:\t7\n" + threads
    assert account_of(record(0x10000, 0x20000), status=status).kernel_stacks == stacks
