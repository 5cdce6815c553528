"""A program as a short list of steps: what it asks for, one a line, and the map after each.

    malloc NAME SIZE                 get SIZE bytes from malloc
    free NAME                        give them back
    mmap NAME SIZE [RIGHTS] [FILE]   map anonymous memory (rw- unless said), or a file
    munmap NAME [OFFSET SIZE]        unmap all of it, or a part
    mprotect NAME RIGHTS [OFFSET SIZE]
    touch NAME [OFFSET [SIZE]]       write one byte, or one in each page of a part
    brk SIZE                         move the heap's end up (or, with a minus sign, down)
    recurse SIZE                     use so much more stack
    thread [SIZE] [guard=SIZE] [malloc=SIZE]
    dlopen LIBRARY                   open a library, by its name or path
    fork

With memory (frames, swap, faults) also:

    read NAME [OFFSET SIZE]          read one byte of each page
    share NAME SIZE [FILE]           map memory that children share, or a file
    cache FILE SIZE                  the file's pages come into the page cache
    populate NAME, dontneed NAME, lazyfree NAME, pageout NAME [OFFSET SIZE]
    scatter NAME COUNT [SEED]        write pages at random, the same for the same seed
    settle                           what is being written to swap is written
    swapoff                          what is in swap comes back, and swap ends
    as PID                           go on as the child (2, 3, ...) or the first process (1)
    exit                             the process ends

Sizes are bytes, or have K, M or G behind them. RIGHTS are written as in maps (rw-). A # begins a comment.
"""

from collections.abc import Callable, Iterator

from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.model.script import ScriptAction
from procmem.model.simulated_memory import MemorySettings, SimMemory
from procmem.model.simulation import AreaRole, SimSpace, VmBit
from procmem.simulate.arch.layout import page_down, page_up
from procmem.simulate.kernel.calls import Caller
from procmem.simulate.kernel.events import Event, Fork, Map, Protect, Remap, SetBrk, Touch, Unmap
from procmem.simulate.kernel.frames import TooMuchWork
from procmem.simulate.kernel.memory_events import Access
from procmem.simulate.libc.arenas import ThreadArenas
from procmem.simulate.libc.threads import DEFAULT_GUARD, create_thread
from procmem.simulate.programs.opening import can_open, open_later
from procmem.simulate.programs.predict import Running
from procmem.simulate.script.language import (
    OPENS,
    AllocatedBlock,
    BadScript,
    Step,
    read_action,
    result_of,
)
from procmem.simulate.script.memory import FIRST_PID, MEMORY_VERBS, MemoryCaller

__all__ = ["BadScript", "Moment", "Step", "parse_script", "run_script"]

_STEPS_MAX = 50_000
_LINES_MAX = 150_000
"""Of all maps together, or of the processes after each step."""


class Moment(NamedTuple):
    """The space after a step, what came of the step (None for a mere success), and the memory where it is simulated."""

    step: Step
    space: SimSpace
    outcome: Note | None
    memory: SimMemory | None = None
    running: Running | None = None
    """What is certain of the program then, where that is no longer what it was at ``main``."""
    has_ended: bool = False
    """Whether the step was the program's end, or came after it; without memory."""


