"""A program as a short list of steps: what it asks for, one a line, and the map after each.

    malloc NAME SIZE                 get SIZE bytes from malloc
    free NAME                        give them back
    mmap NAME SIZE [RIGHTS] [FILE]   map anonymous memory (rw- unless said), or a file
    munmap NAME [OFFSET SIZE]        unmap all of it, or a part
    mprotect NAME RIGHTS [OFFSET SIZE]
    touch NAME [OFFSET]              write one byte
    brk SIZE                         move the heap's end up (or, with a minus sign, down)
    recurse SIZE                     use so much more stack
    thread [SIZE] [guard=SIZE] [malloc=SIZE]
    fork

Sizes are bytes, or have K, M or G behind them. RIGHTS are written as in maps (rw-). A # begins a comment.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from procmem.errors import BadInput
from procmem.model.sim import PAGE, Role, SimSpace
from procmem.simulate.calls import Caller
from procmem.simulate.events import Fork, Map, Protect, SetBrk, Touch, Unmap
from procmem.simulate.layout import page_down, page_up
from procmem.simulate.predict import Running
from procmem.simulate.thread_arenas import ThreadArenas
from procmem.simulate.threads import DEFAULT_GUARD, create_thread

__all__ = ["Moment", "Step", "parse_script", "run_script"]

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_RIGHTS = {f"{r}{w}{x}" for r in "r-" for w in "w-" for x in "x-"}
_STEPS_MAX = 100_000


class Step(NamedTuple):
    """One line of a script: its number, the verb, and the words after it."""

    line: int
    verb: str
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        """The step as it is written."""
        return " ".join((self.verb, *self.words))


class Moment(NamedTuple):
    """The space after a step, and what the step gave back, in words."""

    step: Step
    space: SimSpace
    outcome: str


class BadScript(BadInput):
    """A step that cannot be understood or done; ``line`` is counted from 1."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"script, line {line}: {why}", hint="procmem simulate --help lists the steps")
        self.line = line


def parse_script(text: str) -> tuple[Step, ...]:
    """Read the lines of a script.

    Raises:
        BadScript: a verb that does not exist, or the wrong number of words after it.
    """
    steps = []
    for number, line in enumerate(text.splitlines(), start=1):
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


def run_script(running: Running, steps: tuple[Step, ...], *, cpus: int) -> Iterator[Moment]:
    """Do the steps one after another on a program that stands at ``main``.

    Raises:
        BadScript: a name that nothing has, or a size that is none.
    """
    player = _Player(running, cpus)
    for step in steps:
        outcome = _VERBS[step.verb].play(player, step)
        yield Moment(step, player.caller.space, outcome)


class _Block(NamedTuple):
    start: int
    length: int
    mapped: bool


