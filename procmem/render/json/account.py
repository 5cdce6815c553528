"""The document ``procmem/account/1``."""

from __future__ import annotations

from procmem.model.reports.account import AccountReport, AccountTotals, Leaf, Saying
from procmem.render.escaping import printable_text
from procmem.render.json.fields import process_json
from procmem.text import english
from procmem.text.account import cause_text, leaf_sentence, who_text
from procmem.text.notes import note_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SCHEMA", "account_json"]

SCHEMA = "procmem/account/1"


@english()
def account_json(report: AccountReport) -> dict[str, Any]:
    """The report as plain values: bytes, and null for what is unknown."""
    nodes = report.numa_nodes
    return {
        "schema": SCHEMA,
        "process": process_json(report.process.pid, report.process.comm),
        "totals": _totals(report.totals),
        "leaves": None if report.is_unread else [_leaf(leaf) for leaf in report.leaves],
        "freed": report.freed,
        "counted_again": report.again,
        "beside": {"page_tables": report.page_tables, "kernel_stacks": report.kernel_stacks},
        "pages": {
            "transparent_huge": report.huge_pages,
            "merged": report.merged,
            "numa_nodes": None if nodes is None else {str(node): held for node, held in nodes.items()},
        },
        "reconciliation": None if report.is_unread else [_saying(saying) for saying in report.reconciliation],
        "unexplained": None if report.is_unread else report.unexplained,
        "warnings": [printable_text(note_text(note)) for note in report.warnings],
    }


def _totals(totals: AccountTotals) -> dict[str, Any]:
    return {"virt": totals.virt, "rss": totals.rss, "pss": totals.pss, "uss": totals.uss, "swap": totals.swap}


def _leaf(leaf: Leaf) -> dict[str, Any]:
    return {
        "of": leaf.of,
        "name": leaf.leaf.code,
        "class": leaf.cls,
        "bytes": leaf.size,
        "sentence": leaf_sentence(leaf.leaf),
    }


def _saying(saying: Saying) -> dict[str, Any]:
    return {
        "measure": saying.measure,
        "who": who_text(saying.who),
        "bytes": saying.size,
        "difference": saying.difference,
        "cause": None if saying.cause is None else cause_text(saying.cause),
    }
