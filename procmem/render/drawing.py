"""Drawing an address space, high addresses on top, as the theory draws it."""

from collections.abc import Sequence

from procmem.model.reports.inspection import Band
from procmem.render.width import cells
from procmem.text.pages.drawing import area, beside, unmapped

__all__ = ["centred", "draw"]

_WIDTH = 24
_UNICODE = {"corner": "┌┐", "border": "├┤", "foot": "└┘", "line": "─", "wall": "│", "up": "↑", "down": "↓"}
_ASCII = {"corner": "++", "border": "++", "foot": "++", "line": "-", "wall": "|", "up": "^", "down": "v"}
_ARROWS = "↑↓"


def draw(bands: Sequence[Band], *, bits: int | None, unicode: bool) -> str:
    """The picture as lines of text: the address of each border, a box for each band, its sizes beside it."""
    shapes = _UNICODE if unicode else _ASCII
    digits = 8 if bits == 32 else 16
    pad = " " * digits
    lines = []
    for number, band in enumerate(bands):
        left, right = tuple(shapes["border"] if number else shapes["corner"])
        lines.append(f"{_address(band.end, digits)} {left}{shapes['line'] * _WIDTH}{right}")
        wall = shapes["wall"]
        if band.name is None:
            text = "..."
            sizes = unmapped(band.end - band.start)
        else:
            arrow = f" {shapes[band.grows]}" if band.grows else ""
            text = f"{area(band.name)}{arrow}"
            sizes = beside(band.virt, band.rss) if band.virt else ""
        lines.append(f"{pad} {wall}{centred(text, _WIDTH)}{wall}  {sizes}".rstrip())
    if bands:
        left, right = tuple(shapes["foot"])
        lines.append(f"{_address(bands[-1].start, digits)} {left}{shapes['line'] * _WIDTH}{right}")
    return "\n".join(lines) + "\n"


def centred(text: str, width: int) -> str:
    """The text in the middle of so many cells; an arrow behind it is one cell wide everywhere."""
    bare = text.rstrip(_ARROWS)
    return text.center(width - (cells(bare) - len(bare)))


def _address(value: int, digits: int) -> str:
    return f"{min(value, (1 << 4 * digits) - 1):0{digits}x}"
