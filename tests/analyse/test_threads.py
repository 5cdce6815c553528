"""Stacks go to their threads by owner, then by stack pointer; what nobody can tell is unknown."""

import pytest

from procmem.analyse.threads import _Stacks, thread_report
from procmem.model import kinds, owners
from procmem.model.note import note
from procmem.model.raw import PageRun, PageRuns, PageState
from procmem.model.region import Certainty, Label, Regions
from procmem.model.reports.threads import ThreadReport, ThreadRow
from procmem.model.snapshot import Stat, Status, ThreadReading
from procmem.parse.status import parse_stat
from tests.support.made_processes import labelled, made, record
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


def stat(utime: int = 0, stime: int = 0, processor: int = 0, policy: int = 0, state: str = "S") -> Stat:
    """What stat says of a thread."""
    words = [str(number) for number in range(4, 53)]
    for field, value in ((14, utime), (15, stime), (39, processor), (41, policy)):
        words[field - 4] = str(value)
    return parse_stat(f"8 (x) {state} {' '.join(words)}\n".encode())


def with_figures(line: Stat | None, fields: dict[str, str] | None = None, *, ticks: int | None = 100) -> ThreadRow:
    """The row of a thread of which stat and status say this."""
    shot, regions = made({"smaps": SMAPS, "status": b"Name:\tx\nState:\tS (x)\nTgid:\t7\n"})
    shot = shot._replace(
        machine=shot.machine._replace(clock_ticks=ticks),
        threads=(thread(8, None)._replace(stat=line, status=None if fields is None else Status(fields, {})),),
    )
    [row] = thread_report(shot, regions, PageRuns.of(()), open_files=None, cwd=None, root=None).threads
    return row


@pytest.mark.parametrize(
    ("policy", "name"),
    [
        (0, "normal"), (1, "fifo"), (2, "round robin"), (3, "batch"), (4, None), (5, "idle"), (6, "deadline"),
        (7, "extensible"), (8, None),
    ],
)  # fmt: skip
def test_policies_of_scheduling(policy: int, name: str | None) -> None:
    """By sched(7); a number that it does not have is unknown."""
    assert with_figures(stat(policy=policy)).policy == name


def test_what_stat_says_of_a_thread() -> None:
    """User and system time together, in seconds, where the length of a tick is known."""
    row = with_figures(stat(utime=150, stime=25, processor=3, state="R"))
    assert (row.cpu_seconds, row.processor, row.state) == (1.75, 3, "R")
    assert with_figures(stat(utime=150), ticks=None).cpu_seconds is None
    row = with_figures(None)
    assert (row.cpu_seconds, row.processor, row.state, row.policy) == (None, None, None, None)


def test_what_status_says_of_a_thread() -> None:
    """Switches are counts, signals are masks; what is no number is unknown."""
    fields = {"voluntary_ctxt_switches": "5", "nonvoluntary_ctxt_switches": "x", "SigPnd": "01", "SigBlk": "02"}
    row = with_figures(None, fields)
    assert (row.voluntary_switches, row.involuntary_switches) == (5, None)
    assert (row.pending_signals, row.blocked_signals) == ("01", "02")
    assert with_figures(None).pending_signals is None


GUARD, LOW, TOP = 0x7F00_0000_0000, 0x7F00_0000_1000, 0x7F00_0010_1000
NAME = b"x"
OWNER = owners.Thread(8, NAME)


def stacked(*, tls_end: int | None = None, guard_end: int = LOW) -> Regions:
    """A thread's stack with a guard below it, and TLS behind it."""
    rows = [
        (record(GUARD, guard_end, "---p"), kinds.STACK_GUARD, None),
        (record(LOW, TOP, Rss=12, Private_Dirty=12), kinds.THREAD_STACK, OWNER),
    ]
    if tls_end is not None:
        rows.append((record(TOP, tls_end), kinds.TLS, OWNER))
    return labelled(*rows)


