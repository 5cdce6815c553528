"""Memory over time: classes stacked upon each other, and what a page needs to tell what grew between two looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from procmem.model.kinds import ByteClass
from procmem.model.reports.report import Course, CourseRow
from procmem.render.escaping import printable_text
from procmem.render.human import duration, human_size
from procmem.render.palette import paint_of
from procmem.render.svg import safe
from procmem.text.kind_names import purpose

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["CHART", "GROWTH_MAX", "course_columns", "course_svg", "growth_rows", "row_name"]

CHART = {"left": 72.0, "right": 716.0, "top": 8.0, "bottom": 226.0}
"""Where the areas lie in the picture; the script that marks a range needs it too."""
_WIDTH, _HEIGHT = 720, 252
_STEPS = 4
_TIMES = 5
_LEAST = 16 * 1024
GROWTH_MAX = 12
"""Classes, and rows by kind and owner, that are told of a range."""


def row_name(row: CourseRow) -> str:
    """What a row is about."""
    return row.cls or ("?" if row.consumer is None else printable_text(purpose(row.consumer)))


def course_svg(course: Course, title: str) -> str:
    """The classes over time, the first of the table of classes below."""
    known = [at for at in range(len(course.times)) if all(row.sizes[at] is not None for row in course.classes)]
    sums = {at: sum(row.sizes[at] or 0 for row in course.classes) for at in known}
    top = _ceiling(max(sums.values(), default=0))
    parts = [*_grid(top), *_moments(course)]
    base = dict.fromkeys(known, 0)
    for row in course.classes:
        above = {at: base[at] + (row.sizes[at] or 0) for at in known}
        outline = "".join(_outline(course, run, base, above, top) for run in _runs(known))
        if outline:
            fill = paint_of(ByteClass(row.cls or ""))
            parts.append(f'<path d="{outline}" class="b" fill="{fill}"><title>{safe(row_name(row))}</title></path>')
        base = above
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" class="course" role="img"'
        f' aria-label="{safe(title)}">{"".join(parts)}</svg>'
    )


def _ceiling(most: int) -> int:
    """The top of the axis: a power of two, or one and a half."""
    top = _LEAST
    while top < most:
        if top * 3 // 2 >= most:
            return top * 3 // 2
        top *= 2
    return top


def _x(course: Course, at: int) -> float:
    first, last = course.times[0], course.times[-1]
    part = (course.times[at] - first) / (last - first) if last > first else 0.0
    return CHART["left"] + part * (CHART["right"] - CHART["left"])


def _y(size: float, top: int) -> float:
    return CHART["bottom"] - size / top * (CHART["bottom"] - CHART["top"])


def _runs(known: Sequence[int]) -> Iterator[list[int]]:
    """Looks that follow upon each other: an area ends where something is unknown."""
    for _, run in groupby(enumerate(known), key=lambda pair: pair[1] - pair[0]):
        yield [at for _, at in run]


def _outline(course: Course, run: Sequence[int], base: dict[int, int], above: dict[int, int], top: int) -> str:
    if all(above[at] == base[at] for at in run):
        return ""
    there = [f"{_x(course, at):.1f},{_y(above[at], top):.1f}" for at in run]
    back = [f"{_x(course, at):.1f},{_y(base[at], top):.1f}" for at in reversed(run)]
    return f"M{' L'.join([*there, *back])} Z"


def _grid(top: int) -> Iterator[str]:
    for step in range(_STEPS + 1):
        y = _y(top * step / _STEPS, top)
        yield f'<path class="g" d="M{CHART["left"]:g},{y:.1f} H{CHART["right"]:g}"/>'
        label = human_size(top * step // _STEPS)
        yield f'<text class="d" x="{CHART["left"] - 6:g}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'


def _moments(course: Course) -> Iterator[str]:
    """Some moments below the areas, as time since the first look."""
    span = course.times[-1] - course.times[0] if course.times else 0.0
    for step in range(_TIMES):
        x = CHART["left"] + (CHART["right"] - CHART["left"]) * step / (_TIMES - 1)
        anchor = "start" if not step else "end" if step == _TIMES - 1 else "middle"
        label = f"+{duration(span * step / (_TIMES - 1))}"
        yield f'<text class="d" x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="{anchor}">{safe(label)}</text>'


def growth_rows(course: Course) -> list[tuple[str, str | None, int | None, int | None, int | None]]:
    """Name, class, first and last size and rate of the rows that changed most over the whole course.

    Classes are first, then what changed by kind and owner.
    """
    answer = []
    for rows in (course.classes, course.consumers):
        found = [(row_name(row), row.cls, row.sizes[0], row.sizes[-1], row.per_minute) for row in rows]
        found = [one for one in found if one[1] is not None or one[2] != one[3]]
        found.sort(key=lambda one: abs((one[3] or 0) - (one[2] or 0)), reverse=True)
        answer += found[:GROWTH_MAX]
    return answer


def course_columns(course: Course) -> dict[str, Any]:
    """The figures of all looks, for the script of the page; times are seconds since the first look."""
    first = course.times[0] if course.times else 0.0
    return {
        "times": [round(when - first, 3) for when in course.times],
        "rows": [
            {"name": row_name(row), "class": row.cls, "sizes": list(row.sizes)}
            for row in (*course.classes, *course.consumers)
        ],
    }
