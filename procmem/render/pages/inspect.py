"""The page of ``procmem inspect``: for a person, as sheets, and as JSON."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

from procmem.model.region import Region, Regions
from procmem.model.reports.inspection import Inspection, LayoutInShort, ProcessFacts
from procmem.model.snapshot import Nature
from procmem.render.drawing import draw
from procmem.render.escaping import json_text, printable, printable_text
from procmem.render.human import SizeFormat, duration, human_size
from procmem.render.sheet import Column, Sheet, to_text
from procmem.text import english
from procmem.text.evidence import evidence_text
from procmem.text.laws import law_name
from procmem.text.notes import note_text

__all__ = [
    "RegionChoice",
    "class_sheet",
    "facts_json",
    "inspect_json",
    "inspect_page",
    "process_head",
    "region_sheet",
    "whole_choice",
]

SCHEMA = "procmem/inspect/1"
_SIZES = ("VIRT", "RSS", "PSS", "USS", "swap")


class RegionChoice(NamedTuple):
    """Which regions to list, in which order. ``sort`` is a column's name; None keeps address order."""

    classes: Collection[str] = ()
    min_size: int = 0
    sort: str | None = None
    fold: Callable[[Any], str] | None = None

    def rows(self, regions: Regions) -> list[int]:
        """The indexes of the chosen regions."""
        chosen = [
            index
            for index, label in enumerate(regions.label)
            if (not self.classes or (self.fold(label) if self.fold else label.cls.value) in self.classes)
            and regions.end[index] - regions.start[index] >= self.min_size
        ]
        if self.sort is not None:
            column = {
                "virt": lambda index: regions.end[index] - regions.start[index],
                "rss": lambda index: regions.rss[index] or 0,
                "pss": lambda index: regions.pss[index] or 0,
                "uss": lambda index: regions.uss[index] or 0,
                "swap": lambda index: regions.swap[index] or 0,
                "address": lambda index: -regions.start[index],
            }[self.sort]
            chosen.sort(key=column, reverse=True)
        return chosen


def class_sheet(report: Inspection, sort: str | None = None) -> Sheet:
    """The table by class, with the total, and the total without reserved address space."""
    rows: list[Sequence[int | str | None]] = [
        (row.cls, row.virt, row.rss, row.pss, row.uss, row.swap, row.regions) for row in report.classes
    ]
    if sort in ("virt", "rss", "pss", "uss", "swap"):
        at = 1 + ("virt", "rss", "pss", "uss", "swap").index(sort)
        rows.sort(key=lambda row: _number(row[at]), reverse=True)
    columns = (
        Column("class", "text"),
        *(Column(name, "size") for name in _SIZES),
        Column("regions", "count"),
    )
    return Sheet(columns, rows, _class_totals(report))


def _number(value: int | str | None) -> int:
    """A value to sort by; what is unknown goes with zero."""
    return value if isinstance(value, int) else 0


def _class_totals(report: Inspection) -> list[Sequence[int | str | None]]:
    def total(rows: Sequence[Any]) -> list[int | None]:
        sums: list[int | None] = []
        for field in ("virt", "rss", "pss", "uss", "swap", "regions"):
            values = [getattr(row, field) for row in rows]
            sums.append(None if None in values else sum(values))
        return sums

    kept = [row for row in report.classes if row.cls != "reserved"]
    totals: list[Sequence[int | str | None]] = [("total", *total(report.classes))]
    if len(kept) < len(report.classes):
        totals.append(("total minus reserved", *total(kept)))
    return totals


def region_sheet(regions: Regions, rows: Sequence[int]) -> Sheet:
    """Every chosen range, one row each."""
    columns = (
        Column("start", "address"),
        Column("end", "address"),
        Column("perms", "text"),
        Column("VIRT", "size"),
        Column("RSS", "size"),
        Column("PSS", "size"),
        Column("USS", "size"),
        Column("swap", "size"),
        Column("class", "text"),
        Column("kind", "text"),
        Column("certainty", "text"),
        Column("owner", "text"),
    )
    table = regions.mappings
    body = [
        (
            regions.start[index],
            regions.end[index],
            table.perms[regions.vma[index]],
            regions.end[index] - regions.start[index],
            regions.rss[index],
            regions.pss[index],
            regions.uss[index],
            regions.swap[index],
            regions.label[index].cls.value,
            regions.label[index].kind,
            regions.label[index].certainty.value,
            printable(regions.label[index].owner_name or table.name[regions.vma[index]]),
        )
        for index in rows
    ]
    return Sheet(columns, body)


def inspect_page(
    report: Inspection,
    *,
    size: SizeFormat,
    unit: str,
    choice: RegionChoice | None,
    sort: str | None,
    unicode: bool,
) -> str:
    """The page for a person; ``choice`` adds the list of regions, ``unit`` names what the table counts in."""
    parts = [process_head(report.process)]
    if report.totals.virt or report.totals.rss:
        parts.append(_account(report))
    if report.classes:
        parts.append(f"{unit}\n" * bool(unit) + to_text(class_sheet(report, sort), size))
    if report.regions is not None and choice is not None:
        parts.append(to_text(region_sheet(report.regions, choice.rows(report.regions)), size))
    if report.totals.swap is not None:
        parts.append(_swap(report))
    if report.layout is not None:
        parts.append(_layout(report.layout))
    if report.picture and choice is None:
        parts.append(draw(report.picture, bits=report.process.bits, unicode=unicode))
    if report.warnings:
        parts.append("".join(f"note: {printable_text(note_text(note))}\n" for note in report.warnings))
    return "\n".join(parts)


