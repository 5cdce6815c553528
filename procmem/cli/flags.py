"""The flags of commands: one table each, for click and for the plainest command lines.

Help is kept as the English sentence; it is translated where click is given it.
"""

from procmem.render.formats import FORMATS

__all__ = ["INSPECT_FLAGS", "SYSTEM_FLAGS", "UNIT_FLAGS", "Flag", "format_flags", "report_flags"]


class Flag:
    """An option without a value: what to write, and which argument of the command it sets to what.

    Two flags that set one argument to different values exclude each other.
    """

    __slots__ = ("argument", "help", "value", "word")

    def __init__(self, word: str, argument: str, value: str | bool, help: str) -> None:  # noqa: A002  # as click says
        self.word = word
        self.argument = argument
        self.value = value
        self.help = help


UNIT_FLAGS = (
    Flag("--bytes", "unit", "bytes", "Sizes in bytes."),
    Flag("--human", "unit", "human", "Sizes with units, such as 1.5 MiB."),
)


def format_flags(schema: str) -> tuple[Flag, ...]:
    """The flags of the formats of a report (``form``)."""
    return tuple(Flag(one.option, "form", one.name, one.help.format(schema=schema)) for one in FORMATS)


def report_flags(schema: str) -> tuple[Flag, ...]:
    """The flags of a report: its units (``unit``), its formats (``form``), and whether nothing is left out."""
    return (*UNIT_FLAGS, *format_flags(schema), Flag("--wide", "wide", True, "Leave no column out, however long lines get."))


INSPECT_FLAGS = (
    Flag("--regions", "regions", True, "List every byte range, with its class, kind and owner."),
    Flag("--classic", "classic", True, "Fold the classes to text, data, bss, heap, mmap and stack."),
    Flag(
        "--deep",
        "deep",
        True,
        "Also read a few words of the target's memory: malloc's headers, the C library's lists of threads; only"
        " pages that are in memory, never contents. Needs permission to trace the target.",
    ),
    Flag("--picture", "picture", True, "Only the picture of the address space."),
    *report_flags("procmem/inspect/1"),
)
SYSTEM_FLAGS = (
    Flag("--reverse", "reverse", True, "The largest first."),
    Flag("--quick", "quick", True, "Read status only: many times faster, without PSS and USS."),
    Flag("--classes", "classes", True, "By class (text, heap, stack, ...) over all processes."),
    *report_flags("procmem/system/1"),
)


def table_flags(schema: str) -> tuple[Flag, ...]:
    """Until every command prints by Output."""
    return tuple(flag for flag in report_flags(schema) if flag.argument != "wide")