class _Player:
    """What a script's program owns: named blocks, its malloc, its threads."""

    def __init__(self, running: Running, cpus: int) -> None:
        self.caller = Caller(running.space)
        self.malloc = running.malloc
        self.malloc.rebase(self.caller)
        self.arenas = ThreadArenas(self.caller, self.malloc, cpus)
        self.modules = running.modules
        self.blocks: dict[str, _Block] = {}
        self.depth = running.space.registers.esp

    def block(self, step: Step, *, mapped: bool | None = None) -> _Block:
        """Give the block a step names."""
        found = self.blocks.get(step.words[0])
        if found is None or (mapped is not None and found.mapped is not mapped):
            raise BadScript(step.line, f"no such block: {step.words[0]!r}")
        return found

    def do_malloc(self, step: Step) -> str:
        size = _size(step, 1)
        pointer = self.malloc.allocate(size)
        if pointer is None:
            return "failed: no memory left"
        self.blocks[step.words[0]] = _Block(pointer, size, False)
        return f"= {pointer:#010x}"

    def do_free(self, step: Step) -> str:
        self.malloc.free(self.block(step, mapped=False).start)
        del self.blocks[step.words[0]]
        return ""

    def do_mmap(self, step: Step) -> str:
        size = _size(step, 1)
        rights = step.words[2] if len(step.words) > 2 else "rw-"
        name = step.words[3].encode() if len(step.words) > 3 else b""
        _check_rights(step, rights)
        rule = "mmap: highest free place" if self.caller.space.layout.top_down else "mmap: lowest free place"
        result = self.caller.do(Map(size, rights, name=name, role=Role.MMAP, rule=rule))
        if result >= 0:
            self.blocks[step.words[0]] = _Block(result, page_up(size), True)
        return _result(result)

    def do_munmap(self, step: Step) -> str:
        block = self.block(step, mapped=True)
        offset, length = _part(step, 1, block)
        result = self.caller.do(Unmap(block.start + page_down(offset), length))
        if len(step.words) == 1:
            del self.blocks[step.words[0]]
        return _result(result)

    def do_mprotect(self, step: Step) -> str:
        block = self.block(step, mapped=True)
        _check_rights(step, step.words[1])
        offset, length = _part(step, 2, block)
        return _result(self.caller.do(Protect(block.start + page_down(offset), length, step.words[1])))

    def do_touch(self, step: Step) -> str:
        offset = _size(step, 1) if len(step.words) > 1 else 0
        result = self.caller.do(Touch(self.block(step).start + offset))
        return "" if result >= 0 else "SIGSEGV"

    def do_brk(self, step: Step) -> str:
        word = step.words[0]
        change = -_parsed(step, word[1:]) if word.startswith("-") else _parsed(step, word.removeprefix("+"))
        wanted = self.caller.space.brk + change
        return (
            "" if self.caller.do(SetBrk(wanted, rule="brk: asked for by the program")) == wanted else "failed (ENOMEM)"
        )

    def do_recurse(self, step: Step) -> str:
        self.depth -= _size(step, 0)
        result = self.caller.do(Touch(self.depth))
        return "" if result >= 0 else "SIGSEGV: beyond the stack limit or the guard gap"

    def do_thread(self, step: Step) -> str:
        size: int | None = None
        guard, request = DEFAULT_GUARD, 0
        for word in step.words:
            name, mark, value = word.partition("=")
            if not mark:
                size = _parsed(step, word)
            elif name == "guard":
                guard = _parsed(step, value)
            elif name == "malloc":
                request = _parsed(step, value)
            else:
                raise BadScript(step.line, f"thread knows no {name!r}")
        stack_is_code = any(vma.grows_down and "x" in vma.perms for vma in self.caller.space.vmas)
        result = create_thread(
            self.caller, self.malloc, size=size, guard=guard, modules=self.modules, executable=stack_is_code
        )
        if result >= 0 and request:
            self.arenas.first_request(request)
        return _result(result)

    def do_fork(self, step: Step) -> str:
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
    "touch": _Verb(1, 2, _Player.do_touch),
    "brk": _Verb(1, 1, _Player.do_brk),
    "recurse": _Verb(1, 1, _Player.do_recurse),
    "thread": _Verb(0, 3, _Player.do_thread),
    "fork": _Verb(0, 0, _Player.do_fork),
}


def _parsed(step: Step, word: str) -> int:
    unit = _UNITS.get(word[-1:].upper(), 1)
    digits = word[:-1] if unit > 1 else word
    try:
        value = int(digits, 0) * unit
    except ValueError:
        raise BadScript(step.line, f"not a size: {word!r}") from None
    if not 0 <= value < 1 << 32:
        raise BadScript(step.line, f"not a size of a 32-bit program: {word!r}")
    return value


def _size(step: Step, at: int) -> int:
    return _parsed(step, step.words[at])


def _part(step: Step, at: int, block: _Block) -> tuple[int, int]:
    """Offset and length of a part of a block; the whole of it where none is named."""
    if len(step.words) <= at:
        return 0, block.length
    offset = _size(step, at)
    return offset, _size(step, at + 1) if len(step.words) > at + 1 else max(block.length - offset, PAGE)


def _check_rights(step: Step, rights: str) -> None:
    if rights not in _RIGHTS:
        raise BadScript(step.line, f"not rights as maps writes them: {rights!r}")


def _result(value: int) -> str:
    if value < 0:
        return f"failed (error {-value})"
    return f"= {value:#010x}" if value else ""
