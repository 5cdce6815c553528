"""A flame graph of growth, and the curve of RES beside it, as SVG that needs no script.

Frames lie below each other, the outermost on top, as wide as what came by them; the innermost are the memory that was
filled, in the colour of its class. Each can be reached by the keyboard and says what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from procmem.model.kinds import KINDS
from procmem.model.reports.growth import CodeGrowth
from procmem.render.growth_stacks import growth_stacks
from procmem.render.human import human_size
from procmem.render.palette import PALETTE, paint_of
from procmem.render.svg import safe
from procmem.text.pages.growth import told

__all__ = ["curve_svg", "flame_svg"]

_WIDTH = 960.0
_ROW, _LETTER = 18.0, 6.6
_DEEPEST = 48
_NARROWEST = 0.6
"""What is narrower is not drawn: nobody could point at it."""
_CURVE_WIDTH, _CURVE_HEIGHT = 720.0, 160.0
_LEFT, _TOP, _BOTTOM = 72.0, 8.0, 136.0
_STEPS = 4
_CODE_FILL = ("#e8c9a0", "#efd9b8", "#dcb98a")
"""Of code, by turns, so that neighbours differ; classes of memory have stronger colours."""
_KINDS = {f"[{kind}]": kind for kind in KINDS}


class _FlameNode:
    """A frame with those that it called, and the bytes that came by it."""

    __slots__ = ("inner", "size")

    def __init__(self) -> None:
        self.size = 0
        self.inner: dict[str, _FlameNode] = {}


def flame_svg(report: CodeGrowth) -> str:
    """The graph; empty where nothing has come."""
    root = _FlameNode()
    for row in growth_stacks([report]).rows:
        size = row.values[0] or 0
        frame = root
        frame.size += size
        for name in row.frames[:_DEEPEST] if size else ():
            frame = frame.inner.setdefault(name, _FlameNode())
            frame.size += size
    if not root.size:
        return ""
    parts = list(_drawn(root, 0.0, 0, root.size))
    rows = max(level for level, _ in parts) + 1
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {rows * _ROW:g}" class="flame" role="group"'
        f' aria-label="{safe(told("flame"))}">{"".join(markup for _, markup in parts)}</svg>'
    )


def _drawn(frame: _FlameNode, x: float, level: int, whole: int) -> Iterator[tuple[int, str]]:
    """Everything within a frame, the largest first, with the levels that it lies on."""
    for number, (name, inner) in enumerate(sorted(frame.inner.items(), key=lambda one: -one[1].size)):
        width = _WIDTH * inner.size / whole
        if width < _NARROWEST:
            return
        yield level, _rectangle(name, inner.size, x, level, width, whole, number)
        yield from _drawn(inner, x, level + 1, whole)
        x += width


def _rectangle(name: str, size: int, x: float, level: int, width: float, whole: int, number: int) -> str:
    kind = _KINDS.get(name)
    fill = _CODE_FILL[(level + number) % len(_CODE_FILL)] if kind is None else paint_of(kind.cls)
    label = told("frame", name=name, size=size, share=100 * size / whole)
    most = int((width - 6) / _LETTER)
    shown = name if kind is None else str(kind)
    shown = shown if len(shown) <= most else f"{shown[: most - 1]}\u2026"
    ink = "" if kind is None else f' style="fill:{PALETTE[kind.cls].ink}"'
    text = f'<text x="{x + 3:.1f}" y="{level * _ROW + 13:g}"{ink}>{safe(shown)}</text>' if most > 3 else ""
    return (
        f'<g tabindex="0" role="img" aria-label="{safe(label)}"><title>{safe(label)}</title>'
        f'<rect x="{x:.2f}" y="{level * _ROW:g}" width="{width:.2f}" height="{_ROW - 1:g}" fill="{fill}"/>{text}</g>'
    )


def curve_svg(report: CodeGrowth) -> str:
    """RES over the time that was watched; empty where it is known at fewer than two moments."""
    points = [(one.seconds, one.rss) for one in report.curve if one.rss is not None]
    if len(points) < 2 or points[-1][0] <= points[0][0]:
        return ""
    top = max(rss for _, rss in points) or 1
    line = " L".join(f"{_x(at, points):.1f},{_y(rss, top):.1f}" for at, rss in points)
    area = f"M{_x(points[0][0], points):.1f},{_BOTTOM:g} L{line} L{_x(points[-1][0], points):.1f},{_BOTTOM:g} Z"
    label = told("curve", before=points[0][1], after=points[-1][1], most=top)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_CURVE_WIDTH:g} {_CURVE_HEIGHT:g}" class="course"'
        f' role="img" aria-label="{safe(label)}"><title>{safe(label)}</title>{"".join(_grid(points, top))}'
        f'<path d="{area}" fill="#009e73" fill-opacity=".35"/><path d="M{line}" fill="none" stroke="#009e73"/></svg>'
    )


def _x(seconds: float, points: Sequence[tuple[float, int]]) -> float:
    first, last = points[0][0], points[-1][0]
    return _LEFT + (seconds - first) / (last - first) * (_CURVE_WIDTH - 8 - _LEFT)


def _y(size: float, top: int) -> float:
    return _BOTTOM - size / top * (_BOTTOM - _TOP)


def _grid(points: Sequence[tuple[float, int]], top: int) -> Iterator[str]:
    for step in range(_STEPS + 1):
        y = _y(top * step / _STEPS, top)
        yield f'<path class="g" d="M{_LEFT:g},{y:.1f} H{_CURVE_WIDTH - 8:g}"/>'
        size = human_size(top * step // _STEPS)
        yield f'<text class="d" x="{_LEFT - 6:g}" y="{y + 4:.1f}" text-anchor="end">{size}</text>'
    for at, anchor in ((points[0][0], "start"), (points[-1][0], "end")):
        x = _x(at, points)
        yield f'<text class="d" x="{x:.1f}" y="{_CURVE_HEIGHT - 8:g}" text-anchor="{anchor}">+{at:.1f} s</text>'
