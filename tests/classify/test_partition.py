"""Whatever is claimed: the ranges of a mapping partition it, nothing lost, nothing twice, and rank decides."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from procmem.classify import partition as module
from procmem.classify.apportion import shared_out
from procmem.classify.partition import ClaimGroup, ClaimGroups, partition
from procmem.model.kinds import ByteClass, Kind
from procmem.model.mapping import Mappings, TableShape
from procmem.model.note import note
from procmem.model.permissions import EXECUTE, READ, WRITE
from procmem.model.raw import PageRun, PageRuns, PageState, Refusal
from procmem.model.region import Certainty, Claim, Label, Regions

PAGE = 4096
HUGE = b"/anon_hugepage (deleted)"
DEFAULT = Label(Kind("default", ByteClass.MMAP), Certainty.GUESS, note("unexplained"))


@st.composite
def address_spaces(draw: st.DrawFn) -> Mappings:
    """A few mappings with figures; sometimes out of order, as a process that remaps gives them."""
    at = 0
    rows = []
    for _ in range(draw(st.integers(1, 8))):
        at += draw(st.integers(0, 3)) * PAGE
        end = at + draw(st.integers(1, 6)) * PAGE
        rows.append((at, end))
        at = end
    rows = draw(st.permutations(rows)) if draw(st.booleans()) else rows
    count = len(rows)
    pages = [(end - start) // PAGE for start, end in rows]

    def figure() -> list[int | None]:
        return [1024 * draw(st.integers(0, 4 * number)) for number in pages]

    return Mappings(
        start=[start for start, _ in rows],
        end=[end for _, end in rows],
        perms=[draw(st.sampled_from(["r--p", "rw-p", "r-xp", "---p", "r-xs"])) for _ in rows],
        offset=[0] * count,
        device=[draw(st.sampled_from(["00:00", "fe:00"])) for _ in rows],
        inode=[draw(st.sampled_from([0, 1, 2])) for _ in rows],
        name=[draw(st.sampled_from([b"", HUGE])) for _ in rows],
        usage={key: figure() for key in ("Rss", "Pss", "Private_Clean", "Private_Dirty", "Swap")},
    )


@st.composite
def claims(draw: st.DrawFn) -> Claim:
    """Any range, any rank, any condition."""
    start = draw(st.integers(0, 40 * PAGE))
    kind = draw(st.sampled_from("abcdef"))
    label = Label(Kind(kind, draw(st.sampled_from(list(ByteClass)))), Certainty.LIKELY, note("memfd"))
    return Claim(
        start,
        start + draw(st.integers(1, 12 * PAGE)),
        draw(st.integers(0, 3)),
        label,
        draw(st.sampled_from([None, ("fe:00", 1), ("00:00", 2)])),
        draw(st.sampled_from([None, "r--p"])),
        draw(st.sampled_from([None, label])),
        draw(st.sampled_from([0, WRITE, READ])),
        draw(st.sampled_from([0, EXECUTE])),
    )


spaces = address_spaces()
lists_of_claims = st.lists(claims(), max_size=12)


@given(spaces, lists_of_claims)
@example(Mappings(start=[0], end=[PAGE], perms=["rw-p"], offset=[0], device=["00:00"], inode=[0], name=[b""]), [])
def test_the_ranges_of_a_mapping_partition_it(table: Mappings, claimed: list[Claim]) -> None:
    """In order, without a hole, without an overlap, none empty; a mapping is split only where it has parts."""
    cut = partition(table, claimed, [DEFAULT] * len(table))
    seen: dict[int, list[tuple[int, int]]] = {}
    for row, start, end in zip(cut.vma, cut.start, cut.end, strict=True):
        seen.setdefault(row, []).append((start, end))
    assert sorted(seen) == list(range(len(table)))
    assert cut.vma == sorted(cut.vma)
    for row, parts in seen.items():
        assert parts[0][0] == table.start[row]
        assert parts[-1][1] == table.end[row]
        assert all(start < end for start, end in parts)
        assert all(low[1] == high[0] for low, high in pairwise(parts))
        assert (len(parts) > 1) == (row in cut.split)


@given(spaces, lists_of_claims)
def test_the_highest_rank_has_the_byte(table: Mappings, claimed: list[Claim]) -> None:
    """Checked at the edges of every claim and range, by looking at all claims without any cleverness."""
    cut = partition(table, claimed, [DEFAULT] * len(table))
    edges = {edge for claim in claimed for edge in (claim.start, claim.end - 1, claim.end)}
    for row, start, end, label in zip(cut.vma, cut.start, cut.end, cut.label, strict=True):
        for at in {start, end - 1} | {edge for edge in edges if start <= edge < end}:
            fitting = [
                (claim.rank, found)
                for claim in claimed
                if claim.start <= at < claim.end and (found := _label_on(claim, table, row)) is not None
            ]
            best = max((rank for rank, _ in fitting), default=None)
            winners = {found for rank, found in fitting if rank == best} or {DEFAULT}
            assert label in winners


@given(spaces, lists_of_claims, st.lists(lists_of_claims, max_size=3), lists_of_claims, st.integers(0, 3))
def test_groups_hold_what_their_claims_hold(
    table: Mappings, before: list[Claim], groups: list[list[Claim]], behind: list[Claim], longer: int
) -> None:
    """In one process and in the next, which is alike but for where its last mapping ends; in a table of any order."""
    defaults = [DEFAULT] * len(table)
    all_groups = ClaimGroups([ClaimGroup(group) for group in groups])
    last = max(range(len(table)), key=table.end.__getitem__)
    other = [end + longer * PAGE * (row == last) for row, end in enumerate(table.end)]
    fields = ("start", "perms", "offset", "device", "inode", "name")
    second = Mappings(**{field: getattr(table, field) for field in fields}, end=other, usage={})
    second.shape = table.shape = TableShape(is_shared=True)
    for one in (table, second, table):
        plain = partition(one, [*before, *(claim for group in groups for claim in group), *behind], defaults)
        assert partition(one, [*before, all_groups, *behind], defaults) == plain


def test_what_groups_hold_is_resolved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next process with the same mappings takes no further step, but for those that others claim as well."""
    steps = []
    resolve = module._resolve

    def counted(low: int, high: int, claimed: list[Claim], rest: Label) -> object:
        steps.append((low, high))
        return resolve(low, high, claimed, rest)

    monkeypatch.setattr(module, "_resolve", counted)
    bounds = [(at * PAGE, (at + 1) * PAGE) for at in range(5)]
    table = Mappings(
        start=[low for low, _ in bounds],
        end=[high for _, high in bounds],
        perms=["r--p"] * 5,
        offset=[0] * 5,
        device=["fe:00"] * 5,
        inode=[1] * 5,
        name=[b"/x"] * 5,
    )
    table.shape = TableShape(is_shared=True)
    label = Label(Kind("a", ByteClass.TEXT), Certainty.LIKELY, note("memfd"))
    groups = ClaimGroups([ClaimGroup([Claim(low, high, 1, label)]) for low, high in bounds[:4]])
    defaults = [DEFAULT] * 5
    partition(table, [groups], defaults)
    assert steps == bounds[:4]
    partition(table, [groups], defaults)
    assert steps == bounds[:4]
    partition(table, [groups, Claim(*bounds[2], 2, label), Claim(*bounds[4], 2, label)], defaults)
    assert steps == [*bounds[:4], bounds[2], bounds[4]]


