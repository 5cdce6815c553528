"""The page of ``procmem system``: one table, totals, and what must be known to read them."""

from collections.abc import Sequence

from procmem.model.note import Note
from procmem.model.reports.classes import ClassRow
from procmem.model.reports.system import CgroupFigures, Family, ProcessRow, SystemReport
from procmem.model.unknown import exact_sum
from procmem.render.columns import column
from procmem.render.escaping import printable
from procmem.render.human import human_size
from procmem.render.page import Block, Facts, Page, Prose, Sheet, Value
from procmem.text.pages.system import HEADINGS, told
from procmem.text.system import charge_text

__all__ = ["classes_page", "machine_classes_sheet", "system_page", "system_sheet"]

_Tree = Sequence[tuple[int, ProcessRow, int | None]]
_INDENT = 2
_FAMILY_LABELS = 23
_PART_LABELS = 10


def system_page(report: SystemReport, unit: str, tree: _Tree | None = None) -> Page:
    """The report; with ``tree``, children stand below their parents."""
    sheet = system_sheet(report, tree)
    sections: list[Sequence[Block]] = [_with_unit(unit, sheet._replace(main=True))]
    if report.families:
        sections.append([block for family in report.families for block in _family(family)])
    if report.cgroups:
        parts = [block for group in report.cgroups for block in _cgroup_parts(group)]
        sections.append([_cgroup_sheet(report.cgroups), *parts])
    notes = _notes(report)
    sections.append([Prose(text) for text in notes])

    def document() -> object:
        from procmem.render.json.system import system_json  # noqa: PLC0415  # a page for a person does without

        return system_json(report)

    return Page(sections, lambda: sheet, document, notes=_told(report.warnings), remarks=notes)


def _told(notes: Sequence[Note]) -> list[str]:
    if not notes:
        return []
    from procmem.text.notes import note_text  # noqa: PLC0415  # seldom: of recordings and texts

    return [note_text(one) for one in notes]


def _with_unit(unit: str, sheet: Sheet) -> list[Block]:
    return [Prose(unit), sheet] if unit else [sheet]


def system_sheet(report: SystemReport, tree: _Tree | None = None) -> Sheet:
    """Processes, or groups of them; with ``tree``, children below their parents."""
    sums = (report.totals.swap_pss, report.totals.uss, report.totals.pss)
    if report.groups:
        columns = (
            column(HEADINGS, "processes", "count"),
            column(HEADINGS, "swap", "size", rank=2),
            column(HEADINGS, "uss", "size", rank=1),
            column(HEADINGS, "pss", "size"),
            column(HEADINGS, "group", "text"),
        )
        groups = [(group.processes, group.swap, group.uss, group.pss, printable(group.key)) for group in report.groups]
        total = (report.processes, *sums, told("once"))
        return Sheet(columns, groups, [total], ruled=True)
    below = () if tree is None else (column(HEADINGS, "pss_of_all_below", "size"),)
    columns = (
        column(HEADINGS, "pid", "count"),
        column(HEADINGS, "user", "text", rank=4, least=8),
        column(HEADINGS, "swap", "size", rank=3),
        column(HEADINGS, "uss", "size", rank=1),
        column(HEADINGS, "pss", "size"),
        column(HEADINGS, "rss", "size", rank=2),
        column(HEADINGS, "virt", "size", rank=5),
        *below,
        column(HEADINGS, "name", "text"),
    )
    rows: list[Sequence[Value]]
    if tree is not None:
        rows = [(*_cells(row), whole, "  " * depth + printable(row.name)) for depth, row, whole in tree]
    else:
        rows = [(*_cells(row), printable(row.name)) for row in report.rows]
    totals: list[Sequence[Value]] = []
    if report.processes > 1:
        blank = [""] if tree is not None else []
        totals.append((report.processes, "", *sums, "", "", *blank, told("all, once")))
    return Sheet(columns, rows, totals)


