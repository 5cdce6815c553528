"""Which thread has which stack, how deep it is, and what a thread owns against what the process owns.

The theory says it in one sentence: the process owns resources, a thread owns only its run. Here are the
figures of both.
"""

from __future__ import annotations

from bisect import bisect_right

from procmem.analyse.arenas import arenas_of
from procmem.model import kinds, owners
from procmem.model.kinds import ByteClass
from procmem.model.machine import kernel_stack_of
from procmem.model.note import Note
from procmem.model.raw import PageRuns, PageState
from procmem.model.region import Region, Regions
from procmem.model.reports.threads import SharedState, ThreadReport, ThreadRow
from procmem.model.snapshot import Snapshot, ThreadReading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["thread_report"]

_POLICIES = {0: "normal", 1: "fifo", 2: "round robin", 3: "batch", 5: "idle", 6: "deadline", 7: "extensible"}


def thread_report(
    snapshot: Snapshot,
    regions: Regions | None,
    touched: PageRuns,
    *,
    open_files: int | None,
    cwd: bytes | None,
    root: bytes | None,
    warnings: Iterable[Note] = (),
) -> ThreadReport:
    """Put the rows together. ``touched`` are the populated pages of anonymous memory, in address order."""
    stacks = _Stacks(regions, snapshot.bits)
    status = snapshot.status
    fields = status.fields if status is not None else {}
    rows = tuple(_row(thread, snapshot, stacks, touched) for thread in snapshot.threads or ())
    cached = [region for region in stacks.regions if region.label.kind is kinds.CACHED_STACK]
    return ThreadReport(
        pid=snapshot.pid,
        comm=snapshot.comm,
        threads=rows,
        shared=SharedState(
            virt=snapshot.virt,
            rss=snapshot.rss,
            open_files=open_files,
            umask=fields.get("Umask"),
            cwd=cwd,
            root=root,
            handled_signals=fields.get("SigCgt"),
            ignored_signals=fields.get("SigIgn"),
            shared_pending_signals=fields.get("ShdPnd"),
        ),
        kernel_stack=kernel_stack_of(snapshot.machine.machine),
        cached_stacks=None if snapshot.mappings is None else len(cached),
        cached_bytes=None if snapshot.mappings is None else sum(region.size for region in cached),
        arenas=stacks.count,
        warnings=tuple(warnings),
    )


class _Stacks:
    """The stacks, guards and TLS blocks among the regions, by address and by owner."""

    def __init__(self, regions: Regions | None, bits: int | None) -> None:
        self._all = regions
        self.regions: list[Region] = []
        self.beside: list[Region] = []
        for index, label in enumerate(regions.label if regions is not None else ()):
            assert regions is not None
            if label.cls is ByteClass.STACK:
                self.regions.append(regions[index])
            elif label.cls in (ByteClass.GUARD, ByteClass.TLS):
                self.beside.append(regions[index])
        self.count = None if regions is None else arenas_of(regions, bits)
        found = () if self.count is None else self.count.arenas
        self.arenas = {tid: one for one in found for tid in one.arena.tids}
        self._starts = [region.start for region in self.regions]
        self._by_owner = {region.label.owner: region for region in self.regions if region.label.owner}
        self._ends_of_guards = {region.end: region for region in self.beside if region.label.cls is ByteClass.GUARD}
        self._tls = {region.label.owner: region for region in self.beside if region.label.cls is ByteClass.TLS}

    def of(self, thread: ThreadReading, *, main: bool) -> Region | None:
        """The stack that a thread owns; where nobody says, the one that its stack pointer lies in."""
        owned = self._by_owner.get(thread.owner)
        if owned is None and main:
            owned = self._by_owner.get(owners.MAIN_THREAD)
        if owned is not None:
            return owned
        if thread.sp is None:
            return None
        at = bisect_right(self._starts, thread.sp) - 1
        if at >= 0 and self.regions[at].start <= thread.sp < self.regions[at].end:
            return self.regions[at]
        return None

    def around(self, sp: int | None) -> str | None:
        """What a stack pointer lies in that is no stack of its own: a heap of a runtime that makes stacks there."""
        if sp is None or self._all is None:
            return None
        at = next((row for row, end in enumerate(self._all.end) if self._all.start[row] <= sp < end), None)
        return None if at is None else self._all.label[at].kind

    def guard_below(self, stack: Region) -> int | None:
        """The size of the guard directly below a stack."""
        guard = self._ends_of_guards.get(stack.start)
        return None if guard is None else guard.size

    def tls_of(self, thread: ThreadReading, *, main: bool) -> Region | None:
        """The thread's TLS block."""
        return self._tls.get(thread.owner) or (self._tls.get(owners.MAIN_THREAD) if main else None)


def _row(thread: ThreadReading, snapshot: Snapshot, stacks: _Stacks, touched: PageRuns) -> ThreadRow:
    main = thread.tid == (snapshot.thread_of or snapshot.pid)
    stack = stacks.of(thread, main=main)
    tls = stacks.tls_of(thread, main=main)
    top = None
    if stack is not None:
        top = tls.end if tls is not None and stack.end <= tls.end <= stack.end + (1 << 20) else stack.end
    inside = stack is not None and thread.sp is not None and stack.start <= thread.sp < (top or 0)
    arena = stacks.arenas.get(thread.tid)
    stat, status = thread.stat, thread.status
    fields = status.fields if status is not None else {}
    ticks = snapshot.machine.clock_ticks
    return ThreadRow(
        tid=thread.tid,
        name=thread.comm,
        state=stat.state if stat is not None else None,
        stack=None if stack is None else (stack.start, stack.end),
        stack_kind=None if stack is None else stack.label.kind,
        inside=None if stack is not None else stacks.around(thread.sp),
        certainty=None if stack is None else stack.label.certainty.value,
        resident=None if stack is None else stack.rss,
        depth=top - thread.sp if inside and top is not None and thread.sp is not None else None,
        high_water=None if stack is None or top is None else _high_water(stack, top, touched),
        guard=None if stack is None else stacks.guard_below(stack),
        tls=None if tls is None else tls.size,
        arena=None if arena is None else arena.arena.address,
        arena_blocks=None if arena is None else arena.blocks,
        arena_resident=None if arena is None else arena.rss,
        voluntary_switches=_number(fields.get("voluntary_ctxt_switches")),
        involuntary_switches=_number(fields.get("nonvoluntary_ctxt_switches")),
        cpu_seconds=(stat.utime + stat.stime) / ticks if stat is not None and ticks else None,
        policy=_POLICIES.get(stat.policy) if stat is not None and stat.policy is not None else None,
        processor=stat.processor if stat is not None else None,
        pending_signals=fields.get("SigPnd"),
        blocked_signals=fields.get("SigBlk"),
    )


def _high_water(stack: Region, top: int, touched: PageRuns) -> int | None:
    """From the top down to the lowest page that is in memory or swapped; None where pagemap said nothing of it.

    A page that shows the zero page was read by somebody, never written: no call was as deep as that.
    """
    for run in touched.within(stack.start, stack.end):
        if run.state & (PageState.PRESENT | PageState.SWAPPED) and not run.state & (PageState.GUARD | PageState.ZERO):
            return top - max(run.start, stack.start)
    return None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() else None
