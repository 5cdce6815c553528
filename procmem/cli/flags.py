"""The flags of commands: one table each, for click and for the plainest command lines."""

__all__ = ["INSPECT_FLAGS", "SYSTEM_FLAGS", "Flag", "table_flags"]


class Flag:
    """An option without a value: what to write, and which argument of the command it sets to what."""

    __slots__ = ("argument", "help", "value", "word")

    def __init__(self, word: str, argument: str, value: str | bool, help: str) -> None:  # noqa: A002  # as click says
        self.word = word
        self.argument = argument
        self.value = value
        self.help = help


_UNIT_FLAGS = (
    Flag("--bytes", "unit", "bytes", "Sizes in bytes."),
    Flag("--human", "unit", "human", "Sizes with units, such as 1.5 MiB."),
)

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
    *_UNIT_FLAGS,
    Flag("--json", "form", "json", "Schema procmem/inspect/1; a list, for several targets."),
    Flag("--csv", "form", "csv", "The class table, or with --regions the regions, as CSV in bytes."),
    Flag("--markdown", "form", "markdown", "The same as a Markdown table."),
)


def table_flags(schema: str) -> tuple[Flag, ...]:
    """The flags of a report that is one table: its units (``unit``) and its formats (``form``)."""
    return (
        *_UNIT_FLAGS,
        Flag("--json", "form", "json", f"Schema {schema}; a list, for several targets."),
        Flag("--csv", "form", "csv", "The table as CSV, in bytes."),
        Flag("--markdown", "form", "markdown", "The table in Markdown."),
    )


SYSTEM_FLAGS = (
    Flag("--reverse", "reverse", True, "The largest first."),
    Flag("--quick", "quick", True, "Read status only: many times faster, without PSS and USS."),
    Flag("--classes", "classes", True, "By class (text, heap, stack, ...) over all processes."),
    *table_flags("procmem/system/1"),
)
