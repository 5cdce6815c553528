"""The colour of each class of memory in pictures.

No two classes look alike to people who see no red, no green or no blue: a test computes how far apart they are. Where
hues come close, a pattern helps; guards and reserved address space, which hold no memory, are grey with a pattern. The
colours of a terminal are in ``render.colors``.
"""

from procmem.model.kinds import ByteClass
from procmem.model.named_tuple import NamedTuple

__all__ = ["HOLE", "PALETTE", "Paint", "paint_of", "pattern_id", "patterns"]


class Paint(NamedTuple):
    """A fill (``#rrggbb``), the colour of text upon it, and the lines of a pattern, a path in a square of 8."""

    fill: str
    ink: str
    pattern: str = ""


_DARK, _LIGHT = "#000000", "#ffffff"
_DIAGONAL = "M-2,2 l4,-4 M0,8 l8,-8 M6,10 l4,-4"
_CROSSED = f"{_DIAGONAL} M-2,6 l4,4 M0,0 l8,8 M6,-2 l4,4"
PALETTE = {
    ByteClass.TEXT: Paint("#0072b2", _LIGHT),
    ByteClass.RODATA: Paint("#8fd0f5", _DARK),
    ByteClass.DATA: Paint("#f8b300", _DARK),
    ByteClass.BSS: Paint("#f7e06a", _DARK),
    ByteClass.TLS: Paint("#8d9e24", _DARK, "M4,1 v2 M0,5 v2 M8,5 v2"),
    ByteClass.HEAP: Paint("#009e73", _DARK),
    ByteClass.STACK: Paint("#c587b9", _DARK),
    ByteClass.MMAP: Paint("#97b3aa", _DARK),
    ByteClass.SHM: Paint("#ff5507", _DARK, "M0,4 h8"),
    ByteClass.JIT: Paint("#841e69", _LIGHT, "M4,0 v8"),
    ByteClass.GUARD: Paint("#d9d9d9", _DARK, _CROSSED),
    ByteClass.RESERVED: Paint("#d9d9d9", _DARK, _DIAGONAL),
    ByteClass.KERNEL: Paint("#666666", _LIGHT),
    ByteClass.DEVICE: Paint("#2f2a7a", _LIGHT, "M0,4 h8"),
}
HOLE = "none"
"""What is not mapped has no colour."""


def paint_of(cls: ByteClass) -> str:
    """The value of ``fill``: a colour, or a pattern of the document's."""
    paint = PALETTE[cls]
    return f"url(#{pattern_id(cls)})" if paint.pattern else paint.fill


def pattern_id(cls: ByteClass) -> str:
    """The id of a class's pattern, one for the whole document."""
    return f"pattern-{cls.value}"


def patterns() -> str:
    """The definitions of all patterns, for the head of an SVG document or of a page that holds several."""
    parts = [
        f'<pattern id="{pattern_id(cls)}" width="8" height="8" patternUnits="userSpaceOnUse">'
        f'<rect width="8" height="8" fill="{paint.fill}"/>'
        f'<path d="{paint.pattern}" stroke="{paint.ink}" stroke-opacity=".45" stroke-width="1.2"/></pattern>'
        for cls, paint in PALETTE.items()
        if paint.pattern
    ]
    return f"<defs>{''.join(parts)}</defs>"
