"""Stacks go to their threads by owner, then by stack pointer; what nobody can tell is unknown."""

from procmem.analyse.threads import thread_report
from procmem.model.raw import PageRun, PageState
from procmem.model.reports.threads import ThreadReport
from procmem.model.snapshot import ThreadReading
from tests.support.made_processes import made, record
from tests.support.smaps_text import smaps

STACK = (0x7FFC_0000_0000, 0x7FFC_0002_1000)
SMAPS = smaps([record(0x10000, 0x90000, Rss=16), record(*STACK, name=b"[stack]", Rss=8, Private_Dirty=8)])


def report_of(*threads: ThreadReading, touched: tuple[PageRun, ...] = ()) -> ThreadReport:
    """The threads of a process of pid 7."""
    shot, regions = made({"smaps": SMAPS, "status": b"Name:\tx\nState:\tS (x)\nTgid:\t7\nUmask:\t0022\n"})
    return thread_report(shot._replace(threads=threads), regions, touched, open_files=3, cwd=None, root=b"/")


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


def test_what_the_process_owns() -> None:
    """Once for all threads; what is not in status is unknown."""
    shared = report_of(thread(7, None)).shared
    assert (shared.umask, shared.open_files, shared.root, shared.cwd) == ("0022", 3, b"/", None)
    assert shared.handled_signals is None
