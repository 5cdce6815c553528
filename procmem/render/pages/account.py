"""The page of ``procmem account``: one waterfall for each total, then who says what."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from procmem.model.reports.account import AccountReport, Leaf
from procmem.render.escaping import json_text, printable_text
from procmem.render.human import SizeFormat, human_size
from procmem.render.process_head import head_text
from procmem.render.sheet import Column, Sheet, to_table

__all__ = ["account_json", "account_page", "account_sheet"]

SCHEMA = "procmem/account/1"
_HEADS = (
    ("virt", "VIRT", "the address space that was asked for"),
    ("rss", "RES", "what of it is in memory now"),
    ("pss", "PSS", "its fair share of what is in memory"),
    ("swap", "swap", "what of it was moved out"),
)
_WIDTH = 80
_INDENT = 15


def account_sheet(report: AccountReport) -> Sheet:
    """Every leaf, one row each."""
    columns = (
        Column("of", "text"),
        Column("name", "text"),
        Column("class", "text"),
        Column("size", "size"),
        Column("sentence", "text"),
    )
    return Sheet(columns, [tuple(leaf) for leaf in report.leaves])


def account_page(report: AccountReport, size: SizeFormat, unit: str) -> str:
    """The page for a person."""
    parts = [head_text(report.process)]
    waterfalls = [_waterfall(report, of, title, words, size) for of, title, words in _HEADS]
    parts.append((f"{unit}\n" if unit else "") + "\n".join(filter(None, waterfalls)) + _beside(report, size))
    if report.reconciliation:
        parts.append(_reconciliation(report, size))
    if report.warnings:
        parts.append("".join(f"note: {printable_text(text)}\n" for text in report.warnings))
    return "\n".join(parts)


def _waterfall(report: AccountReport, of: str, title: str, words: str, size: SizeFormat) -> str:
    """One total and its parts: each name with its sentence, then the classes that it lies in."""
    total: int | None = getattr(report.totals, of)
    if total == 0 and of == "swap":
        return f"{'swap':<5} {size(0):>9}  nothing of it is swapped out\n"
    lines = [f"{title:<5} {size(total):>9}  {words}"]
    members: dict[str, list[Leaf]] = {}
    for leaf in report.leaves:
        if leaf.of == of:
            members.setdefault(leaf.name, []).append(leaf)
    for name, leaves in members.items():
        lines.append(f"{size(sum(leaf.size for leaf in leaves)):>15}  {name}")
        by_size = sorted(leaves, key=lambda leaf: -leaf.size)
        inside = ", ".join(f"{leaf.cls} {size(leaf.size)}" for leaf in by_size)
        for text in (leaves[0].sentence, inside):
            lines += wrap(text, _WIDTH, initial_indent=" " * 19, subsequent_indent=" " * 19)
    if of == "pss" and report.totals.uss is not None:
        lines.append(f"{size(report.totals.uss):>15}  is USS")
    return "\n".join(lines) + "\n"


def _beside(report: AccountReport, size: SizeFormat) -> str:
    lines = ["", "beside it, in the kernel, outside VIRT and RES"]
    lines.append(f"{size(report.page_tables):>15}  page tables (VmPTE)")
    threads = report.process.threads
    words = "kernel stack of its one thread" if threads == 1 else f"kernel stacks of {threads or '?'} threads"
    lines.append(f"{size(report.kernel_stacks):>15}  {words}")
    lines += ["", "of what sort the pages of RES are"]
    lines.append(f"{size(report.huge_pages):>15}  transparent huge pages")
    lines.append(f"{size(report.merged):>15}  merged with equal pages of others (KSM)")
    if report.numa_nodes is None:
        lines.append(f"{size(None):>15}  on memory nodes (numa_maps could not be read)")
    for node, held in (report.numa_nodes or {}).items():
        lines.append(f"{size(held):>15}  on memory node {node}")
    return "\n".join(lines) + "\n"


def _reconciliation(report: AccountReport, size: SizeFormat) -> str:
    columns = (
        Column("", "text"),
        Column("size", "size"),
        Column("differs by", "size"),
        Column("who says so", "text"),
    )
    names = {"virt": "VIRT", "rss": "RES", "pss": "PSS", "uss": "USS", "swap": "swap"}
    rows: list[Sequence[int | str | None]] = []
    before = None
    causes: dict[str, list[str]] = {}
    for saying in report.reconciliation:
        label = names[saying.measure]
        rows.append(
            (
                "" if label == before else label,
                saying.size,
                saying.difference if saying.difference is None or saying.difference else "",
                saying.who,
            )
        )
        before = label
        if saying.cause is not None:
            amount = human_size(saying.difference) if saying.difference is not None else "?"
            causes.setdefault(saying.cause, []).append(f"{label}, {saying.who} ({amount})")
    text = "who says what, and by how much it differs from smaps\n" + to_table(Sheet(columns, rows), size)
    for cause, sayings in causes.items():
        text += "\n".join(wrap(f"why: {'; '.join(sayings)}: {cause}", _WIDTH, subsequent_indent="     ")) + "\n"
    if not causes:
        text += "all agree, to the kB\n"
    return text


def account_json(report: AccountReport) -> dict[str, Any]:
    """The report as plain values: bytes, and null for what is unknown."""
    return {
        "schema": SCHEMA,
        "process": {"pid": report.process.pid, **json_text("comm", report.process.comm)},
        "totals": dict(report.totals._asdict()),
        "leaves": [
            {
                "of": leaf.of,
                "name": leaf.name,
                "class": leaf.cls,
                "bytes": leaf.size,
                "sentence": leaf.sentence,
            }
            for leaf in report.leaves
        ],
        "beside": {"page_tables": report.page_tables, "kernel_stacks": report.kernel_stacks},
        "pages": {
            "transparent_huge": report.huge_pages,
            "merged": report.merged,
            "numa_nodes": None
            if report.numa_nodes is None
            else {str(node): held for node, held in report.numa_nodes.items()},
        },
        "reconciliation": [
            {
                "measure": saying.measure,
                "who": saying.who,
                "bytes": saying.size,
                "difference": saying.difference,
                "cause": saying.cause,
            }
            for saying in report.reconciliation
        ],
        "unexplained": report.unexplained,
        "warnings": [printable_text(text) for text in report.warnings],
    }
