"""The page of ``procmem threads``: one row a thread, then what they share and what each owns."""

from collections.abc import Sequence
from typing import Any

from procmem.model.reports.threads import ThreadReport, ThreadRow
from procmem.render.escaping import json_text, printable, printable_text
from procmem.render.human import SizeFormat, duration, human_size
from procmem.render.sheet import Column, Sheet, to_text
from procmem.text import english
from procmem.text.notes import note_text

__all__ = ["thread_sheet", "threads_json", "threads_page"]

SCHEMA = "procmem/threads/1"
_MASK_BITS = 64


def thread_sheet(report: ThreadReport) -> Sheet:
    """The threads as a table; sizes in bytes."""
    columns = (
        Column("tid", "count"),
        Column("state", "text"),
        Column("stack from", "address"),
        Column("to", "address"),
        Column("reserved", "size"),
        Column("resident", "size"),
        Column("depth now", "size"),
        Column("deepest", "size"),
        Column("guard", "size"),
        Column("TLS", "size"),
        Column("arena", "address"),
        Column("voluntary", "count"),
        Column("involuntary", "count"),
        Column("CPU s", "text"),
        Column("kind", "text"),
        Column("certainty", "text"),
        Column("name", "text"),
    )
    rows = [_cells(row) for row in report.threads]
    totals: list[Sequence[int | str | None]] = []
    if len(rows) > 1:
        sums = [report.total(field) for field in ("reserved", "resident")]
        totals.append(("", "total", "", "", *sums, "", "", "", report.total("tls"), "", "", "", "", "", "", ""))
    return Sheet(columns, rows, totals)


def _cells(row: ThreadRow) -> Sequence[int | str | None]:
    start, end = row.stack or (None, None)
    return (
        row.tid,
        row.state,
        start,
        end,
        row.reserved,
        row.resident,
        row.depth,
        row.high_water,
        row.guard,
        row.tls,
        row.arena,
        row.voluntary_switches,
        row.involuntary_switches,
        None if row.cpu_seconds is None else f"{row.cpu_seconds:.2f}",
        row.stack_kind,
        row.certainty or "",
        printable(row.name),
    )


def threads_page(report: ThreadReport, size: SizeFormat, unit: str) -> str:
    """The page for a person."""
    head = f"{report.pid}  {printable(report.comm)}  ({len(report.threads)} threads)\n"
    parts = [head, f"{unit}\n" * bool(unit) + to_text(thread_sheet(report), size), _sharing(report)]
    if report.warnings:
        parts.append("".join(f"note: {printable_text(note_text(note))}\n" for note in report.warnings))
    return "\n".join(parts)


def _sharing(report: ThreadReport) -> str:
    """What the process owns, against what a thread owns, with figures."""
    shared = report.shared
    count = max(len(report.threads), 1)
    reserved, resident = report.total("reserved"), report.total("resident")
    lines = ["All threads share (the process owns it):"]
    lines.append(f"  address space        {human_size(shared.virt)} asked for, {human_size(shared.rss)} in memory")
    lines.append(f"  open files           {'?' if shared.open_files is None else shared.open_files}")
    lines.append(
        f"  file-system state    in {printable(shared.cwd) or '?'}, root {printable(shared.root) or '?'},"
        f" umask {shared.umask or '?'}"
    )
    lines.append(
        f"  signal handlers      {_signals(shared.handled_signals)} handled,"
        f" {_signals(shared.ignored_signals)} ignored,"
        f" {_signals(shared.shared_pending_signals)} pending for the whole process"
    )
    lines.append("Each thread owns (its run, and no more):")
    lines.append(
        f"  stack                {human_size(reserved)} reserved by all together, {human_size(resident)} in memory"
    )
    lines.append(f"  TLS                  {human_size(report.total('tls'))} in all that are known")
    if report.kernel_stack is not None:
        lines.append(
            f"  kernel stack         {human_size(report.kernel_stack)} each,"
            f" {human_size(report.kernel_stack * count)} in all,"
            " outside VIRT and RES"
        )
    policies = sorted({row.policy for row in report.threads if row.policy})
    seconds = sum(row.cpu_seconds or 0 for row in report.threads)
    lines.append(f"  scheduling state     {', '.join(policies) or '?'}; {duration(seconds)} of CPU time in all")
    pending = [row for row in report.threads if row.pending_signals and row.pending_signals.strip("0")]
    lines.append(f"  pending signals      {len(pending)} threads have some of their own (SigPnd)")
    if report.cached_stacks:
        lines.append(
            f"Stacks of ended threads, kept for reuse: {report.cached_stacks},"
            f" {human_size(report.cached_bytes)} reserved"
        )
    return "\n".join(lines) + "\n"


def _signals(mask: str | None) -> str:
    """How many signals a mask of the kernel holds."""
    try:
        return "?" if mask is None else str(int(mask, 16).bit_count())
    except ValueError:
        return "?"


@english()
def threads_json(report: ThreadReport) -> dict[str, Any]:
    """The report as plain values."""
    return {
        "schema": SCHEMA,
        "process": {"pid": report.pid, **json_text("comm", report.comm)},
        "threads": [_thread_json(row) for row in report.threads],
        "totals": {
            "threads": len(report.threads),
            "stack_reserved": report.total("reserved"),
            "stack_resident": report.total("resident"),
            "cached_stacks": report.cached_stacks,
            "cached_bytes": report.cached_bytes,
            "kernel_stack_each": report.kernel_stack,
        },
        "shared": {
            key: value if not isinstance(value, bytes) else json_text(key, value)[key]
            for key, value in report.shared._asdict().items()
        },
        "warnings": [printable_text(note_text(note)) for note in report.warnings],
    }


def _thread_json(row: ThreadRow) -> dict[str, Any]:
    values = row._asdict()
    stack, arena = values.pop("stack"), values.pop("arena")
    name = values.pop("name")
    return {
        **json_text("name", name),
        "stack_start": None if stack is None else f"{stack[0]:#x}",
        "stack_end": None if stack is None else f"{stack[1]:#x}",
        "reserved": row.reserved,
        "arena": None if arena is None else f"{arena:#x}",
        **values,
    }
