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
from typing import NamedTuple

from procmem.model.simulated_memory import MemorySettings, SimMemory
from procmem.model.simulation import AreaRole, SimSpace
from procmem.simulate.arch.i386_layout import page_down, page_up
from procmem.simulate.kernel.calls import Caller
from procmem.simulate.kernel.events import Fork, Map, Protect, SetBrk, Touch, Unmap
from procmem.simulate.libc.arenas import ThreadArenas
from procmem.simulate.libc.threads import DEFAULT_GUARD, create_thread
from procmem.simulate.programs.predict import Running
from procmem.simulate.script.language import (
    AllocatedBlock,
    BadScript,
    Step,
    check_rights,
    parsed,
    part,
    result_text,
    size,
)
from procmem.simulate.script.memory import FIRST_PID, MEMORY_VERBS, MemoryCaller

__all__ = ["BadScript", "Moment", "Step", "parse_script", "run_script"]

_STEPS_MAX = 100_000


class Moment(NamedTuple):
    """The space after a step, what the step gave back, in words, and the memory where it is simulated."""

    step: Step
    space: SimSpace
    outcome: str
    memory: SimMemory | None = None


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
            raise BadScript(number, f"no step is called {verb!r}")
        if not known.least <= len(rest) <= known.most:
            raise BadScript(number, f"{verb} takes {known.least} to {known.most} words")
        steps.append(Step(number, verb, rest))
    if len(steps) > _STEPS_MAX:
        raise BadScript(_STEPS_MAX + 1, f"more than {_STEPS_MAX} steps")
    return tuple(steps)


def run_script(
    running: Running, steps: tuple[Step, ...], *, cpus: int, memory: MemorySettings | None = None
) -> Iterator[Moment]:
    """Do the steps one after another on a program that stands at ``main``; with ``memory``, count its pages.

    Raises:
        BadScript: a name that nothing has, or a size that is none.
    """
    caller = Caller(running.space) if memory is None else MemoryCaller(memory, running.space)
    player = _Player(running, cpus, caller)
    for step in steps:
        outcome = _VERBS[step.verb].play(player, step)
        yield Moment(step, caller.space, outcome, caller.memory if isinstance(caller, MemoryCaller) else None)