def _cells(row: ProcessRow) -> Sequence[Value]:
    return (row.pid, row.user, row.swap, row.uss, row.pss, row.rss, row.virt)


def _family(family: Family) -> list[Block]:
    own = told("own", mean=family.own_mean, least=family.own_least, most=family.own_most)
    head = told("family", name=printable(family.name), parent=family.parent, count=family.workers)
    rows = [
        (told("costs"), own),
        (told("shared"), told("by all", shared=family.shared, all=family.workers + 1)),
        (told("adding"), human_size(family.rss_sum)),
    ]
    return [Prose(head), Facts(rows, indent=_INDENT, least=_FAMILY_LABELS)]


def _cgroup_sheet(cgroups: Sequence[CgroupFigures]) -> Sheet:
    columns = (
        column(HEADINGS, "processes", "count", rank=3),
        column(HEADINGS, "pss", "size"),
        column(HEADINGS, "current", "size"),
        column(HEADINGS, "max", "size", rank=1),
        column(HEADINGS, "swap", "size", rank=2),
        column(HEADINGS, "cgroup", "path", least=24),
    )
    rows = [
        (
            group.processes,
            group.pss,
            group.current,
            told("none") if group.limit is None else group.limit,
            group.swap_current,
            printable(group.path),
        )
        for group in cgroups
    ]
    return Sheet(columns, rows, ruled=True)


def _cgroup_parts(group: CgroupFigures) -> list[Block]:
    if not group.parts or group.current is None:
        return []
    head = told("charged", path=printable(group.path), current=group.current, version=group.version)
    rows = [
        (human_size(group.pss), told("of processes")),
        *((human_size(part), charge_text(name)) for name, part in group.parts),
    ]
    return [Prose(head), Facts(rows, indent=_INDENT, right=True, least=_PART_LABELS)]


def _notes(report: SystemReport) -> list[str]:
    notes = []
    if report.unreadable:
        notes.append(told("unreadable" if report.live else "unknown sizes", count=report.unreadable))
    if report.same_memory:
        notes.append(told("same memory", count=report.same_memory))
    if report.without_memory:
        notes.append(told("without memory", count=report.without_memory))
    return notes


def classes_page(
    classes: Sequence[ClassRow], unit: str, *, processes: int, unreadable: int, warnings: Sequence[Note] = ()
) -> Page:
    """Classes over all processes."""
    sheet = machine_classes_sheet(classes)
    note = told("classes, refused" if unreadable else "classes", count=processes, refused=unreadable)

    def document() -> object:
        from procmem.render.json.system import classes_json  # noqa: PLC0415  # a page for a person does without

        return classes_json(classes, processes=processes, unreadable=unreadable)

    section = [*_with_unit(unit, sheet._replace(main=True)), Prose(note)]
    remarks = [note] if unreadable else ()
    return Page([section], lambda: sheet, document, notes=_told(warnings), remarks=remarks)


def machine_classes_sheet(rows: Sequence[ClassRow]) -> Sheet:
    """Classes over all processes; only PSS, USS may be added up, and RSS, VIRT count shared pages again and again."""
    columns = (
        column(HEADINGS, "class", "class"),
        column(HEADINGS, "virt", "size", rank=4),
        column(HEADINGS, "rss", "size", rank=2),
        column(HEADINGS, "pss", "size"),
        column(HEADINGS, "uss", "size", rank=1),
        column(HEADINGS, "swap", "size", rank=3),
        column(HEADINGS, "regions", "count", rank=5),
    )
    totals = ["", "", *(exact_sum(getattr(row, key) for row in rows) for key in ("pss", "uss", "swap"))]
    body = [(row.cls, row.virt, row.rss, row.pss, row.uss, row.swap, row.regions) for row in rows]
    total = (told("total"), *totals, sum(row.regions for row in rows))
    return Sheet(columns, body, [total] if rows else (), ruled=True)