def _label_on(claim: Claim, table: Mappings, row: int) -> Label | None:
    """What a claim says about a mapping: the words of Claim's description, one after the other."""
    if claim.perms is not None and table.perms[row] != claim.perms:
        return None
    if claim.file is None:
        return claim.label
    if table.inode[row] and (table.device[row], table.inode[row]) == claim.file:
        return claim.label
    # a file on a disk may be called so as well
    is_huge = table.name[row] == HUGE and table.device[row].startswith("00:") and table.perms[row].endswith("p")
    if table.inode[row] and not is_huge:
        return None
    letters = {READ: "r", WRITE: "w", EXECUTE: "x"}
    has = {bit: letter in table.perms[row] for bit, letter in letters.items()}
    fits = all(has[bit] for bit in letters if claim.needs & bit)
    fits = fits and not any(has[bit] for bit in letters if claim.excludes & bit)
    return claim.anonymous if fits else None


@st.composite
def page_runs(draw: st.DrawFn) -> PageRuns | Refusal:
    """What pagemap may say, which need not agree with smaps: the process went on."""
    if draw(st.booleans()):
        return Refusal.DENIED
    runs = []
    at = 0
    for _ in range(draw(st.integers(0, 10))):
        at += draw(st.integers(0, 4)) * PAGE
        end = at + draw(st.integers(1, 4)) * PAGE
        runs.append(PageRun(at, end, draw(st.sampled_from([PageState.PRESENT, PageState.SWAPPED, PageState.GUARD]))))
        at = end
    return PageRuns.of(runs)


@given(spaces, lists_of_claims, page_runs())
def test_shares_add_up_to_the_mappings_figures(table: Mappings, claimed: list[Claim], runs: PageRuns | Refusal) -> None:
    """However a mapping is cut, and whatever pagemap says: its parts are its own figures, and none is negative."""
    cut = partition(table, claimed, [DEFAULT] * len(table))
    shares = shared_out(table, cut, runs, PAGE)
    regions = Regions(mappings=table, vma=cut.vma, start=cut.start, end=cut.end, label=cut.label, shares=shares)
    columns = {
        "rss": [table.usage["Rss"]],
        "pss": [table.usage["Pss"]],
        "swap": [table.usage["Swap"]],
        "uss": [table.usage["Private_Clean"], table.usage["Private_Dirty"]],
    }
    for field, parts in columns.items():
        sums = [0] * len(table)
        for region in regions:
            value = getattr(region, field)
            assert value is not None
            assert value >= 0
            sums[region.vma] += value
        assert sums == [sum(value or 0 for value in row) for row in zip(*parts, strict=True)], field
