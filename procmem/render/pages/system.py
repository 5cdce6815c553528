"""The page of ``procmem system``: one table, totals, and what must be known to read them."""

from __future__ import annotations

from procmem.model.cgroup_name import CgroupName
from procmem.model.note import Note
from procmem.model.reports.classes import ClassRow
from procmem.model.reports.system import CgroupFigures, Changed, Changes, Family, MappingRow, ProcessRow, SystemReport
from procmem.model.unknown import exact_sum
from procmem.render.columns import column
from procmem.render.escaping import printable
from procmem.render.human import human_size, short_duration
from procmem.render.page import Block, Column, Facts, Page, Prose, Sheet, Value
from procmem.text.cgroups import group_text
from procmem.text.pages.system import HEADINGS, told
from procmem.text.system import charge_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    _Tree = Sequence[tuple[int, ProcessRow, int | None]]

__all__ = ["classes_page", "machine_classes_sheet", "mappings_page", "mappings_sheet", "system_page", "system_sheet"]

_INDENT = 2
_FAMILY_LABELS = 23
_PART_LABELS = 10
_NAMED_MAX = 5
"""Of rows that came or went."""


def system_page(report: SystemReport, unit: str, tree: _Tree | None = None, changes: Changes | None = None) -> Page:
    """The report; with ``tree``, children stand below their parents."""
    sheet = system_sheet(report, tree, changes)
    sections: list[Sequence[Block]] = [*_looked(changes), _with_unit(unit, sheet._replace(main=True))]
    if report.families:
        sections.append([block for family in report.families for block in _family(family)])
    if report.cgroups:
        parts = [block for group in report.cgroups for block in _cgroup_parts(group)]
        sections.append([_cgroup_sheet(report.cgroups), *parts])
    notes = _notes(report)
    sections.append([Prose(text) for text in notes])

    def document() -> object:
        from procmem.render.json.system import system_json  # noqa: PLC0415  # a page for a person does without

        return _of_look(system_json(report), changes)

    return Page(sections, lambda: _dated(sheet, changes), document, notes=_told(report.warnings), remarks=notes)


def _dated(sheet: Sheet, changes: Changes | None) -> Sheet:
    """The table with the time of the look before each row, where there are several looks."""
    if changes is None:
        return sheet
    at = f"{changes.at:.3f}"
    return sheet._replace(
        columns=(column(HEADINGS, "at_seconds", "figure"), *sheet.columns),
        rows=[(at, *row) for row in sheet.rows],
        totals=[("", *row) for row in sheet.totals],
    )


def _looked(changes: Changes | None) -> list[Sequence[Block]]:
    """When the look was, and what came and went since the one before."""
    if changes is None:
        return []
    if not changes.at:
        return [[Prose(told("first look"))]]
    lines = [told("looked", time=short_duration(changes.at), share=changes.reading)]
    if changes.came:
        more = len(changes.came) - _NAMED_MAX
        names = _names(changes.came)
        lines.append(told("came", names=names) if more <= 0 else told("came, more", names=names, count=more))
    if changes.went:
        more = len(changes.went) - _NAMED_MAX
        names = _names(changes.went)
        lines.append(told("went", names=names) if more <= 0 else told("went, more", names=names, count=more))
    return [[Prose(line) for line in lines]]


def _names(rows: Sequence[Changed]) -> tuple[str, ...]:
    return tuple(f"{'' if row.pid is None else f'{row.pid} '}{printable(row.name)}" for row in rows[:_NAMED_MAX])


def _of_look(answer: object, changes: Changes | None) -> object:
    """The document; of one look of several, with what has changed."""
    if changes is None:
        return answer
    from procmem.render.json.system import look_json  # noqa: PLC0415  # only with --watch

    return look_json(changes, answer)


def _with_change(sheet: Sheet, changes: Changes | None, keys: Sequence[int | bytes | None], after: str) -> Sheet:
    """The sheet with what has changed since the look before, behind the column of the figure that is followed."""
    if changes is None:
        return sheet
    at = [one.key for one in sheet.columns].index(after) + 1
    of: dict[int | bytes | None, int | None]
    of = {row.name if row.pid is None else row.pid: row.change for row in changes.rows}
    total = "" if changes.total is None else changes.total

    def wider(row: Sequence[Value], value: Value) -> Sequence[Value]:
        return (*row[:at], value, *row[at:])

    return sheet._replace(
        columns=(*sheet.columns[:at], column(HEADINGS, "change", "change"), *sheet.columns[at:]),
        rows=[wider(row, of.get(key)) for row, key in zip(sheet.rows, keys, strict=True)],
        totals=[wider(row, total) for row in sheet.totals],
    )


def _told(notes: Sequence[Note]) -> list[str]:
    if not notes:
        return []
    from procmem.text.notes import note_text  # noqa: PLC0415  # seldom: of recordings and texts

    return [note_text(one) for one in notes]


def _with_unit(unit: str, sheet: Sheet) -> list[Block]:
    return [Prose(unit), sheet] if unit else [sheet]


