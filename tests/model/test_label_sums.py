"""The sums over the regions of a label, the file that holds an address, and mappings without an object."""

from hypothesis import given
from hypothesis import strategies as st

from procmem.model import kinds
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.raw import MappedFile
from procmem.model.region import Certainty, Label, Regions, Share
from procmem.parse.smaps import parse_smaps
from tests.support.made_processes import record
from tests.support.smaps_text import Record, smaps

PAGE = 4096
LABELS = [Label(kind, Certainty.LIKELY, note("unexplained")) for kind in (kinds.BRK, kinds.BRK, kinds.V8, kinds.GUARD)]
"""Two of them are equal, and two labels for all that."""
FIGURES = ("Rss", "Pss", "Private_Clean", "Private_Dirty", "Swap")


def mapping(at: int, **counters: int) -> Record:
    """One of a page."""
    return record(at * 2 * PAGE, (at * 2 + 1) * PAGE, "rw-p", b"", **counters)


def whole(table: Mappings, labels: list[int], shares: dict[int, Share] | None = None) -> Regions:
    """Regions that are whole mappings, with labels by their numbers."""
    return Regions(
        mappings=table,
        vma=list(range(len(table))),
        start=table.start,
        end=table.end,
        label=[LABELS[of] for of in labels],
        shares=shares,
    )


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.lists(st.integers(0, 9), min_size=5, max_size=5)), min_size=1, max_size=30
    ),
    st.sets(st.sampled_from(FIGURES)),
    st.booleans(),
)
def test_sums_are_those_of_a_loop(rows: list[tuple[int, list[int]]], lacking: set[str], shared: bool) -> None:
    """Each label once, in the order in which they are met; what one row does not know, its label does not."""
    known = [key for key in FIGURES if key not in lacking]
    records = [mapping(at, **dict(zip(known, values, strict=False))) for at, (_, values) in enumerate(rows, start=1)]
    table = parse_smaps(smaps(records))
    share = Share(None, 7, None, 3, ("rss",))
    regions = whole(table, [of for of, _ in rows], {0: share} if shared else None)
    found = regions.sums_of_labels()
    assert [id(sums.label) for sums in found] == list(dict.fromkeys(id(LABELS[of]) for of, _ in rows))
    assert found is regions.sums_of_labels()
    for sums in found:
        its = [row for row, (of, _) in enumerate(rows) if LABELS[of] is sums.label]
        assert list(sums.rows) == its
        assert sums.virt == len(its) * PAGE
        for name in ("rss", "pss", "uss", "swap"):
            parts = [getattr(regions[row], name) for row in its]
            assert getattr(sums, name) == (None if None in parts else sum(parts)), name


def test_which_ranges_hold_an_address() -> None:
    """Neither what lies between two of them nor what follows the last."""
    file = MappedFile("08:01", 3, b"/x", ((0x1000, 0x3000), (0x5000, 0x6000), (0x6000, 0x7000)))
    edges = (0, 0xFFF, 0x1000, 0x2FFF, 0x3000, 0x4FFF, 0x5000, 0x6000, 0x6FFF, 0x7000)
    assert [file.holds(at) for at in edges] == [any(low <= at < high for low, high in file.ranges) for at in edges]


def test_mappings_without_an_inode_are_asked_alone() -> None:
    """The others are not even asked about; the answer is in order."""
    asked: list[int] = []

    def all_of_them(row: int) -> bool:
        asked.append(row)
        return True

    table = _table(inode=[0, 5, 0, 5, 7, 0], perms=["rw-p", "rw-p", "r--p", "r--p", "rw-p", "rw-p"])
    assert table.rows_where(all_of_them, without_inode=True) == [0, 2, 5]
    assert asked == [0, 2]
    assert table.rows_where(lambda row: table.perms[row] == "rw-p") == [0, 1, 4, 5]


def _table(*, inode: list[int], perms: list[str]) -> Mappings:
    count = len(inode)
    return Mappings(
        start=[at * 2 * PAGE for at in range(count)],
        end=[(at * 2 + 1) * PAGE for at in range(count)],
        perms=perms,
        offset=[0] * count,
        device=["00:00"] * count,
        inode=inode,
        name=[b""] * count,
    )


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=40), st.booleans())
def test_sums_by_a_key_are_those_of_the_labels(rows: list[tuple[int, int]], known: bool) -> None:
    """Whether the labels' own sums are known by then, or the regions are taken by the key."""
    table = parse_smaps(smaps([mapping(at, Rss=value) for at, (_, value) in enumerate(rows, start=1)]))
    regions = whole(table, [of for of, _ in rows])
    if known:
        regions.sums_of_labels()
    found = regions.sums_by(lambda label: label.kind)
    assert list(found) == list(dict.fromkeys(LABELS[of].kind for of, _ in rows))
    for kind, sums in found.items():
        values = [value << 10 for of, value in rows if LABELS[of].kind is kind]
        assert (sums.regions, sums.virt, sums.rss) == (len(values), len(values) * PAGE, sum(values))
