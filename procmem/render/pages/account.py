"""The page of ``procmem account``: one waterfall for each total, then who says what."""

from __future__ import annotations

from procmem.model.reports.account import AccountLeaf, AccountReport, Leaf
from procmem.render.columns import column
from procmem.render.human import human_size
from procmem.render.page import Block, Column, Facts, Page, Prose, Sheet, Value
from procmem.render.process_head import process_head
from procmem.text import listed
from procmem.text.account import cause_text, leaf_name, leaf_sentence, who_text
from procmem.text.notes import note_text
from procmem.text.pages.account import HEADINGS, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from procmem.render.human import SizeFormat

__all__ = ["account_page", "account_sheet"]

_TOTALS = (("virt", "VIRT"), ("rss", "RES"), ("pss", "PSS"), ("swap", "swap"))
_NAMES = {"virt": "VIRT", "rss": "RES", "pss": "PSS", "uss": "USS", "swap": "swap"}
_WIDTH = 80
_LABELS = 15
_INSIDE = " " * 19


def account_page(report: AccountReport, size: SizeFormat, unit: str, *, tools_only: bool = False) -> Page:
    """The report; ``size`` writes a size in the unit that was asked for, ``unit`` names it.

    ``tools_only`` leaves the account itself out: what is left is who says what, and why.
    """
    if tools_only:
        told_by = _reconciliation(report)
        return Page(
            sections=[process_head(report.process), [*([Prose(unit)] if unit else []), *told_by]],
            table=lambda: _table(report),
            document=lambda: _document(report),
            notes=[note_text(note) for note in report.warnings],
        )
    sections: list[Sequence[Block]] = [process_head(report.process)]
    waterfalls = [list(_waterfall(report, of, title, size)) for of, title in _TOTALS]
    waterfalls[0][:0] = [Prose(unit)] if unit else []
    sections += [*waterfalls, *_beside(report, size), *_given_back(report, size)]
    if report.reconciliation:
        sections.append(_reconciliation(report))
    return Page(
        sections=sections,
        table=lambda: _table(report),
        document=lambda: _document(report),
        notes=[note_text(note) for note in report.warnings],
    )


def _document(report: AccountReport) -> object:
    from procmem.render.json.account import account_json  # noqa: PLC0415  # a page for a person does without

    return account_json(report)


def _table(report: AccountReport) -> Sheet:
    report.need_leaves()
    return account_sheet(report)


def account_sheet(report: AccountReport) -> Sheet:
    """Every leaf, one row each."""
    columns = (
        column(HEADINGS, "of", "text"),
        column(HEADINGS, "name", "text"),
        column(HEADINGS, "class", "class"),
        column(HEADINGS, "size", "size"),
        column(HEADINGS, "sentence", "text", below=True),
    )
    return Sheet(
        columns, [(one.of, one.leaf.code, one.cls, one.size, leaf_sentence(one.leaf)) for one in report.leaves]
    )


def _waterfall(report: AccountReport, of: str, title: str, size: SizeFormat) -> Iterator[Block]:
    """One total and its parts: each name with its sentence, then the classes that it lies in."""
    total: int | None = getattr(report.totals, of)
    none = total == 0 and of == "swap"
    yield Facts([(f"{title:<5} {size(total):>9}", told("no swap" if none else of))], least=_LABELS)
    if none:
        return
    members: dict[AccountLeaf, list[Leaf]] = {}
    for leaf in report.leaves:
        if leaf.of == of:
            members.setdefault(leaf.leaf, []).append(leaf)
    for sort, leaves in members.items():
        yield _figure(size(sum(leaf.size for leaf in leaves)), leaf_name(sort))
        by_size = sorted(leaves, key=lambda leaf: -leaf.size)
        inside = listed(f"{leaf.cls} {size(leaf.size)}" for leaf in by_size)
        for text in (leaf_sentence(sort), inside):
            yield Prose(text, _INSIDE, measure=_WIDTH)
    if of == "pss" and report.totals.uss is not None:
        yield _figure(size(report.totals.uss), told("is USS"))


def _given_back(report: AccountReport, size: SizeFormat) -> list[Sequence[Block]]:
    """What ending the process gives back; what of RES is counted more than once, where any is."""
    blocks: list[Block] = []
    if report.again and report.totals.rss is not None:
        blocks.append(_figure(size(report.totals.rss - report.again), told("once")))
    if report.freed is not None:
        blocks.append(_figure(size(report.freed), told("freed")))
    return [[Prose(told("once for all")), *blocks]] if blocks else []


def _figure(size: str, text: str) -> Facts:
    return Facts([(size, text)], right=True, least=_LABELS)


def _beside(report: AccountReport, size: SizeFormat) -> list[Sequence[Block]]:
    threads = report.process.threads
    stacks = told("one stack") if threads == 1 else told("stacks", threads=threads or "?")
    kernel: list[Block] = [
        Prose(told("beside")),
        _figure(size(report.page_tables), told("page tables")),
        _figure(size(report.kernel_stacks), stacks),
    ]
    pages: list[Block] = [
        Prose(told("sorts")),
        _figure(size(report.huge_pages), told("huge")),
        _figure(size(report.merged), told("merged")),
    ]
    if report.numa_nodes is None:
        pages.append(_figure(size(None), told("no nodes")))
    for node, held in (report.numa_nodes or {}).items():
        pages.append(_figure(size(held), told("node", node=node)))
    return [kernel, pages]


def _reconciliation(report: AccountReport) -> list[Block]:
    columns = (
        Column("", "text", "measure"),
        column(HEADINGS, "size", "size"),
        column(HEADINGS, "differs_by", "size"),
        column(HEADINGS, "who_says_so", "text"),
    )
    rows: list[Sequence[Value]] = []
    before = None
    causes: dict[str, list[str]] = {}
    for saying in report.reconciliation:
        label = _NAMES[saying.measure]
        differs = saying.difference if saying.difference is None or saying.difference else ""
        rows.append(("" if label == before else label, saying.size, differs, who_text(saying.who)))
        before = label
        if saying.cause is not None:
            amount = human_size(saying.difference) if saying.difference is not None else "?"
            told_of = told("saying", label=label, who=who_text(saying.who), amount=amount)
            causes.setdefault(cause_text(saying.cause), []).append(told_of)
    blocks: list[Block] = [Prose(told("who")), Sheet(columns, rows, ruled=True)]
    for cause, sayings in causes.items():
        blocks.append(Prose(told("why", sayings=listed(sayings, "; "), cause=cause), "", "     ", measure=_WIDTH))
    return blocks if causes else [*blocks, Prose(told("agree"))]
