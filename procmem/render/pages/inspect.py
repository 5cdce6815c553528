"""The page of ``procmem inspect``: who it is, the account from VIRT to RES, what fills RES, limits, the classes.

The picture stands by itself (``--picture``): the answer fits the first screen.
"""

from __future__ import annotations

from operator import attrgetter, sub

from procmem.model.kinds import ByteClass
from procmem.model.region import Regions
from procmem.model.reports.classes import ClassRow
from procmem.model.reports.gpu import GpuDevice
from procmem.model.reports.inspection import Inspection, LayoutInShort
from procmem.model.reports.resident import CgroupUse, Consumer
from procmem.model.unknown import exact_sum
from procmem.render.columns import column
from procmem.render.escaping import printable, printable_text
from procmem.render.human import human_size
from procmem.render.page import Block, ColumnRows, Facts, Page, Picture, Prose, Sheet, Value
from procmem.render.process_head import process_head
from procmem.render.repeated import picked, places
from procmem.text import listed
from procmem.text.kind_names import purpose
from procmem.text.pages.inspect import HEADINGS, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["class_sheet", "inspect_page", "picture_page", "region_sheet"]

_FIELDS = ("virt", "rss", "pss", "uss", "swap")
_LABELS = 15
_CONSUMERS_MAX = 8
_MIB = 1 << 20


def inspect_page(report: Inspection, unit: str, *, listed: Sequence[int] | None, sort: str | None = None) -> Page:
    """The report; ``listed`` are the regions to list in place of the picture, ``unit`` names what tables count in."""
    sections: list[Sequence[Block]] = [process_head(report.process)]
    if report.totals.virt or report.totals.rss:
        sections.append(_account(report))
    if report.consumers and listed is None:
        sections.append(_consumers(report))
    limits = _surroundings(report)
    if limits and listed is None:
        sections.append([Facts(limits, right=True, least=_LABELS)])
    regions = report.regions
    lists = regions is not None and listed is not None
    if report.classes:
        table = class_sheet(report, sort)._replace(main=not lists)
        sections.append([Prose(unit), table] if unit else [table])
    if regions is not None and listed is not None:
        sections.append([region_sheet(regions, listed)._replace(main=True)])
    if report.totals.swap is not None:
        sections.append([Prose(_swap(report))])
    if report.layout is not None and report.layout.broken:
        sections.append([Prose(_layout(report.layout))])
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
    if not report.picture:
        return page
    sections: list[Sequence[Block]] = [[_picture(report)]]
    of_class = sum(row.virt for row in report.classes if row.cls == ByteClass.HEAP.value)
    drawn = sum(band.virt for band in report.picture if band.name == ByteClass.HEAP.value)
    if drawn and of_class > drawn:
        sections.append([Prose(told("two heaps"))])
    return page._replace(sections=sections, notes=())


def _notes(report: Inspection) -> list[str]:
    if not report.warnings:
        return []
    from procmem.text.notes import note_text  # noqa: PLC0415  # most processes are read without trouble

    return [note_text(note) for note in report.warnings]


def _document(report: Inspection, listed: Sequence[int] | None) -> object:
    from procmem.render.json.inspect import inspect_json  # noqa: PLC0415  # a page for a person does without

    return inspect_json(report, listed)


def _picture(report: Inspection) -> Picture:
    from procmem.render.drawing import draw  # noqa: PLC0415  # only for --picture

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
    owners = regions.for_each_label(lambda label: printable(label.owner_name))
    cells: tuple[Sequence[Value], ...] = (
        regions.start,
        regions.end,
        list(map(table.perms.__getitem__, regions.vma)),
        list(map(sub, regions.end, regions.start)),
        regions.rss,
        regions.pss,
        regions.uss,
        regions.swap,
        regions.for_each_label(lambda label: label.cls.value),
        regions.for_each_label(lambda label: label.kind),
        regions.for_each_label(lambda label: label.certainty.value),
        [owner or printable(table.name[row]) for owner, row in zip(owners, regions.vma, strict=True)],
    )
    shown = places(rows)
    return Sheet(columns, ColumnRows([list(picked(column, shown)) for column in cells]))


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


def _consumers(report: Inspection) -> list[Block]:
    """The largest of what fills RES, and the rest in one line; with an earlier look what grew most comes first."""
    rows = list(report.consumers)
    rss = report.totals.rss
    if report.compared_with is not None:
        rows.sort(key=lambda row: abs(_growth(row)), reverse=True)
    shown = [row for row in rows if row.rss or row.before][:_CONSUMERS_MAX]
    rest = [row for row in rows[len(shown) :] if row.rss]
    facts = [(_amount(row.rss, rss), _purpose(row, report)) for row in shown]
    if rest:
        facts.append((_amount(exact_sum(row.rss for row in rest), rss), told("others", count=len(rest))))
    if not facts:
        return []
    heading = "fills" if report.compared_with is None else "fills, since"
    return [
        Prose(told(heading, rss=rss, before=printable_text(report.compared_with or ""))),
        Facts(facts, right=True, least=_LABELS),
    ]


