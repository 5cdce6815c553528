"""The page of ``procmem threads``: one row a thread, then what they share and what each owns."""

from __future__ import annotations

from procmem.model.reports.arenas import ArenaCount
from procmem.model.reports.threads import ThreadReport, ThreadRow
from procmem.render.columns import column
from procmem.render.escaping import printable
from procmem.render.human import duration, human_size
from procmem.render.json.threads import threads_json
from procmem.render.page import Block, Column, Facts, Page, Prose, Sheet, Value
from procmem.render.process_head import pid_text
from procmem.text import listed
from procmem.text.notes import note_text
from procmem.text.pages.threads import HEADINGS, policy_text, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["thread_sheet", "threads_page"]

_LABELS = 19
_INDENT = 2
_MINUTE = 60


def threads_page(report: ThreadReport, unit: str) -> Page:
    """The report; ``unit`` names what its table counts in."""
    head = told("head", pid=pid_text(report.pid), name=printable(report.comm), count=len(report.threads))
    table: list[Block] = [Prose(unit)] if unit else []
    table.append(thread_sheet(report)._replace(main=True))
    return Page(
        sections=[[Prose(head)], table, _sharing(report)],
        table=lambda: thread_sheet(report),
        document=lambda: threads_json(report),
        notes=[note_text(note) for note in report.warnings],
    )


def _columns() -> tuple[Column, ...]:
    """Where it is narrow, addresses and counters go first; what is evidence is a detail."""
    return (
        column(HEADINGS, "tid", "count"),
        column(HEADINGS, "name", "text"),
        column(HEADINGS, "state", "text", rank=3, least=3),
        column(HEADINGS, "stack_from", "address", rank=5),
        column(HEADINGS, "to", "address", rank=10),
        column(HEADINGS, "reserved", "size"),
        column(HEADINGS, "resident", "size"),
        column(HEADINGS, "depth_now", "size"),
        column(HEADINGS, "deepest", "size", rank=1),
        column(HEADINGS, "guard", "size", rank=7),
        column(HEADINGS, "tls", "size", rank=6),
        column(HEADINGS, "arena", "address", rank=9, detail=True),
        column(HEADINGS, "arena_blocks", "count", rank=14, detail=True),
        column(HEADINGS, "arena_resident", "size", rank=13),
        column(HEADINGS, "voluntary", "count", rank=11, detail=True),
        column(HEADINGS, "involuntary", "count", rank=12, detail=True),
        column(HEADINGS, "cpu_s", "seconds", rank=2),
        column(HEADINGS, "kind", "text", rank=4),
        column(HEADINGS, "certainty", "text", rank=8, detail=True),
    )


def thread_sheet(report: ThreadReport) -> Sheet:
    """The threads as a table; sizes in bytes."""
    totals: list[Sequence[Value]] = []
    if len(report.threads) > 1:
        sums = [report.total(field) for field in ("reserved", "resident")]
        totals.append(("", told("total"), "", "", "", *sums, "", "", "", report.total("tls"), *[""] * 8))
    return Sheet(_columns(), [_cells(row) for row in report.threads], totals)


def _cells(row: ThreadRow) -> Sequence[Value]:
    start, end = row.stack or (None, None)
    return (
        row.tid,
        printable(row.name),
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
        row.arena_blocks,
        row.arena_resident,
        row.voluntary_switches,
        row.involuntary_switches,
        None if row.cpu_seconds is None else round(row.cpu_seconds, 2),
        row.stack_kind if row.inside is None else told("inside", kind=row.inside),
        row.certainty or "",
    )


def _sharing(report: ThreadReport) -> list[Block]:
    """What the process owns, against what a thread owns, with figures."""
    shared, arenas = report.shared, report.arenas
    signals = told(
        "signals",
        handled=_signals(shared.handled_signals),
        ignored=_signals(shared.ignored_signals),
        pending=_signals(shared.shared_pending_signals),
    )
    folders = told(
        "folders", cwd=printable(shared.cwd) or "?", root=printable(shared.root) or "?", umask=shared.umask or "?"
    )
    common = [
        (told("address space"), told("asked for", virt=shared.virt, rss=shared.rss)),
        *([] if arenas is None or not arenas.blocks else [(told("arenas"), _arenas_text(arenas))]),
        (told("open files"), "?" if shared.open_files is None else str(shared.open_files)),
        (told("file-system state"), folders),
        (told("signal handlers"), signals),
    ]
    blocks: list[Block] = [
        Prose(told("all share")),
        Facts(common, indent=_INDENT, least=_LABELS),
        Prose(told("each owns")),
        Facts(_owned(report), indent=_INDENT, least=_LABELS),
    ]
    if report.cached_stacks:
        blocks.append(Prose(told("ended", stacks=report.cached_stacks, reserved=report.cached_bytes)))
    return blocks


def _arenas_text(arenas: ArenaCount) -> str:
    """How many arenas there are, of how many blocks; bounds where the blocks' arenas are not known."""
    figures = {"blocks": arenas.blocks, "virt": arenas.virt, "rss": arenas.rss}
    if arenas.known is None and arenas.at_least == arenas.at_most:
        return told("arena blocks", count=arenas.blocks, **figures)
    if arenas.known is None:
        return told("arena bounds", count=arenas.blocks, least=arenas.at_least, most=arenas.at_most, **figures)
    return told("arena count", count=arenas.known, **figures)


def _owned(report: ThreadReport) -> list[tuple[str, str]]:
    """What belongs to each thread alone."""
    sizes = {field: _sum_text(report, field, human_size) for field in ("reserved", "resident", "tls")}
    rows = [
        (told("stack"), told("stacks", reserved=sizes["reserved"], resident=sizes["resident"])),
        (told("TLS"), told("TLS in all", tls=sizes["tls"])),
    ]
    if report.kernel_stack is not None:
        whole = report.kernel_stack * max(len(report.threads), 1)
        rows.append((told("kernel stack"), told("kernel stacks", each=report.kernel_stack, all=whole)))
    policies = listed(sorted({policy_text(row.policy) for row in report.threads if row.policy})) or "?"
    time = _sum_text(report, "cpu_seconds", _cpu_time)
    rows.append((told("scheduling state"), told("scheduling", policies=policies, time=time)))
    pending = [row.pending_signals for row in report.threads if row.pending_signals is not None]
    if len(pending) < len(report.threads):
        signals = told("own signals unknown")
    else:
        signals = told("own signals", count=sum(1 for mask in pending if mask.strip("0")))
    rows.append((told("pending signals"), signals))
    return rows


def _sum_text(report: ThreadReport, field: str, text: Callable[[int | None], str]) -> str:
    """What all threads have together: at least so much where that of one is unknown."""
    total, least = report.total(field), report.least(field)
    return text(total) if total is not None or least is None else told("at least", figure=text(least))


def _cpu_time(seconds: float | None) -> str:
    """Time of the processor, with the hundredths that the table has while that tells something."""
    return f"{seconds:.2f} s" if seconds is not None and seconds < _MINUTE else duration(seconds)


def _signals(mask: str | None) -> str:
    """How many signals a mask of the kernel holds."""
    try:
        return "?" if mask is None else str(int(mask, 16).bit_count())
    except ValueError:
        return "?"
