"""The flags of commands: one table each, for click and for the plainest command lines.

Their help stands in ``procmem.text.help``, which a plain line does without.
"""

from __future__ import annotations

from procmem.render.formats import FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from procmem.render.formats import Format

__all__ = ["INSPECT_FLAGS", "REPORT_FLAGS", "SYSTEM_FLAGS", "Flag"]


class Flag:
    """An option without a value: what to write, and which argument of the command it sets to what.

    Two flags that set one argument to different values exclude each other.
    """

    __slots__ = ("argument", "value", "word")

    def __init__(self, word: str, argument: str, value: str | bool = True) -> None:
        self.word = word
        self.argument = argument
        self.value = value


UNIT_FLAGS = (Flag("--bytes", "unit", "bytes"), Flag("--human", "unit", "human"))


def format_flags(formats: Iterable[Format]) -> tuple[Flag, ...]:
    """The flag of each format."""
    return tuple(Flag(one.option, "form", one.name) for one in formats)


FORMAT_FLAGS = format_flags(FORMATS)
WIDE = Flag("--wide", "wide")
REPORT_FLAGS = (*UNIT_FLAGS, *FORMAT_FLAGS, WIDE)
"""Of every report: units, formats, and whether columns may be left out."""
UNITLESS_FLAGS = (*FORMAT_FLAGS, WIDE)
"""The same without units, for reports whose tables hold no sizes."""
INSPECT_FLAGS = (
    Flag("--regions", "regions"),
    Flag("--classic", "classic"),
    Flag("--deep", "deep"),
    Flag("--picture", "picture"),
    *REPORT_FLAGS,
)
SYSTEM_FLAGS = (
    Flag("--reverse", "reverse"),
    Flag("--quick", "quick"),
    Flag("--classes", "classes"),
    Flag("--mappings", "mappings"),
    *REPORT_FLAGS,
)
