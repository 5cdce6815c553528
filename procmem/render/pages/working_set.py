"""The page of ``procmem working-set``: what was touched of RES, by purpose, by class, and region by region."""

from collections.abc import Sequence

from procmem.model.reports.working_set import WorkingSet, untouched
from procmem.model.unknown import exact_sum
from procmem.render.columns import column
from procmem.render.escaping import printable, printable_text
from procmem.render.human import human_size
from procmem.render.json.working_set import working_set_json
from procmem.render.page import Block, Facts, Page, Prose, Sheet, Value
from procmem.render.process_head import process_head
from procmem.text.kind_names import purpose
from procmem.text.notes import note_text
from procmem.text.pages.working_set import HEADINGS, told

__all__ = ["working_set_page"]

_CONSUMERS_MAX = 10
_LABELS = 10


def working_set_page(report: WorkingSet, unit: str, *, listed: Sequence[int] | None) -> Page:
    """The report; ``listed`` are the regions to list, ``unit`` names what tables count in."""
    table = _class_sheet(report) if listed is None else _region_sheet(report, listed)
    tables: list[Sequence[Block]] = [[table._replace(main=True)]]
    if listed is None and report.consumers:
        tables.insert(0, [_consumer_sheet(report)])
    if unit:
        tables[0] = [Prose(unit), *tables[0]]
    return Page(
        sections=[process_head(report.process), [_facts(report)], *tables, _remarks(report)],
        table=lambda: table,
        document=lambda: working_set_json(report, listed),
        notes=[note_text(note) for note in report.warnings],
    )


def _facts(report: WorkingSet) -> Facts:
    rest = untouched(report.rss, report.touched)
    return Facts(
        [
            (human_size(report.rss), told("rss", seconds=report.seconds)),
            (human_size(report.touched), told("touched", share=_percent(report.touched, report.rss))),
            (human_size(rest), told("untouched", share=_percent(rest, report.rss))),
        ],
        right=True,
        least=_LABELS,
    )


def _remarks(report: WorkingSet) -> list[Block]:
    """What the figures do not say by themselves."""
    remarks = [told("cost", clearing=1000 * report.clearing, reading=1000 * report.reading)]
    if report.huge:
        remarks.insert(0, told("huge", size=report.huge))
    return [Prose(text) for text in remarks]


def _share(part: int | None, whole: int | None) -> float | None:
    return None if part is None or whole is None else part / whole if whole else 0.0


def _percent(part: int | None, whole: int | None) -> str:
    share = _share(part, whole)
    return "?" if share is None else f"{100 * share:.0f}"


def _sizes(rss: int | None, touched: int | None) -> tuple[int | None, int | None, int | None]:
    return rss, touched, untouched(rss, touched)


def _consumer_sheet(report: WorkingSet) -> Sheet:
    """The largest of what fills RES, and the rest in one row."""
    columns = (
        column(HEADINGS, "rss", "size"),
        column(HEADINGS, "touched", "size"),
        column(HEADINGS, "untouched", "size"),
        column(HEADINGS, "share", "share", rank=1),
        column(HEADINGS, "purpose", "path", least=24),
    )
    resident = [row for row in report.consumers if row.rss]
    shown, rest = resident[:_CONSUMERS_MAX], resident[_CONSUMERS_MAX:]
    rows = [_of_purpose(row.rss, row.touched, printable_text(purpose(row))) for row in shown]
    if rest:
        rss, touched = exact_sum(row.rss for row in rest), exact_sum(row.touched for row in rest)
        rows.append(_of_purpose(rss, touched, told("others", count=len(rest))))
    return Sheet(columns, rows)


def _of_purpose(rss: int | None, touched: int | None, what: str) -> tuple[Value, ...]:
    return (*_sizes(rss, touched), _share(touched, rss), what)


def _class_sheet(report: WorkingSet) -> Sheet:
    columns = (
        column(HEADINGS, "class", "class"),
        column(HEADINGS, "rss", "size"),
        column(HEADINGS, "touched", "size"),
        column(HEADINGS, "untouched", "size"),
    )
    rows = [(row.cls, *_sizes(row.rss, row.touched)) for row in report.classes]
    return Sheet(columns, rows, [(told("total"), *_sizes(report.rss, report.touched))])


def _region_sheet(report: WorkingSet, listed: Sequence[int]) -> Sheet:
    """Every chosen range, one row each."""
    columns = (
        column(HEADINGS, "start", "address"),
        column(HEADINGS, "end", "address", rank=3),
        column(HEADINGS, "perms", "text", rank=2),
        column(HEADINGS, "rss", "size"),
        column(HEADINGS, "touched", "size"),
        column(HEADINGS, "untouched", "size"),
        column(HEADINGS, "class", "class", rank=4),
        column(HEADINGS, "kind", "text", rank=1),
        column(HEADINGS, "owner", "path", least=18),
    )
    regions, table = report.regions, report.regions.mappings
    rows = [
        (
            regions.start[index],
            regions.end[index],
            table.perms[regions.vma[index]],
            *_sizes(regions.rss[index], report.of_regions[index]),
            regions.label[index].cls.value,
            regions.label[index].kind,
            printable(regions.label[index].owner_name or table.name[regions.vma[index]]),
        )
        for index in listed
    ]
    return Sheet(columns, rows)
