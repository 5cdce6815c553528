"""The pages of ``procmem learn``: one lesson, and the list of all."""

from collections.abc import Sequence
from typing import Any

from procmem.render.columns import column
from procmem.render.escaping import printable_text
from procmem.render.page import READABLE, Block, Page, Prose, Sheet
from procmem.text import gettext
from procmem.text.lessons import LESSONS, Lesson
from procmem.text.pages.learn import HEADINGS, told

__all__ = ["lesson_page", "lessons_page"]

_INDENT = "  "


def lesson_page(lesson: Lesson, target: str, *, before: int = 0) -> Page:
    """One lesson; ``target`` is the process its commands look at, ``before`` how many pages stand above it."""
    number = 1 + next(at for at, one in enumerate(LESSONS) if one.row == lesson.row)
    title = told("title", number=number, count=len(LESSONS), title=gettext(lesson.title))
    sections: list[list[Block]] = [[Prose(""), Prose(title)] if before else [Prose(title)]]
    for point in lesson.points:
        words = printable_text(point.command.format(target=target))
        sections.append(
            [
                _prose(gettext(point.says)),
                Prose(told("command", command=words), _INDENT, _INDENT),
                _prose(told("look", look=gettext(point.look)), _INDENT),
            ]
        )
    sections.append([_prose(told("truth", truth=gettext(lesson.truth)))])
    sections.append([_prose(told("question", question=gettext(lesson.question)))])
    return Page(sections, lambda: _sheet([lesson], target), lambda: _document([lesson], target))


def lessons_page(lessons: Sequence[Lesson]) -> Page:
    """What lessons there are, in the order of the theory."""
    columns = (
        column(HEADINGS, "number", "count"),
        column(HEADINGS, "lesson", "text"),
        column(HEADINGS, "title", "text"),
    )
    numbers = {lesson.row: number for number, lesson in enumerate(LESSONS, start=1)}
    rows = [(numbers[lesson.row], lesson.name, gettext(lesson.title)) for lesson in lessons]
    return Page(
        [[_prose(told("list"))], [Sheet(columns, rows)], [_prose(told("how"))]],
        lambda: Sheet(columns, rows),
        lambda: _document(lessons, "self"),
    )


def _prose(text: str, indent: str = "") -> Prose:
    return Prose(text, indent, indent, measure=READABLE)


def _sheet(lessons: Sequence[Lesson], target: str) -> Sheet:
    columns = tuple(column(HEADINGS, name, "text") for name in ("lesson", "says", "command", "look"))
    return Sheet(
        columns,
        [
            (lesson.name, gettext(point.says), f"procmem {point.command.format(target=target)}", gettext(point.look))
            for lesson in lessons
            for point in lesson.points
        ],
    )


def _document(lessons: Sequence[Lesson], target: str) -> dict[str, Any]:
    return {
        "schema": "procmem/learn/1",
        "lessons": [
            {
                "name": lesson.name,
                "topic": lesson.row,
                "title": gettext(lesson.title),
                "points": [
                    {
                        "sentences": list(point.sentences),
                        "says": gettext(point.says),
                        "command": f"procmem {point.command.format(target=target)}",
                        "look": gettext(point.look),
                    }
                    for point in lesson.points
                ],
                "truth": gettext(lesson.truth),
                "question": gettext(lesson.question),
            }
            for lesson in lessons
        ],
    }
