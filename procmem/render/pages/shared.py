"""The page of ``procmem shared``: one row an object, sharers behind it."""

from collections.abc import Sequence

from procmem.model.reports.shared import SharedObject, SharedReport
from procmem.render.columns import column
from procmem.render.escaping import printable
from procmem.render.json.shared import shared_json
from procmem.render.page import Block, Column, Page, Prose, Sheet, Value
from procmem.render.process_head import pid_text
from procmem.text import listed
from procmem.text.notes import note_text
from procmem.text.pages.shared import HEADINGS, told

__all__ = ["shared_page", "shared_sheet"]

_SHARERS_SHOWN = 6
_SIZES = ("virt", "rss", "pss", "private", "shared", "copies", "swap", "once", "freed")


def shared_page(report: SharedReport, unit: str, *, all_sharers: bool) -> Page:
    """The report; ``unit`` names what its table counts in."""
    table: list[Block] = [Prose(unit)] if unit else []
    table.append(shared_sheet(report, all_sharers=all_sharers)._replace(main=True))
    alone = sum(1 for item in report.objects if not item.sharers and item.sort != "anonymous")
    if report.sharers_unknown:
        looked = told("all refused", count=report.unreadable) if report.unreadable else told("nobody looked at")
    else:
        code, nobody = ("looked, refused", "alone, refused") if report.unreadable else ("looked", "alone")
        others = told(code, count=report.looked_at, refused=report.unreadable)
        looked = listed((others, told(nobody, count=alone)), "; ")
    return Page(
        sections=[
            [Prose(f"{pid_text(report.pid)}  {printable(report.comm) or '?'}")],
            table,
            [Prose(looked), Prose(told("freed")), *_again(report)],
        ],
        table=lambda: shared_sheet(report, all_sharers=True, inapplicable=None),
        document=lambda: shared_json(report),
        notes=[note_text(note) for note in report.warnings],
    )


def _again(report: SharedReport) -> list[Block]:
    """What RES counts more than once, where it does."""
    again = sum((item.rss or 0) - item.once for item in report.objects if item.once is not None)
    return [Prose(told("again", again=again))] if again else []


def _columns() -> tuple[Column, ...]:
    """Where it is narrow, what follows from other columns goes first."""
    return (
        column(HEADINGS, "object", "path", least=24),
        column(HEADINGS, "virt", "size", rank=1),
        column(HEADINGS, "rss", "size"),
        column(HEADINGS, "pss", "size"),
        column(HEADINGS, "private", "size", rank=5),
        column(HEADINGS, "shared", "size", rank=4),
        column(HEADINGS, "own_copies", "size", rank=7),
        column(HEADINGS, "swap", "size", rank=6),
        column(HEADINGS, "once", "size", rank=9),
        column(HEADINGS, "freed_if_gone", "size", rank=3),
        column(HEADINGS, "sharers", "count"),
        column(HEADINGS, "sort", "text", rank=8),
        column(HEADINGS, "who", "text", below=True),
    )


def shared_sheet(report: SharedReport, *, all_sharers: bool, inapplicable: Value = "-") -> Sheet:
    """The objects as a table; sharers as pids, at most a few of them unless all are asked for.

    ``inapplicable`` stands where a figure makes no sense: own copies of what is no object.
    """
    rows: list[Sequence[Value]] = [
        (
            printable(item.name),
            *(_size(item, field, inapplicable) for field in _SIZES),
            None if report.sharers_unknown else len(item.sharers),
            item.sort,
            "?" if report.sharers_unknown else _who(item, all_sharers=all_sharers),
        )
        for item in report.objects
    ]
    totals = (told("total"), *(_total(report, field) for field in _SIZES), "", "", "")
    return Sheet(_columns(), rows, [totals] if rows else ())


def _size(item: SharedObject, field: str, inapplicable: Value) -> Value:
    value: int | None = getattr(item, field)
    return inapplicable if field == "copies" and item.sort == "anonymous" else value


def _total(report: SharedReport, field: str) -> int | None:
    values = [getattr(item, field) for item in report.objects if not (field == "copies" and item.sort == "anonymous")]
    return None if None in values else sum(values)


def _who(item: SharedObject, *, all_sharers: bool) -> str:
    shown = item.sharers if all_sharers else item.sharers[:_SHARERS_SHOWN]
    words = [f"{sharer.pid}({printable(sharer.comm) or '?'})" for sharer in shown]
    left = len(item.sharers) - len(shown)
    return " ".join([*words, *([told("more", count=left)] if left else [])])