def system_sheet(report: SystemReport, tree: _Tree | None = None, changes: Changes | None = None) -> Sheet:
    """Processes, or groups of them; with ``tree``, children below their parents."""
    sums = (report.totals.swap_pss, report.totals.uss, report.totals.pss)
    if report.groups:
        are_named = any(group.about is not None for group in report.groups)
        what = (column(HEADINGS, "what", "text", rank=4, least=20),) if are_named else ()
        columns: tuple[Column, ...] = (
            column(HEADINGS, "processes", "count"),
            column(HEADINGS, "swap", "size", rank=2),
            column(HEADINGS, "uss", "size", rank=1),
            column(HEADINGS, "pss", "size"),
            *what,
            column(HEADINGS, "group", "text"),
        )
        groups: list[Sequence[Value]] = [
            (
                *(group.processes, group.swap, group.uss, group.pss),
                *((_what(group.about),) if are_named else ()),
                printable(group.key),
            )
            for group in report.groups
        ]
        total = (report.processes, *sums, *(("",) if are_named else ()), told("once"))
        return _with_change(
            Sheet(columns, groups, [total], ruled=True), changes, [group.key for group in report.groups], "pss"
        )
    has_commands = any(row.command is not None for row in report.rows)
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
        *((column(HEADINGS, "command", "command", rank=6, least=12),) if has_commands else ()),
    )
    rows: list[Sequence[Value]]
    if tree is not None:
        rows = [(*_cells(row), whole, "  " * depth + printable(row.name)) for depth, row, whole in tree]
    else:
        rows = [(*_cells(row), printable(row.name)) for row in report.rows]
    if has_commands:
        whose = report.rows if tree is None else [row for _, row, _ in tree]
        rows = [
            (*cells, None if row.command is None else printable(row.command))
            for cells, row in zip(rows, whose, strict=True)
        ]
    totals: list[Sequence[Value]] = []
    if report.processes > 1:
        blank = [""] if tree is not None else []
        end = ("",) if has_commands else ()
        totals.append((report.processes, "", *sums, "", "", *blank, told("all, once"), *end))
    shown = [row for _, row, _ in tree] if tree is not None else report.rows
    followed = "pss" if changes is None else changes.field
    keys = [row.pid if row.pid is not None else row.name or b"?" for row in shown]
    return _with_change(Sheet(columns, rows, totals), changes, keys, followed)


def _what(about: CgroupName | None) -> str:
    return "" if about is None else group_text(about)


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
    if group.about is not None:
        head = told("charged, named", what=group_text(group.about), told=head)
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


def _machine_page(
    sheet: Sheet,
    unit: str,
    note: str,
    document: Callable[[], object],
    changes: Changes | None,
    warnings: Sequence[Note],
    *,
    is_part: bool,
) -> Page:
    """A table over all processes with the line below it, which is a remark where ``is_part`` of them is missing."""
    section = [*_with_unit(unit, sheet._replace(main=True)), Prose(note)]
    return Page(
        [*_looked(changes), section],
        lambda: _dated(sheet, changes),
        document,
        notes=_told(warnings),
        remarks=[note] if is_part else (),
    )


def classes_page(
    classes: Sequence[ClassRow],
    unit: str,
    *,
    processes: int,
    unreadable: int,
    warnings: Sequence[Note] = (),
    changes: Changes | None = None,
) -> Page:
    """Classes over all processes."""
    sheet = _with_change(machine_classes_sheet(classes), changes, [row.cls.encode() for row in classes], "pss")
    note = told("classes, refused" if unreadable else "classes", count=processes, refused=unreadable)

    def document() -> object:
        from procmem.render.json.system import classes_json  # noqa: PLC0415  # a page for a person does without

        return _of_look(classes_json(classes, processes=processes, unreadable=unreadable), changes)

    return _machine_page(sheet, unit, note, document, changes, warnings, is_part=unreadable > 0)


def mappings_page(
    rows: Sequence[MappingRow],
    totals: MappingRow,
    unit: str,
    *,
    names: int,
    processes: int,
    unreadable: int,
    warnings: Sequence[Note] = (),
    changes: Changes | None = None,
) -> Page:
    """Mapped files and objects over all processes; ``totals`` are over all ``names``."""
    followed = "pss" if changes is None else changes.field
    sheet = _with_change(mappings_sheet(rows, totals), changes, [row.name for row in rows], followed)
    note = told("mappings, refused" if unreadable else "mappings", names=names, count=processes, refused=unreadable)

    def document() -> object:
        from procmem.render.json.system import mappings_json  # noqa: PLC0415  # a page for a person does without

        found = mappings_json(rows, totals, names=names, processes=processes, unreadable=unreadable)
        return _of_look(found, changes)

    return _machine_page(sheet, unit, note, document, changes, warnings, is_part=unreadable > 0)


def mappings_sheet(rows: Sequence[MappingRow], totals: MappingRow) -> Sheet:
    """Mapped files and objects, in the order of columns that processes have."""
    columns = (
        column(HEADINGS, "processes", "count"),
        column(HEADINGS, "mappings", "count", rank=5),
        column(HEADINGS, "swap", "size", rank=3),
        column(HEADINGS, "uss", "size", rank=1),
        column(HEADINGS, "pss", "size"),
        column(HEADINGS, "rss", "size", rank=2),
        column(HEADINGS, "virt", "size", rank=4),
        column(HEADINGS, "mapping", "path", least=24),
    )
    body = [
        (row.processes, row.mappings, row.swap, row.uss, row.pss, row.rss, row.virt, printable(row.name))
        for row in rows
    ]
    total = ("", totals.mappings, totals.swap, totals.uss, totals.pss, "", "", told("all, once"))
    return Sheet(columns, body, [total] if rows else (), ruled=True)


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