def process_head(process: ProcessFacts) -> str:
    """Who it is, in two lines: pid, name and facts; the command line."""
    name = printable(process.comm) or "?"
    facts = []
    if process.nature not in (Nature.PROCESS, Nature.SIMULATED):
        facts.append(process.nature.value)
    if process.bits is not None:
        facts.append(f"{process.bits}-bit")
    if process.state:
        facts.append(printable_text(process.state))
    if process.threads is not None:
        facts.append("1 thread" if process.threads == 1 else f"{process.threads} threads")
    if process.age_seconds is not None:
        facts.append(f"started {duration(process.age_seconds)} ago")
    nobody = "a simulated process" if process.nature is Nature.SIMULATED else "a recorded process"
    pid = nobody if process.pid is None else str(process.pid)
    lines = [f"{pid}  {name}  ({', '.join(facts)})" if facts else f"{pid}  {name}"]
    if process.cmdline:
        lines.append("  " + " ".join(printable(word) for word in process.cmdline).rstrip())
    return "\n".join(lines) + "\n"


def _account(report: Inspection) -> str:
    totals, account = report.totals, report.account
    lines = []
    if account is None:
        lines.append(f"VIRT {human_size(totals.virt):>10}  address space asked for")
        lines.append(f"RES  {human_size(totals.rss):>10}  in memory now")
        return "\n".join(lines) + "\n"
    rows = (
        (account.resident, "RES: in memory now"),
        (account.swapped, "swapped out"),
        (account.hugetlb, "huge pages (hugetlb), which RES leaves out"),
        (account.file_not_resident, "of files, not in memory"),
        (account.untouched, "never touched, or given back"),
        (account.reserved, "reserved: inaccessible address space"),
    )
    lines.append(f"VIRT {human_size(totals.virt):>10}  address space asked for; of it")
    lines += [f"     {human_size(value):>10}  {text}" for value, text in rows if value]
    return "\n".join(lines) + "\n"


def _swap(report: Inspection) -> str:
    totals = report.totals
    if not totals.swap:
        return "swap: nothing of it is swapped out\n"
    share = f", its fair share {human_size(totals.swap_pss)}" if totals.swap_pss is not None else ""
    return f"swap: {human_size(totals.swap)} swapped out{share}\n"


def _layout(layout: LayoutInShort) -> str:
    broken = f", broken: {', '.join(map(law_name, layout.broken))}" if layout.broken else ""
    return f"layout: {layout.held} laws of the kernel's layout hold{broken} (procmem crosscheck has each)\n"


def facts_json(process: ProcessFacts) -> dict[str, Any]:
    """Who a process is, as plain values."""
    return {
        "pid": process.pid,
        "ppid": process.ppid,
        "uid": process.uid,
        **json_text("comm", process.comm),
        "cmdline": None if process.cmdline is None else [json_text("word", word)["word"] for word in process.cmdline],
        **json_text("exe", process.exe),
        "bits": process.bits,
        "machine": process.machine,
        "kernel": process.kernel,
        "page_size": process.page_size,
        "state": process.state,
        "threads": process.threads,
        "nature": process.nature.value,
        "age_seconds": None if process.age_seconds is None else round(process.age_seconds, 2),
        "thread_of": process.thread_of,
        "read_through": process.read_through,
    }


@english()
def inspect_json(report: Inspection, choice: RegionChoice | None) -> dict[str, Any]:
    """The report as plain values: sizes in bytes, addresses as hex strings, unknown is null."""
    answer: dict[str, Any] = {
        "schema": SCHEMA,
        "process": facts_json(report.process),
        "totals": dict(report.totals._asdict()),
        "account": None if report.account is None else dict(report.account._asdict()),
        "classes": [
            {
                "class": row.cls,
                "virt": row.virt,
                "rss": row.rss,
                "pss": row.pss,
                "uss": row.uss,
                "swap": row.swap,
                "regions": row.regions,
            }
            for row in report.classes
        ],
    }
    if choice is not None:
        regions = report.regions
        answer["regions"] = (
            [] if regions is None else [_region_json(regions, regions[index]) for index in choice.rows(regions)]
        )
    layout = report.layout
    answer["layout"] = (
        None if layout is None else {"laws_held": layout.held, "laws_broken": list(map(law_name, layout.broken))}
    )
    answer["warnings"] = [printable_text(note_text(note)) for note in report.warnings]
    return answer


def whole_choice() -> RegionChoice:
    """All regions, in address order."""
    return RegionChoice()


def _region_json(regions: Regions, region: Region) -> dict[str, Any]:
    table = regions.mappings
    vma = table[region.vma]
    whole = (region.start, region.end) == (vma.start, vma.end)
    answer = {
        "start": f"{region.start:#x}",
        "end": f"{region.end:#x}",
        "class": region.label.cls.value,
        "kind": region.label.kind,
        "certainty": region.label.certainty.value,
        "evidence": printable_text(evidence_text(region.label.evidence)),
        **json_text("owner", region.label.owner_name),
        "perms": vma.perms,
        "offset": f"{vma.offset + region.start - vma.start:#x}" if vma.inode else f"{vma.offset:#x}",
        "device": vma.device,
        "inode": vma.inode,
        **json_text("path", vma.name),
        "size": region.size,
        "rss": region.rss,
        "pss": region.pss,
        "uss": region.uss,
        "swap": region.swap,
        "about": list(region.about),
        "vma": {"start": f"{vma.start:#x}", "end": f"{vma.end:#x}", "whole": whole},
        "vm_flags": None if table.flags[region.vma] is None else (table.flags[region.vma] or "").split(),
    }
    if whole:
        answer["smaps"] = {key: column[region.vma] for key, column in table.usage.items()}
    return answer
