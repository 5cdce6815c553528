"""How a page is to look: the size of the output, its characters and colours, units, and the columns chosen."""

from __future__ import annotations

from procmem.model.named_tuple import NamedTuple
from procmem.render.human import exact_bytes, human_size, kib
from procmem.text import gettext
from procmem.text.pages.output import UNITS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.render.human import SizeFormat

__all__ = ["PROSE", "Style", "size_format"]

PROSE = 80
_SIZES: dict[str | None, SizeFormat] = {None: kib, "bytes": exact_bytes, "human": human_size}


def size_format(unit: str | None) -> tuple[SizeFormat, str]:
    """The writer of sizes for --bytes, --human or neither, and the line that names the unit."""
    return _SIZES[unit], gettext(UNITS[unit]) if UNITS[unit] else ""


class Style(NamedTuple):
    """What the options and the terminal say of the output.

    ``width`` is None where lines may be of any length; ``prose`` is what sentences are folded to then. ``columns`` are
    the keys of the columns chosen, None for all that fit; ``wide`` leaves none out, however narrow the output is.
    ``tells_options`` says that whoever reads can choose columns by options, and is told of those left out.
    """

    width: int | None = None
    prose: int = PROSE
    unicode: bool = True
    color: bool = False
    unit: str | None = None
    wide: bool = False
    columns: tuple[str, ...] | None = None
    tells_options: bool = True

    @property
    def size(self) -> SizeFormat:
        """Writes a size in the unit asked for."""
        return _SIZES[self.unit]

    @property
    def dots(self) -> str:
        """What stands for text left out."""
        return "\u2026" if self.unicode else "..."
