"""The page of ``procmem inspect``: who it is, the account from VIRT to RES, the table by class, the picture."""

from collections.abc import Iterable, Sequence
from operator import attrgetter

from procmem.model.region import Regions
from procmem.model.reports.classes import ClassRow
from procmem.model.reports.inspection import Inspection, LayoutInShort
from procmem.render.columns import column
from procmem.render.drawing import draw
from procmem.render.escaping import printable
from procmem.render.human import human_size
from procmem.render.page import Block, Facts, Page, Picture, Prose, Sheet, Value
from procmem.render.process_head import process_head
from procmem.text import listed
from procmem.text.pages.inspect import HEADINGS, told

__all__ = ["class_sheet", "inspect_page", "picture_page", "region_sheet"]

_FIELDS = ("virt", "rss", "pss", "uss", "swap")
_LABELS = 15


def inspect_page(report: Inspection, unit: str, *, listed: Sequence[int] | None, sort: str | None = None) -> Page:
    """The report; ``listed`` are the regions to list in place of the picture, ``unit`` names what tables count in."""
    sections: list[Sequence[Block]] = [process_head(report.process)]
    if report.totals.virt or report.totals.rss:
        sections.append(_account(report))
    regions = report.regions
    lists = regions is not None and listed is not None
    if report.classes:
        table = class_sheet(report, sort)._replace(main=not lists)
        sections.append([Prose(unit), table] if unit else [table])
    if regions is not None and listed is not None:
        sections.append([region_sheet(regions, listed)._replace(main=True)])
    if report.totals.swap is not None:
        sections.append([Prose(_swap(report))])
    if report.layout is not None:
        sections.append([Prose(_layout(report.layout))])
    if report.picture and listed is None:
        sections.append([_picture(report)])
    return Page(
        sections=sections,
        table=lambda: _table(report, listed, sort),
        document=lambda: _document(report, listed),
        notes=_notes(report),
    )


def _table(report: Inspection, listed: Sequence[int] | None, sort: str | None) -> Sheet:
    report.need_regions()
    return class_sheet(report, sort) if listed is None else region_sheet(report.regions, listed)


def picture_page(report: Inspection, page: Page) -> Page:
    """The page with the picture alone, where there is something to draw."""
    return page._replace(sections=[[_picture(report)]], notes=()) if report.picture else page


def _notes(report: Inspection) -> list[str]:
    if not report.warnings:
        return []
    from procmem.text.notes import note_text  # noqa: PLC0415  # most processes are read without trouble

    return [note_text(note) for note in report.warnings]


def _document(report: Inspection, listed: Sequence[int] | None) -> object:
    from procmem.render.json.inspect import inspect_json  # noqa: PLC0415  # a page for a person does without

    return inspect_json(report, listed)


def _picture(report: Inspection) -> Picture:
    return Picture(lambda unicode: draw(report.picture, bits=report.process.bits, unicode=unicode))


def class_sheet(report: Inspection, sort: str | None = None) -> Sheet:
    """The table by class, with the total, and the total without reserved address space."""
    rows: list[Sequence[Value]] = [
        (row.cls, row.virt, row.rss, row.pss, row.uss, row.swap, row.regions) for row in report.classes
    ]
    if sort in _FIELDS:
        at = 1 + _FIELDS.index(sort)
        rows.sort(key=lambda row: _number(row[at]), reverse=True)
    columns = (
        column(HEADINGS, "class", "class"),
        column(HEADINGS, "virt", "size"),
        column(HEADINGS, "rss", "size"),
        column(HEADINGS, "pss", "size", rank=1),
        column(HEADINGS, "uss", "size", rank=2),
        column(HEADINGS, "swap", "size", rank=3),
        column(HEADINGS, "regions", "count", rank=4),
    )
    return Sheet(columns, rows, _class_totals(report))


def _number(value: Value) -> int:
    """A value to sort by; what is unknown goes with zero."""
    return value if isinstance(value, int) else 0


def _class_totals(report: Inspection) -> list[Sequence[Value]]:
    kept = [row for row in report.classes if row.cls != "reserved"]
    totals: list[Sequence[Value]] = [(told("total"), *_sums(report.classes))]
    if len(kept) < len(report.classes):
        totals.append((told("total minus reserved"), *_sums(kept)))
    return totals


def _sums(rows: Iterable[ClassRow]) -> list[int | None]:
    """Of each column; None where a part is unknown."""
    columns = zip(*map(attrgetter(*_FIELDS, "regions"), rows), strict=True)
    return [None if None in values else sum(values) for values in columns] or [0] * (len(_FIELDS) + 1)


def region_sheet(regions: Regions | None, rows: Sequence[int]) -> Sheet:
    """Every chosen range, one row each; headings alone where nothing may be read."""
    columns = (
        column(HEADINGS, "start", "address"),
        column(HEADINGS, "end", "address", rank=5),
        column(HEADINGS, "perms", "text", rank=2),
        column(HEADINGS, "virt", "size"),
        column(HEADINGS, "rss", "size"),
        column(HEADINGS, "pss", "size", rank=4),
        column(HEADINGS, "uss", "size", rank=6),
        column(HEADINGS, "swap", "size", rank=3),
        column(HEADINGS, "class", "class", rank=8),
        column(HEADINGS, "kind", "text"),
        column(HEADINGS, "certainty", "text", rank=7),
        column(HEADINGS, "owner", "path", least=18),
    )
    if regions is None:
        return Sheet(columns, ())
    table = regions.mappings
    body = [
        (
            regions.start[index],
            regions.end[index],
            table.perms[regions.vma[index]],
            regions.end[index] - regions.start[index],
            regions.rss[index],
            regions.pss[index],
            regions.uss[index],
            regions.swap[index],
            regions.label[index].cls.value,
            regions.label[index].kind,
            regions.label[index].certainty.value,
            printable(regions.label[index].owner_name or table.name[regions.vma[index]]),
        )
        for index in rows
    ]
    return Sheet(columns, body)


def _account(report: Inspection) -> list[Block]:
    totals, account = report.totals, report.account
    if account is None:
        known = (("VIRT", totals.virt, "virt alone"), ("RES ", totals.rss, "rss alone"))
        rows = [(f"{name} {human_size(value):>10}", told(code)) for name, value, code in known]
        shares = (
            ("PSS ", totals.pss, "pss alone"),
            ("USS ", totals.uss, "uss alone"),
        )  # of smaps_rollup, without a table
        rows += [
            (f"{name} {human_size(value):>10}", told(code))
            for name, value, code in shares
            if value is not None and report.regions is None
        ]
        return [Facts(rows, right=True, least=_LABELS)]
    parts = (
        (account.resident, "resident"),
        (account.swapped, "swapped"),
        (account.hugetlb, "hugetlb"),
        (account.file_not_resident, "file_not_resident"),
        (account.untouched, "untouched"),
        (account.reserved, "reserved"),
    )
    rows = [(f"VIRT {human_size(totals.virt):>10}", told("virt"))]
    rows += [(human_size(value), told(code)) for value, code in parts if value]
    return [Facts(rows, right=True, least=_LABELS)]


def _swap(report: Inspection) -> str:
    totals = report.totals
    if not totals.swap:
        return told("no swap")
    if totals.swap_pss is None:
        return told("swap", swap=totals.swap)
    return told("swap, share", swap=totals.swap, share=totals.swap_pss)


def _layout(layout: LayoutInShort) -> str:
    if not layout.broken:
        return told("layout", count=layout.held)
    from procmem.text.laws import law_name  # noqa: PLC0415  # seldom

    return told("layout, broken", count=layout.held, broken=listed(map(law_name, layout.broken)))
