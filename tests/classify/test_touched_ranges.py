"""Which pages pagemap is asked about: of large memory those that rules look at, all of it only where that tells."""

from procmem.classify.evidence import touched_ranges
from tests.support.made_processes import made, record
from tests.support.smaps_text import Record, smaps

MIB = 1 << 20
HIGH = 0x7F00_0000_0000
PLAIN, MARKED, GUARDED = "rd wr mr mw me ac", "rd wr mr mw me ac nh", "rd wr mr mw me ac gu"


def asked(*records: Record, whole: bool = False) -> tuple[tuple[int, int], ...]:
    """What is asked of a process with these mappings, 64 bits wide."""
    top = record(0x7FFC_0000_0000, 0x7FFC_0002_1000, name=b"[stack]", Rss=0)
    shot, _ = made({"smaps": smaps([*records, top])})
    return touched_ranges(shot, whole=whole)


def test_of_a_plain_block_the_first_page() -> None:
    """Where malloc's header stands; all of it where all is asked for."""
    block = record(HIGH + MIB, HIGH + 9 * MIB, Rss=400)._replace(flags=PLAIN)
    assert asked(block) == ((block.start, block.start + 4096),)
    assert asked(block, whole=True) == ((block.start, block.end),)


def test_of_a_large_one_every_place_where_an_arena_may_begin() -> None:
    """Heaps that are full lie side by side in one mapping."""
    start = HIGH + 3 * MIB
    block = record(start, HIGH + 200 * MIB, Rss=400)._replace(flags=PLAIN)
    places = (start, HIGH + 64 * MIB, HIGH + 128 * MIB, HIGH + 192 * MIB)
    assert asked(block) == tuple((at, at + 4096) for at in places)


def test_of_a_stack_the_last_page_too() -> None:
    """By its mark, or by the inaccessible memory below it."""
    stack = record(HIGH + MIB, HIGH + 9 * MIB, Rss=8)
    both = ((stack.start, stack.start + 4096), (stack.end - 4096, stack.end))
    assert asked(stack._replace(flags=MARKED)) == both
    guard = record(HIGH + MIB - 4096, HIGH + MIB, "---p", Rss=0)._replace(flags="mr mw me")
    assert asked(guard, stack._replace(flags=PLAIN)) == both


def test_all_of_what_may_hold_guards_or_lies_low() -> None:
    """Guard pages stand anywhere; below 4 GiB nothing is large."""
    guarded = record(HIGH + MIB, HIGH + 9 * MIB, Rss=0)._replace(flags=GUARDED)
    assert asked(guarded) == ((guarded.start, guarded.end),)
    low = record(0x1000_0000, 0x1000_0000 + MIB, Rss=4)._replace(flags=PLAIN)
    assert asked(low) == ((low.start, low.end),)


def test_what_has_nothing_to_tell_is_not_asked() -> None:
    """Small, empty, read only, of a file, inaccessible."""
    plain = record(HIGH, HIGH + MIB, Rss=4)._replace(flags=PLAIN)
    for other in (
        plain._replace(end=HIGH + 60 * 1024),
        record(HIGH, HIGH + MIB, Rss=0)._replace(flags=PLAIN),
        plain._replace(perms="r--p"),
        plain._replace(perms="---p"),
        plain._replace(inode=7, device="fe:00", name=b"/x"),
    ):
        assert asked(other) == (), other