def parse_script(text: str) -> tuple[Step, ...]:
    """Read the lines of a script.

    Raises:
        BadScript: a verb that does not exist, or the wrong number of words after it.
    """
    steps = []
    for number, line in enumerate(text.split("\n"), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        verb, rest = words[0], tuple(words[1:])
        known = _VERBS.get(verb)
        if known is None:
            raise BadScript(number, "no-step", verb=verb)
        if not known.least <= len(rest) <= known.most:
            raise BadScript(number, "wrong-word-count", verb=verb, least=known.least, most=known.most)
        steps.append(Step(number, verb, rest))
    if len(steps) > _STEPS_MAX:
        raise BadScript(_STEPS_MAX + 1, "too-many-steps", most=_STEPS_MAX)
    return tuple(steps)


def run_script(
    running: Running,
    steps: tuple[Step, ...],
    *,
    cpus: int,
    memory: MemorySettings | None = None,
    keeps_moments: bool = True,
) -> Iterator[Moment]:
    """Do the steps one after another on a program that stands at ``main``; with ``memory``, count its pages.

    Who looks at the memory of a moment before the next one comes needs none of them kept, which takes a copy each.

    Raises:
        BadScript: a name that nothing has, or a size that is none.
    """
    caller = Caller(running.space) if memory is None else MemoryCaller(memory, running.space, is_kept=keeps_moments)
    player = _Player(running, cpus, caller)
    lines = 0
    bits = running.space.layout.abi.bits
    for step in (step._replace(bits=bits) for step in steps):
        try:
            outcome = note("ended") if player.ended else _VERBS[step.verb].play(player, step)
        except TooMuchWork as error:
            raise BadScript(step.line, "too-much-work") from error
        moment = Moment(step, caller.space, outcome, caller.memory if isinstance(caller, MemoryCaller) else None)
        moment = moment._replace(running=None if player.running is running else player.running, has_ended=player.ended)
        lines += len(moment.space.vmas) if moment.memory is None else len(moment.memory.processes)
        if lines > _LINES_MAX:
            raise BadScript(step.line, "too-much-shown", most=_LINES_MAX)
        yield moment


class _Player:
    """What a script's program owns: named blocks, its malloc, its threads."""

    def __init__(self, running: Running, cpus: int, caller: Caller) -> None:
        self.running = running
        self.caller = caller
        self.malloc = running.malloc
        self.malloc.rebase(self.caller)
        self.arenas = ThreadArenas(self.caller, self.malloc, cpus)
        self.blocks: dict[str, AllocatedBlock] = {}
        self.depth = running.space.registers.esp
        self.ended = False

    def block(self, step: Step, *, mapped: bool | None = None) -> AllocatedBlock:
        """Give the block a step names."""
        found = self.blocks.get(step.words[0])
        if found is None or (mapped is not None and found.mapped is not mapped):
            raise BadScript(step.line, "no-block", name=step.words[0])
        return found

    def do_malloc(self, step: Step) -> Note | None:
        self.own(step)
        action = read_action(step)
        return self.allocated(action, self.malloc.allocate(action.size))

    def do_realloc(self, step: Step) -> Note | None:
        self.own(step)
        action = read_action(step)
        return self.allocated(action, self.malloc.reallocate(self.block(step, mapped=False).start, action.size))

    def allocated(self, action: ScriptAction, pointer: int | None) -> Note | None:
        """Keep what malloc gave, and say it."""
        if pointer is None:
            return note("no-memory")
        self.blocks[action.block] = AllocatedBlock(pointer, action.size, False)
        return note("value", value=pointer)

    def do_free(self, step: Step) -> Note | None:
        self.own(step)
        self.malloc.free(self.block(step, mapped=False).start)
        del self.blocks[step.words[0]]
        return None

    def mapped(self, action: ScriptAction, event: Event) -> Note | None:
        """Make a call that maps, keep what it gave, and say it."""
        result = self.caller.do(event)
        if result >= 0:
            self.blocks[action.block] = AllocatedBlock(result, page_up(action.size), True)
        return result_of(result)

    def do_mremap(self, step: Step) -> Note | None:
        block, action = self.block(step, mapped=True), read_action(step)
        return self.mapped(action, Remap(block.start, block.length, action.size, rule=note("mremap")))

    def do_overmap(self, step: Step) -> Note | None:
        block, action = self.block(step, mapped=True), read_action(step)
        offset, length = action.part_of(block)
        place = block.start + page_down(offset)
        return result_of(self.caller.do(Map(length, action.rights, place, fixed=True, rule=note("mmap-fixed"))))

    def do_growsdown(self, step: Step) -> Note | None:
        action = read_action(step)
        return self.mapped(action, Map(action.size, flags=VmBit.GROWSDOWN, rule=note("mmap-growsdown")))

    def do_mmap(self, step: Step) -> Note | None:
        action = read_action(step)
        rule = note("mmap-highest" if self.caller.space.layout.top_down else "mmap-lowest")
        return self.mapped(action, Map(action.size, action.rights, name=action.file, role=AreaRole.MMAP, rule=rule))

    def do_munmap(self, step: Step) -> Note | None:
        block, action = self.block(step, mapped=True), read_action(step)
        offset, length = action.part_of(block)
        result = self.caller.do(Unmap(block.start + page_down(offset), length))
        if action.offset is None:
            del self.blocks[action.block]
        return result_of(result)

    def do_mprotect(self, step: Step) -> Note | None:
        block, action = self.block(step, mapped=True), read_action(step)
        offset, length = action.part_of(block)
        return result_of(self.caller.do(Protect(block.start + page_down(offset), length, action.rights)))

    def do_touch(self, step: Step) -> Note | None:
        action = read_action(step)
        if action.length is not None:
            return self.in_memory(step, "touch")
        return self.touched(self.block(step).start + (action.offset or 0), note("segv"))

    def touched(self, address: int, failure: Note) -> Note | None:
        """Write one byte; ``failure`` is what that comes to where there is no memory to tell more."""
        if isinstance(self.caller, MemoryCaller):
            return self.caller.happen(Access(self.caller.pid, address, 1, True))
        if self.caller.do(Touch(address)) >= 0:
            return None
        self.ended = True
        return failure

    def in_memory(self, step: Step, verb: str) -> Note | None:
        """Do what only the machine with memory can do."""
        if not isinstance(self.caller, MemoryCaller):
            raise BadScript(step.line, "needs-memory", verb=step.verb)
        return MEMORY_VERBS[verb].play(self.caller, self.blocks, step)

    def own(self, step: Step) -> None:
        """Refuse in a child what depends on the C library's state, of which there is one only."""
        if isinstance(self.caller, MemoryCaller) and self.caller.pid != FIRST_PID:
            raise BadScript(step.line, "not-in-child", verb=step.verb, pid=FIRST_PID)

    def do_brk(self, step: Step) -> Note | None:
        wanted = self.caller.space.brk + read_action(step).size
        return None if self.caller.do(SetBrk(wanted, rule=note("brk"))) == wanted else note("brk-failed")

    def do_recurse(self, step: Step) -> Note | None:
        self.own(step)
        self.depth -= read_action(step).size
        return self.touched(self.depth, note("stack-overflow"))

    def do_thread(self, step: Step) -> Note | None:
        self.own(step)
        action = read_action(step)
        result = create_thread(
            self.caller,
            self.malloc,
            size=action.stack,
            guard=DEFAULT_GUARD if action.guard is None else action.guard,
            modules=self.running.modules,
            executable=self.running.executable_stacks,
        )
        if result >= 0 and action.size:
            self.arenas.first_request(action.size)
        return result_of(result)

    def do_dlopen(self, step: Step) -> Note | None:
        self.own(step)
        if not can_open(self.running):
            raise BadScript(step.line, "dlopen-needs-glibc")
        self.running, outcome = open_later(self.running, self.caller, self.malloc, read_action(step).file)
        return outcome

    def do_fork(self, step: Step) -> Note | None:
        if isinstance(self.caller, MemoryCaller):
            return self.caller.fork()
        del step
        self.caller.do(Fork())
        return note("fork")


class _StepVerb(NamedTuple):
    least: int
    most: int
    play: Callable[[_Player, Step], Note | None]


_VERBS = {
    "malloc": _StepVerb(2, 2, _Player.do_malloc),
    "realloc": _StepVerb(2, 2, _Player.do_realloc),
    "mremap": _StepVerb(2, 2, _Player.do_mremap),
    "overmap": _StepVerb(3, 4, _Player.do_overmap),
    "growsdown": _StepVerb(2, 2, _Player.do_growsdown),
    "free": _StepVerb(1, 1, _Player.do_free),
    "mmap": _StepVerb(2, 4, _Player.do_mmap),
    "munmap": _StepVerb(1, 3, _Player.do_munmap),
    "mprotect": _StepVerb(2, 4, _Player.do_mprotect),
    "touch": _StepVerb(1, 3, _Player.do_touch),
    "brk": _StepVerb(1, 1, _Player.do_brk),
    "recurse": _StepVerb(1, 1, _Player.do_recurse),
    "thread": _StepVerb(0, 3, _Player.do_thread),
    "fork": _StepVerb(0, 0, _Player.do_fork),
    OPENS: _StepVerb(1, 1, _Player.do_dlopen),
}


def _in_memory(verb: str) -> Callable[[_Player, Step], Note | None]:
    return lambda player, step: player.in_memory(step, verb)


_VERBS |= {
    name: _StepVerb(verb.least, verb.most, _in_memory(name))
    for name, verb in MEMORY_VERBS.items()
    if name not in _VERBS
}
