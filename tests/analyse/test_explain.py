"""Blocks hold every region once, in its order, and say what belongs together."""

from hypothesis import given

from procmem.analyse.explain import explanation
from procmem.analyse.inspection import inspection
from procmem.model.reports.explanation import Explanation
from tests.support.made_processes import made, record, smaps_texts
from tests.support.smaps_text import Record, smaps


def explained(text: bytes, **files: bytes) -> Explanation:
    """A process with this smaps."""
    shot, regions = made({"smaps": text, **files})
    return explanation(shot, regions, inspection(shot, regions), max_map_count=65530)


def codes(records: list[Record], **files: bytes) -> list[str]:
    """What is said at the head."""
    return [one.code for one in explained(smaps(records), **files).head]


@given(smaps_texts())
def test_every_region_is_in_one_block(text: bytes) -> None:
    """In the order of the map; a block is told by members of its own."""
    found = explained(text)
    assert found.inspection.regions is not None
    members = [index for block in found.blocks for index in block.regions]
    assert members == list(range(len(found.inspection.regions)))
    assert len(found.classic) == len(members)
    assert all(set(block.shown) <= set(block.regions) for block in found.blocks)


def test_equal_neighbours_are_one_block() -> None:
    """Those that touch; not those with a hole between them."""
    text = smaps(
        [
            record(0x10000, 0x20000, "r--s", b"/tmp/a"),
            record(0x20000, 0x30000, "r--s", b"/tmp/a"),
            record(0x50000, 0x60000, "r--s", b"/tmp/a"),
        ]
    )
    assert [block.regions for block in explained(text).blocks] == [(0, 1), (2,)]


def test_the_head_says_what_matters_most() -> None:
    """Where most of VIRT is used, reserved, untouched or of files."""
    size = 0x100_0000
    used = record(size, 2 * size, Rss=16000, Pss=16000, Private_Dirty=16000, Anonymous=16000)
    assert codes([used])[:1] == ["small"]
    assert codes([record(size, 2 * size, "---p")])[:1] == ["reserved"]
    assert codes([record(size, 2 * size)])[:1] == ["untouched"]
    assert codes([record(size, 2 * size, "r--s", b"/tmp/a")])[:1] == ["files"]
    assert codes([used])[-1] == "no swap"
    assert codes([record(size, 2 * size, Swap=16, SwapPss=16)])[-1] == "swap"


def test_a_process_without_a_map_is_told_by_what_it_is() -> None:
    """A zombie names who has to wait for it."""
    zombie = b"Name:\tx\nState:\tZ (zombie)\nTgid:\t7\nPPid:\t3\nThreads:\t1\n"
    found = explained(b"", status=zombie, stat=b"7 (x) Z 3 7 7 0 -1 4194304" + b" 0" * 43 + b"\n")
    assert [one.code for one in found.head] == ["zombie of"]
    assert found.blocks == ()
