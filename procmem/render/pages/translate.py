"""Translations on a page: every index, entry and bit on the way from a virtual address to a physical one."""

import textwrap
from collections.abc import Sequence
from typing import Any

from procmem.model.reports.translation import Descriptor, RealTranslation, Translation, WalkStep
from procmem.render.escaping import printable_text
from procmem.text import english
from procmem.text.translation import pagemap_bit_text, reason_text

__all__ = ["SCHEMA", "real_json", "real_page", "translation_json", "translation_page"]

SCHEMA = "procmem/translate/1"
_SPLITS = {"2-level": (10, 10, 12), "pae": (2, 9, 9, 12)}


def _split(address: int, widths: Sequence[int], total: int) -> str:
    """The address in binary, cut where the processor cuts it."""
    text = format(address, f"0{total}b")
    parts, at = [], 0
    for width in widths:
        parts.append(text[at : at + width])
        at += width
    return " ".join(parts)


def translation_page(one: Translation) -> str:
    """The way of one access on the simulated machine."""
    widths = _SPLITS[one.paging]
    segment = one.segment
    mode = "user" if one.user_mode else "kernel"
    digits = 8 if one.paging == "2-level" else 16
    lines = [
        f"{one.access} {one.address:#010x} in {mode} mode",
        f"  logical   {segment.register} {segment.selector:#04x} : {one.address:#010x}",
        f"  selector  index {segment.number}, GDT, RPL {segment.rpl}",
        f"  segment   {segment.value:#018x}: base {segment.base:#x}, limit {segment.limit:#x}, DPL {segment.dpl}, "
        f"{segment.kind}",
        f"  linear    base + offset = {segment.base + one.address:#010x}",
        f"  {'/'.join(map(str, widths)):9} {_split(one.address, widths, 32)}",
        f"  TLB       {one.tlb[0]}",
        f"  CR3       {one.directory:#010x}",
        *_steps(one.first, digits),
    ]
    if one.fault is not None:
        lines.append(f"  page fault, error code {one.fault.code:#x}: {'; '.join(one.fault.bits)}")
        lines.append(f"  kernel    {one.fault.answer}")
    if one.second:
        lines += ["  walk again", *_steps(one.second, digits)]
    if one.physical is not None:
        lines.append(f"  physical  {one.physical:#010x}")
    if len(one.tlb) > 1:
        lines.append(f"  TLB       {one.tlb[-1]}")
    return _folded(lines)


def _folded(lines: Sequence[str]) -> str:
    """Lines of 80 columns; what goes on is indented."""
    return "".join(textwrap.fill(line, 80, subsequent_indent=" " * 12) + "\n" for line in lines)


def _steps(steps: Sequence[WalkStep], digits: int) -> list[str]:
    lines = []
    for step in steps:
        name = {"page directory pointers": "pointers", "page directory": "directory", "page table": "table"}[step.level]
        lines.append(
            f"  {name:9} entry {step.number:<4} at {step.entry_address or 0:#010x} = {step.entry or 0:#0{digits + 2}x}"
        )
        lines.append(f"            {', '.join(step.bits)}")
    return lines


def real_page(one: RealTranslation) -> str:
    """What is known of one address of a real process."""
    lines = [f"{one.address:#x} of process {one.pid}"]
    lines.append(f"  area      {printable_text(one.area)}" if one.area is not None else "  area      none: not mapped")
    if one.levels is not None:
        split = " ".join(f"{step.level} {step.number}" for step in one.steps)
        lines.append(f"  {one.levels} levels  {split}, offset {one.offset:#x}")
    if one.pagemap is not None:
        bits = ", ".join(map(pagemap_bit_text, one.pagemap_bits)) or "empty: never touched, or given back"
        lines.append(f"  pagemap   {one.pagemap:#018x}: {bits}")
    if one.frame is not None:
        lines.append(f"  frame     {one.frame:#x}")
        lines.append(f"  physical  {one.frame * one.page_size + one.offset:#x}")
    if one.flags is not None:
        lines.append(f"  flags     {', '.join(one.flags) or 'none'}")
    if one.maps is not None:
        lines.append(f"  mapped    {one.maps} time{'s' if one.maps != 1 else ''}")
    lines += [f"  note: {printable_text(reason_text(reason))}" for reason in one.reasons]
    return _folded(lines)


def _step_json(step: WalkStep) -> dict[str, Any]:
    return {
        "level": step.level,
        "index": step.number,
        "entry_address": None if step.entry_address is None else f"{step.entry_address:#x}",
        "entry": None if step.entry is None else f"{step.entry:#x}",
        "bits": list(step.bits),
    }


def _segment_json(segment: Descriptor) -> dict[str, Any]:
    return {
        "register": segment.register,
        "selector": segment.selector,
        "index": segment.number,
        "rpl": segment.rpl,
        "descriptor": f"{segment.value:#018x}",
        "base": segment.base,
        "limit": segment.limit,
        "dpl": segment.dpl,
    }


def translation_json(one: Translation) -> dict[str, Any]:
    """The simulated translation for programs."""
    return {
        "schema": SCHEMA,
        "simulated": True,
        "address": f"{one.address:#x}",
        "access": one.access,
        "user_mode": one.user_mode,
        "paging": one.paging,
        "segment": _segment_json(one.segment),
        "cr3": f"{one.directory:#x}",
        "walk": [_step_json(step) for step in one.first],
        "fault": None if one.fault is None else one.fault._asdict(),
        "walk_again": [_step_json(step) for step in one.second],
        "physical": None if one.physical is None else f"{one.physical:#x}",
        "tlb": list(one.tlb),
        "decisions": list(one.notes),
    }


@english()
def real_json(one: RealTranslation) -> dict[str, Any]:
    """The real translation for programs."""
    physical = None if one.frame is None else one.frame * one.page_size + one.offset
    return {
        "schema": SCHEMA,
        "simulated": False,
        "pid": one.pid,
        "address": f"{one.address:#x}",
        "area": one.area,
        "levels": one.levels,
        "walk": [{"level": step.level, "index": step.number} for step in one.steps],
        "offset": one.offset,
        "pagemap": None if one.pagemap is None else f"{one.pagemap:#018x}",
        "pagemap_bits": list(one.pagemap_bits),
        "frame": one.frame,
        "physical": None if physical is None else f"{physical:#x}",
        "flags": None if one.flags is None else list(one.flags),
        "mapped": one.maps,
        "reasons": [reason_text(reason) for reason in one.reasons],
    }
