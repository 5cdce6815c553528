"""The words of a script: its lines taken apart, sizes and rights read, and the one error for what is wrong in them."""

from typing import NamedTuple

from procmem.errors import BadInput
from procmem.model.simulation import PAGE

__all__ = ["AllocatedBlock", "BadScript", "Step", "check_rights", "parsed", "part", "result_text", "size"]

_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
_RIGHTS = {f"{r}{w}{x}" for r in "r-" for w in "w-" for x in "x-"}


class Step(NamedTuple):
    """One line of a script: its number, the verb, and the words after it."""

    line: int
    verb: str
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        """The step as it is written."""
        return " ".join((self.verb, *self.words))


class BadScript(BadInput):
    """A step that cannot be understood or done; ``line`` is counted from 1."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"script, line {line}: {why}", hint="procmem simulate --help lists the steps")
        self.line = line


class AllocatedBlock(NamedTuple):
    """Memory that a script has a name for; ``mapped`` where mmap gave it, not malloc."""

    start: int
    length: int
    mapped: bool


def parsed(step: Step, word: str) -> int:
    """A size in bytes, with an optional K, M or G."""
    unit = _UNITS.get(word[-1:].upper(), 1)
    digits = word[:-1] if unit > 1 else word
    try:
        value = int(digits, 0) * unit
    except ValueError:
        raise BadScript(step.line, f"not a size: {word!r}") from None
    if not 0 <= value < 1 << 32:
        raise BadScript(step.line, f"not a size of a 32-bit program: {word!r}")
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


def check_rights(step: Step, rights: str) -> None:
    """Refuse what are no rights."""
    if rights not in _RIGHTS:
        raise BadScript(step.line, f"not rights as maps writes them: {rights!r}")


def result_text(value: int) -> str:
    """What a system call gave back, in words."""
    if value < 0:
        return f"failed (error {-value})"
    return f"= {value:#010x}" if value else ""
