"""The document ``procmem/threads/1``."""

from __future__ import annotations

from procmem.model.reports.threads import SharedState, ThreadReport, ThreadRow
from procmem.render.escaping import json_text, printable_text
from procmem.render.json.fields import address, process_json
from procmem.text import english
from procmem.text.notes import note_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SCHEMA", "threads_json"]

SCHEMA = "procmem/threads/1"


@english()
def threads_json(report: ThreadReport) -> dict[str, Any]:
    """The report as plain values."""
    return {
        "schema": SCHEMA,
        "process": process_json(report.pid, report.comm),
        "threads": [_thread(row) for row in report.threads],
        "totals": {
            "threads": len(report.threads),
            "stack_reserved": report.total("reserved"),
            "stack_resident": report.total("resident"),
            "cached_stacks": report.cached_stacks,
            "cached_bytes": report.cached_bytes,
            "kernel_stack_each": report.kernel_stack,
            "arenas": None if report.arenas is None else report.arenas.known,
            "arena_blocks": None if report.arenas is None else report.arenas.blocks,
            "arena_reserved": None if report.arenas is None else report.arenas.virt,
            "arena_resident": None if report.arenas is None else report.arenas.rss,
        },
        "shared": _shared(report.shared),
        "warnings": [printable_text(note_text(note)) for note in report.warnings],
    }


def _thread(row: ThreadRow) -> dict[str, Any]:
    start, end = row.stack or (None, None)
    return {
        **json_text("name", row.name),
        "stack_start": address(start),
        "stack_end": address(end),
        "reserved": row.reserved,
        "arena": address(row.arena),
        "arena_blocks": row.arena_blocks,
        "arena_resident": row.arena_resident,
        "tid": row.tid,
        "state": row.state,
        "stack_kind": row.stack_kind if row.inside is None else f"inside {row.inside}",
        "certainty": row.certainty,
        "resident": row.resident,
        "depth": row.depth,
        "high_water": row.high_water,
        "guard": row.guard,
        "tls": row.tls,
        "voluntary_switches": row.voluntary_switches,
        "involuntary_switches": row.involuntary_switches,
        "cpu_seconds": row.cpu_seconds,
        "policy": row.policy,
        "processor": row.processor,
        "pending_signals": row.pending_signals,
        "blocked_signals": row.blocked_signals,
    }


def _shared(shared: SharedState) -> dict[str, Any]:
    return {
        "virt": shared.virt,
        "rss": shared.rss,
        "open_files": shared.open_files,
        "umask": shared.umask,
        **json_text("cwd", shared.cwd),
        **json_text("root", shared.root),
        "handled_signals": shared.handled_signals,
        "ignored_signals": shared.ignored_signals,
        "shared_pending_signals": shared.shared_pending_signals,
    }
