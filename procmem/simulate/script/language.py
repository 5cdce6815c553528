"""The words of a script: its lines taken apart, sizes and rights read, and the one error for what is wrong in them."""

from collections.abc import Callable, Iterable

from procmem.errors import BadScript
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.model.permissions import ALL_LETTERS, READ_WRITE
from procmem.model.script import AllocatedBlock, ScriptAction
from procmem.model.simulation import PAGE
from procmem.model.sizes import size_of_text

__all__ = [
    "OPENS",
    "AllocatedBlock",
    "BadScript",
    "Step",
    "opened_names",
    "parsed",
    "part",
    "read_action",
    "result_of",
    "size",
]


OPENS = "dlopen"
"""The step that opens a library."""
_ADDRESS_BITS = 47
"""Of a 64-bit program's addresses, without a hint."""


class Step(NamedTuple):
    """One line of a script: its number, the verb, the words after it, and of how many bits its program is."""

    line: int
    verb: str
    words: tuple[str, ...]
    bits: int = 32

    @property
    def text(self) -> str:
        """The step as it is written."""
        return " ".join((self.verb, *self.words))


def parsed(step: Step, word: str) -> int:
    """A size in bytes, with an optional K, M, G or T."""
    value = size_of_text(word, below=1 << min(step.bits, _ADDRESS_BITS))
    if value is None:
        raise BadScript(step.line, "size-too-large", word=word, bits=step.bits)
    return value


def size(step: Step, at: int) -> int:
    """The size that stands at a place."""
    return parsed(step, step.words[at])


def part(step: Step, at: int, block: AllocatedBlock) -> tuple[int, int]:
    """Offset and length of a part of a block; the whole of it where none is named."""
    if len(step.words) <= at:
        return 0, block.length
    offset = size(step, at)
    return offset, size(step, at + 1) if len(step.words) > at + 1 else max(block.length - offset, PAGE)


def read_action(step: Step) -> ScriptAction:
    """The words of a step that needs no memory to be simulated, read.

    Raises:
        BadScript: a size that is none, or no rights.
    """
    return _READERS[step.verb](step)


def _sized(step: Step) -> ScriptAction:
    return ScriptAction(step.verb, step.words[0], size(step, 1))


def _named(step: Step) -> ScriptAction:
    return ScriptAction(step.verb, step.words[0])


def _rights(step: Step, at: int) -> str:
    if len(step.words) <= at:
        return READ_WRITE
    if step.words[at] not in ALL_LETTERS:
        raise BadScript(step.line, "not-rights", rights=step.words[at])
    return step.words[at]


def _of_part(step: Step, at: int) -> ScriptAction:
    offset = size(step, at) if len(step.words) > at else None
    length = size(step, at + 1) if len(step.words) > at + 1 else None
    return ScriptAction(step.verb, step.words[0], offset=offset, length=length)


def _mmap(step: Step) -> ScriptAction:
    file = step.words[3].encode() if len(step.words) > 3 else b""
    return _sized(step)._replace(rights=_rights(step, 2), file=file)


def _brk(step: Step) -> ScriptAction:
    word = step.words[0]
    change = -parsed(step, word[1:]) if word.startswith("-") else parsed(step, word.removeprefix("+"))
    return ScriptAction(step.verb, size=change)


def _thread(step: Step) -> ScriptAction:
    action = ScriptAction(step.verb)
    for word in step.words:
        name, mark, value = word.partition("=")
        if not mark:
            action = action._replace(stack=parsed(step, word))
        elif name == "guard":
            action = action._replace(guard=parsed(step, value))
        elif name == "malloc":
            action = action._replace(size=parsed(step, value))
        else:
            raise BadScript(step.line, "unknown-thread-option", name=name)
    return action


_READERS: dict[str, Callable[[Step], ScriptAction]] = {
    **dict.fromkeys(("malloc", "realloc", "mremap", "growsdown"), _sized),
    "free": _named,
    "mmap": _mmap,
    "overmap": lambda step: _of_part(step, 1)._replace(rights=_rights(step, 3)),
    "munmap": lambda step: _of_part(step, 1),
    "mprotect": lambda step: _of_part(step, 2)._replace(rights=_rights(step, 1)),
    "touch": lambda step: _of_part(step, 1),
    "brk": _brk,
    "recurse": lambda step: ScriptAction(step.verb, size=size(step, 0)),
    "thread": _thread,
    "fork": lambda step: ScriptAction(step.verb),
    OPENS: lambda step: ScriptAction(step.verb, file=step.words[0].encode()),
}


def opened_names(steps: Iterable[Step]) -> tuple[bytes, ...]:
    """The names that a script hands to dlopen, each once, in order."""
    return tuple(dict.fromkeys(read_action(step).file for step in steps if step.verb == OPENS))


def result_of(value: int) -> Note | None:
    """What a system call gave back; None for a mere success."""
    if value < 0:
        return note("failed", error=-value)
    return note("value", value=value) if value else None
