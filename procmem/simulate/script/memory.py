"""The steps of a script that need memory: touching, sharing, giving advice, being another process.

A script's program makes its calls through a :class:`Caller`; this one keeps the whole machine between them, so that
malloc and threads, which know nothing of pages, run on it unchanged.
"""

import random
from collections.abc import Callable, Sequence

from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.model.simulated_memory import AccessOutcome, MemorySettings, SimMemory
from procmem.model.simulation import PAGE, AreaRole, SimSpace, VmBit
from procmem.simulate.arch.layout import page_up
from procmem.simulate.kernel.calls import Caller
from procmem.simulate.kernel.events import Event, Map
from procmem.simulate.kernel.memory import LiveMachine, run, step
from procmem.simulate.kernel.memory_events import (
    Access,
    Advice,
    Advise,
    Begin,
    Do,
    End,
    ForkAs,
    MemoryEvent,
    ReadFile,
    Scatter,
    Settle,
    SwapOff,
)
from procmem.simulate.script.language import AllocatedBlock, BadScript, Step, parsed, part, result_of, size

__all__ = ["FIRST_PID", "MEMORY_VERBS", "MemoryCaller"]

FIRST_PID = 1
"""The program's own pid in the simulated machine."""
_SCATTER_MAX = 1_000_000
_WORK_MAX = 1_000_000
"""So many looks at pages may the steps of a script take: a second or two."""


class MemoryCaller(Caller):
    """The machine as it is now, and which of its processes goes on."""

    def __init__(self, settings: MemorySettings, space: SimSpace, *, is_kept: bool = True) -> None:
        super().__init__(space)
        self.memory: SimMemory = step(SimMemory(settings), Begin(FIRST_PID, space))
        self._live = None if is_kept else LiveMachine(self.memory, most_work=_WORK_MAX)
        self.pid = FIRST_PID
        self.last_pid = FIRST_PID

    def do(self, event: Event) -> int:
        """Make one call; a process that was killed gets nothing done."""
        self.happen(Do(self.pid, event))
        return self.space.registers.eax

    def happen(self, *events: MemoryEvent) -> Note | None:
        """Let something happen to the machine, and say what came of it."""
        self._go_on(events)
        process = self.memory.processes.get(self.pid)
        if process is not None:
            self.space = process.space
        if self.memory.outcome is AccessOutcome.SIGSEGV:
            told = note("segv-code", error_code=self.memory.error_code or 0)
            trace = self.memory.trace
            self._go_on([End(self.pid)])  # nobody handles it: the process ends
            self.memory = self.memory._replace(trace=(*trace, *self.memory.trace))
            return told
        if self.memory.outcome is AccessOutcome.OOM and self.memory.killed is None:
            return note("swapoff-killed")
        if self.memory.outcome is AccessOutcome.OOM:
            return note("oom", pid=self.memory.killed)
        return None if process is not None or not events else note("ended")

    def _go_on(self, events: Sequence[MemoryEvent]) -> None:
        self.memory = run(self.memory, events) if self._live is None else self._live.go_on(events)

    def fork(self) -> Note:
        """Make a child; the parent goes on."""
        self.last_pid += 1
        told = self.happen(ForkAs(self.pid, self.last_pid))
        return told or note("child", pid=self.last_pid)


_Blocks = dict[str, AllocatedBlock]
_Play = Callable[[MemoryCaller, _Blocks, Step], Note | None]


class _MemoryVerb(NamedTuple):
    least: int
    most: int
    play: _Play


def _block(blocks: _Blocks, step: Step) -> AllocatedBlock:
    if step.words[0] not in blocks:
        raise BadScript(step.line, "no-block", name=step.words[0])
    return blocks[step.words[0]]


def _touching(*, write: bool) -> _Play:
    def play(caller: MemoryCaller, blocks: _Blocks, step: Step) -> Note | None:
        block = _block(blocks, step)
        offset, length = part(step, 1, block)
        return caller.happen(Access(caller.pid, block.start + offset, length, write))

    return play


def _advising(advice: Advice) -> _Play:
    def play(caller: MemoryCaller, blocks: _Blocks, step: Step) -> Note | None:
        block = _block(blocks, step)
        offset, length = part(step, 1, block)
        return caller.happen(Advise(caller.pid, block.start + offset, length, advice))

    return play


def _share(caller: MemoryCaller, blocks: _Blocks, step: Step) -> Note | None:
    length = size(step, 1)
    name = step.words[2].encode() if len(step.words) > 2 else b""
    result = caller.do(Map(length, name=name, flags=VmBit.SHARED, role=AreaRole.MMAP, rule=note("mmap-shared")))
    if result >= 0:
        blocks[step.words[0]] = AllocatedBlock(result, page_up(length), True)
    return result_of(result)


def _cache(caller: MemoryCaller, blocks: _Blocks, step: Step) -> Note | None:
    del blocks
    return caller.happen(ReadFile(step.words[0].encode(), page_up(size(step, 1)) // PAGE))


def _scatter(caller: MemoryCaller, blocks: _Blocks, step: Step) -> Note | None:
    block = _block(blocks, step)
    count = size(step, 1)
    if count > _SCATTER_MAX:
        raise BadScript(step.line, "too-many-touches", most=_SCATTER_MAX)
    drawn = random.Random(parsed(step, step.words[2]) if len(step.words) > 2 else 0)  # noqa: S311  # to be repeated
    pages = max(block.length // PAGE, 1)
    first = block.start // PAGE
    return (
        caller.happen(Scatter(caller.pid, (first + drawn.randrange(pages) for _ in range(count))))
        if count
        else caller.happen()
    )


def _settle(caller: MemoryCaller, blocks: _Blocks, step: Step) -> Note | None:
    del blocks, step
    return caller.happen(Settle())


def _swapoff(caller: MemoryCaller, blocks: _Blocks, step: Step) -> Note | None:
    del blocks, step
    return caller.happen(SwapOff())


def _as(caller: MemoryCaller, blocks: _Blocks, step: Step) -> Note | None:
    del blocks
    pid = parsed(step, step.words[0])
    if pid not in caller.memory.processes:
        raise BadScript(step.line, "no-living-process", pid=pid)
    caller.pid = pid
    return caller.happen()


def _exit(caller: MemoryCaller, blocks: _Blocks, step: Step) -> Note | None:
    del blocks, step
    caller.happen(End(caller.pid))
    if caller.memory.processes:
        caller.pid = min(caller.memory.processes)
        caller.happen()
    return None


MEMORY_VERBS = {
    "touch": _MemoryVerb(1, 3, _touching(write=True)),
    "read": _MemoryVerb(1, 3, _touching(write=False)),
    "share": _MemoryVerb(2, 3, _share),
    "cache": _MemoryVerb(2, 2, _cache),
    "populate": _MemoryVerb(1, 3, _advising(Advice.POPULATE)),
    "dontneed": _MemoryVerb(1, 3, _advising(Advice.DONTNEED)),
    "lazyfree": _MemoryVerb(1, 3, _advising(Advice.FREE)),
    "pageout": _MemoryVerb(1, 3, _advising(Advice.PAGEOUT)),
    "scatter": _MemoryVerb(2, 3, _scatter),
    "settle": _MemoryVerb(0, 0, _settle),
    "swapoff": _MemoryVerb(0, 0, _swapoff),
    "as": _MemoryVerb(1, 1, _as),
    "exit": _MemoryVerb(0, 0, _exit),
}
"""Steps by name; ``touch`` with a size is one of them."""
