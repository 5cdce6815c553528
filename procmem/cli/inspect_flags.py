"""The flags of ``procmem inspect``: one table, for click and for the plainest command lines."""

from procmem.cli.plain import Flag

__all__ = ["FLAGS"]

FLAGS = (
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
    Flag("--bytes", "unit", "bytes", "Sizes in bytes."),
    Flag("--human", "unit", "human", "Sizes with units, such as 1.5 MiB."),
    Flag("--json", "form", "json", "Schema procmem/inspect/1; a list, for several targets."),
    Flag("--csv", "form", "csv", "The class table, or with --regions the regions, as CSV in bytes."),
    Flag("--markdown", "form", "markdown", "The same as a Markdown table."),
)
