"""The words of a script: its lines taken apart, sizes and rights read, and the one error for what is wrong in them."""

from procmem.errors import BadScript
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.model.permissions import ALL_LETTERS
from procmem.model.simulation import PAGE
from procmem.model.sizes import size_of_text

__all__ = ["AllocatedBlock", "BadScript", "Step", "check_rights", "parsed", "part", "result_of", "size"]


class Step(NamedTuple):
    """One line of a script: its number, the verb, and the words after it."""

    line: int
    verb: str
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        """The step as it is written."""
        return " ".join((self.verb, *self.words))


class AllocatedBlock(NamedTuple):
    """Memory that a script has a name for; ``mapped`` where mmap gave it, not malloc."""

    start: int
    length: int
    mapped: bool


def parsed(step: Step, word: str) -> int:
    """A size in bytes of a 32-bit program, with an optional K, M or G."""
    value = size_of_text(word, below=1 << 32)
    if value is None:
        raise BadScript(step.line, "size-too-large", word=word)
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
    if rights not in ALL_LETTERS:
        raise BadScript(step.line, "not-rights", rights=rights)


def result_of(value: int) -> Note | None:
    """What a system call gave back; None for a mere success."""
    if value < 0:
        return note("failed", error=-value)
    return note("value", value=value) if value else None