class _Player:
    """What a script's program owns: named blocks, its malloc, its threads."""

    def __init__(self, running: Running, cpus: int, caller: Caller) -> None:
        self.caller = caller
        self.malloc = running.malloc
        self.malloc.rebase(self.caller)
        self.arenas = ThreadArenas(self.caller, self.malloc, cpus)
        self.modules = running.modules
        self.blocks: dict[str, AllocatedBlock] = {}
        self.depth = running.space.registers.esp

    def block(self, step: Step, *, mapped: bool | None = None) -> AllocatedBlock:
        """Give the block a step names."""
        found = self.blocks.get(step.words[0])
        if found is None or (mapped is not None and found.mapped is not mapped):
            raise BadScript(step.line, f"no such block: {step.words[0]!r}")
        return found

    def do_malloc(self, step: Step) -> str:
        self.own(step)
        length = size(step, 1)
        pointer = self.malloc.allocate(length)
        if pointer is None:
            return "failed: no memory left"
        self.blocks[step.words[0]] = AllocatedBlock(pointer, length, False)
        return f"= {pointer:#010x}"

    def do_free(self, step: Step) -> str:
        self.own(step)
        self.malloc.free(self.block(step, mapped=False).start)
        del self.blocks[step.words[0]]
        return ""

    def do_mmap(self, step: Step) -> str:
        length = size(step, 1)
        rights = step.words[2] if len(step.words) > 2 else "rw-"
        name = step.words[3].encode() if len(step.words) > 3 else b""
        check_rights(step, rights)
        rule = "mmap: highest free place" if self.caller.space.layout.top_down else "mmap: lowest free place"
        result = self.caller.do(Map(length, rights, name=name, role=AreaRole.MMAP, rule=rule))
        if result >= 0:
            self.blocks[step.words[0]] = AllocatedBlock(result, page_up(length), True)
        return result_text(result)

    def do_munmap(self, step: Step) -> str:
        block = self.block(step, mapped=True)
        offset, length = part(step, 1, block)
        result = self.caller.do(Unmap(block.start + page_down(offset), length))
        if len(step.words) == 1:
            del self.blocks[step.words[0]]
        return result_text(result)

    def do_mprotect(self, step: Step) -> str:
        block = self.block(step, mapped=True)
        check_rights(step, step.words[1])
        offset, length = part(step, 2, block)
        return result_text(self.caller.do(Protect(block.start + page_down(offset), length, step.words[1])))

    def do_touch(self, step: Step) -> str:
        offset = size(step, 1) if len(step.words) > 1 else 0
        if len(step.words) > 2:
            return self.in_memory(step, "touch")
        result = self.caller.do(Touch(self.block(step).start + offset))
        return "" if result >= 0 else "SIGSEGV"

    def in_memory(self, step: Step, verb: str) -> str:
        """Do what only the machine with memory can do."""
        if not isinstance(self.caller, MemoryCaller):
            raise BadScript(step.line, f"{step.verb} needs memory: --memory")
        return MEMORY_VERBS[verb].play(self.caller, self.blocks, step)

    def own(self, step: Step) -> None:
        """Refuse in a child what depends on the C library's state, of which there is one only."""
        if isinstance(self.caller, MemoryCaller) and self.caller.pid != FIRST_PID:
            raise BadScript(step.line, f"{step.verb} in a child is not simulated: as {FIRST_PID} goes back")

    def do_brk(self, step: Step) -> str:
        word = step.words[0]
        change = -parsed(step, word[1:]) if word.startswith("-") else parsed(step, word.removeprefix("+"))
        wanted = self.caller.space.brk + change
        return (
            "" if self.caller.do(SetBrk(wanted, rule="brk: asked for by the program")) == wanted else "failed (ENOMEM)"
        )

    def do_recurse(self, step: Step) -> str:
        self.own(step)
        self.depth -= size(step, 0)
        result = self.caller.do(Touch(self.depth))
        return "" if result >= 0 else "SIGSEGV: beyond the stack limit or the guard gap"

    def do_thread(self, step: Step) -> str:
        self.own(step)
        stack: int | None = None
        guard, request = DEFAULT_GUARD, 0
        for word in step.words:
            name, mark, value = word.partition("=")
            if not mark:
                stack = parsed(step, word)
            elif name == "guard":
                guard = parsed(step, value)
            elif name == "malloc":
                request = parsed(step, value)
            else:
                raise BadScript(step.line, f"thread knows no {name!r}")
        stack_is_code = any(vma.grows_down and "x" in vma.perms for vma in self.caller.space.vmas)
        result = create_thread(
            self.caller, self.malloc, size=stack, guard=guard, modules=self.modules, executable=stack_is_code
        )
        if result >= 0 and request:
            self.arenas.first_request(request)
        return result_text(result)

    def do_fork(self, step: Step) -> str:
        if isinstance(self.caller, MemoryCaller):
            return self.caller.fork()
        del step
        self.caller.do(Fork())
        return "the child's map is the same; pages are copied when one of the two writes"


class _Verb(NamedTuple):
    least: int
    most: int
    play: Callable[[_Player, Step], str]


_VERBS = {
    "malloc": _Verb(2, 2, _Player.do_malloc),
    "free": _Verb(1, 1, _Player.do_free),
    "mmap": _Verb(2, 4, _Player.do_mmap),
    "munmap": _Verb(1, 3, _Player.do_munmap),
    "mprotect": _Verb(2, 4, _Player.do_mprotect),
    "touch": _Verb(1, 3, _Player.do_touch),
    "brk": _Verb(1, 1, _Player.do_brk),
    "recurse": _Verb(1, 1, _Player.do_recurse),
    "thread": _Verb(0, 3, _Player.do_thread),
    "fork": _Verb(0, 0, _Player.do_fork),
}


def _in_memory(verb: str) -> Callable[[_Player, Step], str]:
    return lambda player, step: player.in_memory(step, verb)


_VERBS |= {
    name: _Verb(verb.least, verb.most, _in_memory(name)) for name, verb in MEMORY_VERBS.items() if name not in _VERBS
}