def _amount(size: int | None, whole: int | None) -> str:
    share = "" if size is None or not whole else f"{100 * size / whole:3.0f} %"
    return f"{human_size(size)} {share:>5}"


def _growth(row: Consumer) -> int:
    return (row.rss or 0) - (row.before or 0)


def _purpose(row: Consumer, report: Inspection) -> str:
    what = printable_text(purpose(row))
    if report.compared_with is None or row.before is None or row.rss is None:
        return what
    grown = _growth(row)
    code = "the same" if not grown else "grown" if grown > 0 else "shrunk"
    return told(code, what=what, size=abs(grown))


def _surroundings(report: Inspection) -> list[tuple[str, str]]:
    """Peaks and limits, as far as they are known."""
    found = report.surroundings
    if found is None:
        return []
    rss = report.totals.rss
    rows = []
    if found.peak_rss is not None:
        code = "peak, higher" if rss is not None and found.peak_rss > rss + rss // 10 + _MIB else "peak"
        rows.append((told("peak label"), told(code, rss=found.peak_rss, virt=found.peak_virt)))
    if found.cgroup is not None:
        rows.append((told("cgroup label"), _cgroup(found.cgroup)))
    if found.data is not None:
        more = rss is not None and found.data > rss
        rows.append(
            (
                told("data label"),
                told("data, more" if more else "data", data=found.data, code=found.code, libraries=found.libraries),
            )
        )
    if found.mappings is not None:
        code = "maps, of" if found.max_map_count is not None else "maps"
        rows.append((told("maps label"), told(code, count=found.mappings, most=found.max_map_count)))
    if found.gpu is not None:
        rows += [(told("gpu label"), printable_text(_gpu(device))) for device in found.gpu.devices]
        if not found.gpu.complete:
            rows.append((told("gpu label"), told("gpu, cut")))
    if found.locked:
        rows.append((told("locked label"), told("locked", size=found.locked)))
    if report.totals.page_tables:
        rows.append((told("tables label"), told("tables", size=report.totals.page_tables)))
    if found.oom_score is not None or found.oom_score_adj is not None:
        code = "oom" if found.oom_score is not None else "oom, unknown"
        rows.append((told("oom label"), told(code, score=found.oom_score, adjusted=_or_unknown(found.oom_score_adj))))
    return rows


def _gpu(device: GpuDevice) -> str:
    """A device with what it holds for the process: of each kind of memory what is resident, of how much in all."""
    rows = []
    for row in device.memory:
        code = "gpu memory, of" if row.total is not None and row.total != row.resident else "gpu memory"
        if row.resident or row.total or (row.resident is None and row.total is None):
            rows.append(told(code, name=row.name, resident=row.resident, total=row.total))
    where = device.driver if device.pdev is None else f"{device.driver} {device.pdev}"
    return told("gpu" if rows else "gpu, nothing", device=where, memory=listed(rows))


def _or_unknown(value: int | None) -> int | str:
    return "?" if value is None else value


def _cgroup(use: CgroupUse) -> str:
    parts = []
    if use.about is not None:
        from procmem.text.cgroups import group_text  # noqa: PLC0415  # many processes are in no named group

        parts.append(group_text(use.about))
    parts.append(told("cgroup", path=use.path, current=use.current))
    if use.limit is None:
        parts.append(told("cgroup, no limit"))
    else:
        share = 100 * (use.charged or 0) // use.limit if use.limit else 100
        code = "cgroup, limit" if use.limited_by == use.path else "cgroup, limit above"
        parts.append(told(code, limit=use.limit, share=share, group=use.limited_by or b"", charged=use.charged))
    if use.swap:
        parts.append(told("cgroup, swap", swap=use.swap))
    if use.pressure is not None:
        parts.append(told("cgroup, pressure", share=use.pressure))
    return printable_text(listed(parts, "; "))


def _swap(report: Inspection) -> str:
    totals = report.totals
    if not totals.swap:
        return told("no swap")
    if totals.swap_pss is None:
        return told("swap", swap=totals.swap)
    return told("swap, share", swap=totals.swap, share=totals.swap_pss)


def _layout(layout: LayoutInShort) -> str:
    from procmem.text.laws import law_name  # noqa: PLC0415  # seldom

    return told("layout, broken", count=layout.held, broken=listed(map(law_name, layout.broken)))