def row_of(sp: int | None, regions: Regions | None, touched: tuple[PageRun, ...] = ()) -> ThreadRow:
    """The thread that owns it."""
    shot, _ = made({"status": b"Name:\tx\nState:\tS (x)\nTgid:\t7\n"})
    one = thread(8, sp)._replace(comm=NAME)
    report = thread_report(
        shot._replace(threads=(one,)), regions, PageRuns.of(touched), open_files=None, cwd=None, root=None
    )
    return report.threads[0]


MIB = 1 << 20


@pytest.mark.parametrize(
    ("tls_end", "sp", "depth"),
    [
        (None, TOP - 0x1800, 0x1800),
        (None, LOW, TOP - LOW),
        (None, LOW - 1, None),
        (None, TOP - 1, 1),
        (None, TOP, None),
        (TOP + 0x1000, TOP - 0x1800, 0x2800),
        (TOP + 0x1000, TOP + 0x800, 0x800),
        (TOP + 0x1000, TOP + 0x1000, None),
        (TOP + MIB, TOP - 0x1800, 0x1800 + MIB),
        (TOP + MIB + 0x1000, TOP - 0x1800, 0x1800),
    ],
)
def test_how_deep_a_stack_is(tls_end: int | None, sp: int, depth: int | None) -> None:
    """From its top, which is where the TLS block behind it ends, if that is no more than 1 MiB."""
    row = row_of(sp, stacked(tls_end=tls_end))
    assert (row.depth, row.stack, row.resident) == (depth, (LOW, TOP), 12 << 10)
    assert row.tls == (None if tls_end is None else tls_end - TOP)


@pytest.mark.parametrize(("end", "size"), [(LOW, 0x1000), (LOW - 0x800, None)])
def test_a_guard_is_directly_below(end: int, size: int | None) -> None:
    """Else it guards something else."""
    assert row_of(None, stacked(guard_end=end)).guard == size


@pytest.mark.parametrize(
    ("state", "deep"),
    [
        (PageState.PRESENT, 0x3000),
        (PageState.SWAPPED, 0x3000),
        (PageState.PRESENT | PageState.GUARD, 0x1000),
        (PageState.SWAPPED | PageState.ZERO, 0x1000),
    ],
)
def test_how_deep_it_has_been(state: int, deep: int) -> None:
    """By the lowest page that was written; what lies below the stack is not its own."""
    touched = (PageRun(TOP - 0x3000, TOP - 0x2000, state), PageRun(TOP - 0x1000, TOP, PageState.PRESENT))
    assert row_of(None, stacked(), touched).high_water == deep
    below = (PageRun(GUARD, TOP, PageState.PRESENT),)
    assert row_of(None, stacked(), below).high_water == TOP - LOW
    assert row_of(None, stacked()).high_water is None


def test_stacks_that_wait_for_threads() -> None:
    """Are counted with their sizes; nothing is known of them without mappings."""
    shot, _ = made({"maps": b"00010000-00014000 rw-p 00000000 00:00 0\n"})
    table = labelled(
        (record(0x10000, 0x14000), kinds.CACHED_STACK, None), (record(0x20000, 0x22000), kinds.MAIN_STACK, None)
    )
    nothing = PageRuns.of(())
    report = thread_report(shot, table, nothing, open_files=None, cwd=None, root=None)
    assert (report.cached_stacks, report.cached_bytes) == (1, 0x4000)
    unknown = thread_report(shot._replace(mappings=None), None, nothing, open_files=None, cwd=None, root=None)
    assert (unknown.cached_stacks, unknown.cached_bytes, unknown.arenas, unknown.threads) == (None, None, None, ())


@pytest.mark.parametrize(
    ("sp", "inside"),
    [(LOW - 1, None), (LOW, kinds.ANON_PRIVATE), (LOW + 0xFFF, kinds.ANON_PRIVATE), (LOW + 0x1000, None)],
)
def test_where_a_stack_pointer_lies_that_is_in_no_stack(sp: int, inside: str | None) -> None:
    """The kind of that memory, from its first byte to its last."""
    table = labelled((record(LOW, LOW + 0x1000), kinds.ANON_PRIVATE, None))
    assert row_of(sp, table).inside == inside
