"""The page of ``procmem swap``: the judgement first, then the figures behind it."""

from __future__ import annotations

from collections.abc import Sequence

from procmem.model.proc_keys import MeminfoKey
from procmem.model.reports.swap import SwapReport
from procmem.render.columns import column
from procmem.render.escaping import printable, printable_text
from procmem.render.json.swap import swap_json
from procmem.render.page import Block, Facts, Page, Prose, Sheet
from procmem.text.notes import note_text
from procmem.text.pages.swap import HEADINGS, told
from procmem.text.swap import part_name, part_sentence, reason_text, sort_name, swappiness_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.render.human import SizeFormat

__all__ = ["ranking_sheet", "swap_page"]

_WIDTH = 80
_LABELS = 10
_GROUPS_MAX = 5
_FIGURES = 12
_INSIDE = " " * 18


def swap_page(report: SwapReport, size: SizeFormat, unit: str, top: int | None) -> Page:
    """The report; the table of processes shows the ``top`` largest, or all of them."""
    verdict = [Prose(reason_text(reason), "", "  ", measure=_WIDTH) for reason in report.verdict.reasons]
    sections: list[Sequence[Block]] = [verdict, [_system(report)]]
    if report.parts:
        sections.append([*([Prose(unit)] if unit else []), *_parts(report, size)])
    if report.reading.objects:
        sections.append([_objects(report)])
    if report.ranking:
        sections.append([ranking_sheet(report, top)._replace(main=True)])
    if report.regions:
        sections.append([_regions(report)])
    refused = [told("refused", count=report.reading.unreadable)] if report.reading.unreadable else []
    sections.append([Prose(text) for text in refused])
    notes = [note_text(one) for one in report.warnings]
    return Page(sections, lambda: ranking_sheet(report, top), lambda: swap_json(report), notes=notes, remarks=refused)


def ranking_sheet(report: SwapReport, top: int | None = None) -> Sheet:
    """Processes with something in swap, the largest last."""
    columns = (
        column(HEADINGS, "pid", "count"),
        column(HEADINGS, "user", "text", rank=3),
        column(HEADINGS, "vmswap", "size"),
        column(HEADINGS, "smaps_swap", "size", rank=1),
        column(HEADINGS, "swappss", "size", rank=2),
        column(HEADINGS, "name", "text"),
    )
    shown = report.ranking if top is None else report.ranking[max(len(report.ranking) - top, 0) :]
    rows = [(row.pid, row.user, row.vm_swap, row.swap, row.swap_pss, printable(row.name)) for row in shown]
    return Sheet(columns, rows, ruled=True)


def _system(report: SwapReport) -> Facts:
    reading = report.reading
    rows = [(told("in use"), told("used", used=report.used, total=report.total))]
    for area in reading.areas:
        kind = told("compressed") if b"zram" in area.path else area.type
        figures = {"path": printable(area.path), "kind": kind, "priority": area.priority}
        rows.append((f"  {told('area')}", told("area used", used=area.used, size=area.size, **figures)))
    rows.append((told("cached"), told("in memory", cached=reading.meminfo.get(MeminfoKey.SWAP_CACHED))))
    if zswapped := reading.meminfo.get(MeminfoKey.ZSWAPPED):
        rows.append((told("zswap"), told("zswapped", zswapped=zswapped, held=reading.meminfo.get(MeminfoKey.ZSWAP))))
    rows.append((told("swappiness"), swappiness_text(report.swappiness)))
    if report.used:
        verdicts = _after_swapoff(report)
        rows += [(label, text) for label, text in zip((told("swapoff"), *[""] * len(verdicts)), verdicts, strict=False)]
    return Facts(rows, least=_LABELS, measure=_WIDTH)


def _after_swapoff(report: SwapReport) -> list[str]:
    """Whether it would fit: into the limits of control groups, and into the machine."""
    left, available = report.left_after_swapoff, report.reading.meminfo.get(MeminfoKey.AVAILABLE)
    small = [group for group in report.groups if group.left < 0]
    found = [
        printable_text(told("group does not fit", more=-group.left, **group._asdict())) for group in small[:_GROUPS_MAX]
    ]
    if left is not None and left < 0:
        return [told("does not fit", more=-left, available=available), *found]
    if left is None:
        return found
    if small:
        return [*found, told("machine fits", left=left, available=available)]
    first = [printable_text(told("group fits", **group._asdict())) for group in report.groups[:1]]
    return [told("fits", left=left, available=available), *first]


def _parts(report: SwapReport, size: SizeFormat) -> list[Block]:
    blocks: list[Block] = [Facts([(size(report.used), told("in use; of it"))], right=True, least=_FIGURES)]
    for part in report.parts:
        blocks.append(Facts([(size(part.size), part_name(part.name))], gap=4, right=True, least=_FIGURES))
        blocks.append(Prose(part_sentence(part.name), _INSIDE, measure=_WIDTH))
    return blocks


def _objects(report: SwapReport) -> Sheet:
    columns = (
        column(HEADINGS, "swap", "size"),
        column(HEADINGS, "sort", "text"),
        column(HEADINGS, "shared_memory", "path"),
    )
    ordered = sorted(report.reading.objects, key=lambda item: (item.swap, item.name))
    return Sheet(columns, [(item.swap, sort_name(item.sort), printable(item.name)) for item in ordered], ruled=True)


def _regions(report: SwapReport) -> Sheet:
    columns = (
        column(HEADINGS, "pid", "count", rank=3),
        column(HEADINGS, "start", "address"),
        column(HEADINGS, "end", "address", rank=2),
        column(HEADINGS, "swap", "size"),
        column(HEADINGS, "class", "class", rank=1),
        column(HEADINGS, "kind", "text"),
        column(HEADINGS, "owner", "path"),
    )
    rows = [(r.pid, r.start, r.end, r.swap, r.cls, r.kind, printable(r.owner)) for r in report.regions]
    return Sheet(columns, rows, ruled=True)
