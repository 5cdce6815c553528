"""Stacks go to their threads by owner, then by stack pointer; what nobody can tell is unknown."""

import pytest

from procmem.analyse.threads import _Stacks, thread_report
from procmem.model import kinds, owners
from procmem.model.note import note
from procmem.model.raw import PageRun, PageRuns, PageState
from procmem.model.region import Certainty, Label
from procmem.model.reports.threads import ThreadReport
from procmem.model.snapshot import ThreadReading
from tests.support.made_processes import made, record
from tests.support.smaps_text import smaps

STACK = (0x7FFC_0000_0000, 0x7FFC_0002_1000)
SMAPS = smaps([record(0x10000, 0x90000, Rss=16), record(*STACK, name=b"[stack]", Rss=8, Private_Dirty=8)])


def report_of(*threads: ThreadReading, touched: tuple[PageRun, ...] = ()) -> ThreadReport:
    """The threads of a process of pid 7."""
    shot, regions = made({"smaps": SMAPS, "status": b"Name:\tx\nState:\tS (x)\nTgid:\t7\nUmask:\t0022\n"})
    return thread_report(
        shot._replace(threads=threads), regions, PageRuns.of(touched), open_files=3, cwd=None, root=b"/"
    )


def thread(tid: int, sp: int | None) -> ThreadReading:
    """A thread of which only this is known."""
    known = {"tid": tid, "sp": sp}
    return ThreadReading(**{name: known.get(name) for name in ThreadReading._fields})  # type: ignore[arg-type]


def test_the_main_thread_has_the_main_stack() -> None:
    """With its depth from the top, and how deep it has been by its touched pages."""
    touched = (PageRun(STACK[1] - 0x3000, STACK[1], PageState.PRESENT),)
    [row] = report_of(thread(7, STACK[1] - 0x1800), touched=touched).threads
    assert (row.stack, row.resident) == (STACK, 8192)
    assert (row.depth, row.high_water) == (0x1800, 0x3000)


def test_what_was_only_read_is_no_depth() -> None:
    """Somebody looked through the whole stack: the zero page stands where nothing was written."""
    touched = (
        PageRun(STACK[0], STACK[1] - 0x2000, PageState.PRESENT | PageState.ZERO),
        PageRun(STACK[1] - 0x2000, STACK[1], PageState.PRESENT),
    )
    [row] = report_of(thread(7, STACK[1] - 0x1800), touched=touched).threads
    assert row.high_water == 0x2000


def test_guards_and_untouched_pages_are_no_depth() -> None:
    """A guard marker is no touched page."""
    touched = (PageRun(STACK[0], STACK[1], PageState.PRESENT | PageState.GUARD),)
    [row] = report_of(thread(7, STACK[1] - 0x1800), touched=touched).threads
    assert row.high_water is None


def test_a_stack_pointer_in_a_heap_is_no_stack() -> None:
    """The kind that it lies in is told; size and depth are unknown."""
    rows = report_of(thread(7, STACK[1] - 8), thread(8, 0x20000), thread(9, None)).threads
    assert [row.stack for row in rows] == [STACK, None, None]
    assert (rows[1].inside, rows[1].depth, rows[1].resident) == ("anon-private", None, None)
    assert (rows[2].inside, rows[2].cpu_seconds, rows[2].state) == (None, None, None)


@pytest.mark.parametrize(
    ("sp", "is_there"),
    [(STACK[0] - 1, False), (STACK[0], True), (STACK[1] - 1, True), (STACK[1], False), (STACK[1] + 0x10000, False)],
)
def test_a_stack_pointer_belongs_to_the_stack_that_it_lies_in(sp: int, is_there: bool) -> None:
    """From its first byte to its last."""
    rows = report_of(thread(7, STACK[1] - 8), thread(8, sp)).threads
    assert rows[1].stack == (STACK if is_there else None)


def test_a_thread_whose_stack_is_known_has_that_one() -> None:
    """By its owner, wherever its stack pointer lies; the main stack is the main thread's alone."""
    lines = (
        b"7f0000000000-7f0000100000 rw-p 00000000 00:00 0 [stack:8]\n"
        b"7fff00000000-7fff00021000 rw-p 00000000 00:00 0 [stack]\n"
    )
    _, regions = made({"maps": lines})
    stacks = _Stacks(regions, 64)
    for sp in (None, 0x7FFF0001_0000, 0x7F00_0001_0000):
        found = stacks.of(thread(8, sp), main=False)
        assert found is not None
        assert found.start == 0x7F00_0000_0000
        found = stacks.of(thread(7, sp), main=True)
        assert found is not None
        assert found.start == 0x7FFF_0000_0000
    assert stacks.of(thread(9, None), main=False) is None


def test_what_the_process_owns() -> None:
    """Once for all threads; what is not in status is unknown."""
    shared = report_of(thread(7, None)).shared
    assert (shared.umask, shared.open_files, shared.root, shared.cwd) == ("0022", 3, b"/", None)
    assert shared.handled_signals is None


def test_a_thread_has_the_tls_of_its_own() -> None:
    """The main thread's is the main stack's owner's; no guard and no stack passes for one."""
    label = Label(kinds.TLS, Certainty.LIKELY, note("static-tls", size=9), owners.MAIN_THREAD)
    _, regions = made({"maps": b"".join(b"%x000-%x000 rw-p 00000000 00:00 0\n" % (at, at + 1) for at in (16, 32, 48))})
    assert regions is not None
    others = label._replace(owner=owners.Thread(8, b"x")), label._replace(kind=kinds.STACK_GUARD)
    regions.label[:] = [label, *others]
    stacks = _Stacks(regions, 64)
    found = stacks.tls_of(ThreadReading(**{**thread(8, None)._asdict(), "comm": b"x"}), main=False)
    assert found is not None
    assert found.start == 0x20000
    found = stacks.tls_of(thread(7, None), main=True)
    assert found is not None
    assert found.start == 0x10000
    assert stacks.tls_of(thread(9, None), main=False) is None
