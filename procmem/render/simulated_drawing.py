"""The simulated space as a picture: the same drawing as of a real process, and two to scale.

The bands are those of the theory, high addresses on top: kernel space, stack, mapping area, heap, BSS,
data, text, the unmapped page zero. The plain drawing gives each band one line. To scale, a line is a
fixed number of bytes, which shows how empty the space is; in logarithmic scale each doubling counts the
same, which shows everything that is there.
"""

from collections.abc import Iterator, Sequence

from procmem.model.reports.inspection import Band
from procmem.model.simulation import AreaRole, SimSpace, SimVma
from procmem.model.vma_names import KernelName, kernel_label
from procmem.render.drawing import centred, draw
from procmem.render.human import human_size
from procmem.render.picture_layout import PLAIN, line_count
from procmem.text.pages.drawing import area

__all__ = ["bands", "picture"]

_SPACE = 1 << 32
_WIDTH = 24
_OWN = {AreaRole.TEXT: "text", AreaRole.RODATA: "text", AreaRole.DATA: "data", AreaRole.BSS: "bss"}
_GROWS = {"stack": "down", "heap": "up"}
_UNICODE = ("┌┐", "├┤", "└┘", "─", "│")
_ASCII = ("++", "++", "++", "-", "|")


def bands(space: SimSpace, vmas: Sequence[SimVma], program: bytes) -> tuple[Band, ...]:
    """The bands from the highest address to the lowest."""
    found: list[Band] = []
    own = False
    for vma in vmas:
        # memory without a name belongs to the program where it follows the program's own data
        # (older kernels print [heap] on a BSS that ends where the heap begins)
        own = vma.name == program or (
            own and vma.name in (b"", kernel_label(KernelName.HEAP)) and vma.role is AreaRole.BSS
        )
        name = _band_name(vma, own=own)
        last = found[-1] if found else None
        if last is not None and last.name == name:
            found[-1] = last._replace(end=vma.end, virt=last.virt + vma.size)
        else:
            found.append(Band(vma.start, vma.end, name, vma.size, None, _GROWS.get(name)))
    top = space.layout.task_size
    found.append(Band(top, _SPACE, "kernel space" if top == 0xC000_0000 else "not for programs", 0, None, None))
    return tuple(reversed(list(_with_holes(found))))


def _band_name(vma: SimVma, *, own: bool) -> str:
    if vma.grows_down:
        return "stack"
    if vma.name == kernel_label(KernelName.HEAP) and vma.role is not AreaRole.BSS:
        return "heap"
    return _OWN.get(vma.role, "mapping area") if own else "mapping area"


def _with_holes(found: Sequence[Band]) -> Iterator[Band]:
    at = 0
    for band in found:
        if band.start > at:
            yield Band(at, band.start, None, 0, None, None)
        yield band
        at = max(at, band.end)


def picture(shown: Sequence[Band], *, scale: str, unicode: bool) -> str:
    """Draw the bands, each on one line or to scale."""
    return draw(shown, bits=32, unicode=unicode) if scale == PLAIN else _tall(shown, scale, unicode=unicode)


def _tall(shown: Sequence[Band], scale: str, *, unicode: bool) -> str:
    corner, border, foot, dash, wall = _UNICODE if unicode else _ASCII
    lines = []
    for number, band in enumerate(shown):
        ends = border if number else corner
        lines.append(f"{min(band.end, _SPACE - 1):08x} {ends[0]}{dash * _WIDTH}{ends[1]}")
        count = line_count(band.end - band.start, scale)
        for row in range(count):
            text = (area(band.name) if band.name else "...") if row == count // 2 else ""
            beside = f"  {human_size(band.end - band.start)}" if row == count // 2 else ""
            lines.append(f"{'':8} {wall}{centred(text, _WIDTH)}{wall}{beside}")
    if shown:
        lines.append(f"{shown[-1].start:08x} {foot[0]}{dash * _WIDTH}{foot[1]}")
    return "\n".join(lines) + "\n"
