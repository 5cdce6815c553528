"""Translations on a page: every index, entry and bit on the way from a virtual address to a physical one."""

from collections.abc import Sequence

from procmem.model.reports.translation import RealTranslation, Translation, WalkStep
from procmem.render.columns import column
from procmem.render.escaping import printable_text
from procmem.render.json.translate import real_json, translation_json
from procmem.render.page import Block, Facts, Page, Prose, Sheet
from procmem.text import listed
from procmem.text.notes import note_text
from procmem.text.pages.translate import HEADINGS, told
from procmem.text.translation import (
    answer_text,
    bit_text,
    buffer_text,
    error_bit_text,
    level_text,
    pagemap_bit_text,
    reason_text,
    segment_kind_text,
)

__all__ = ["real_page", "translation_page"]

_SPLITS = {
    "2-level": (10, 10, 12),
    "pae": (2, 9, 9, 12),
    "4-level": (9, 9, 9, 9, 12),
    "5-level": (9, 9, 9, 9, 9, 12),
}
_NAMES = {"page directory pointers": "pointers", "page directory": "directory", "page table": "table"}
_INDENT = 2
_LABELS = 9
_WIDTH = 80
_HANGING = " " * 12
_Rows = list[tuple[str, str]]


def translation_page(one: Translation) -> Page:
    """The way of one access on the simulated machine."""
    widths = _SPLITS[one.paging]
    segment = one.segment
    is_long = sum(widths) > 32
    digits = 8 if one.paging == "2-level" else 16
    head = told("user" if one.user_mode else "kernel", access=one.access, address=one.address)
    figures = {
        "base": segment.base,
        "limit": segment.limit,
        "dpl": segment.dpl,
        "kind": segment_kind_text(segment.kind),
    }
    rows: _Rows = [
        (told("logical"), f"{segment.register} {segment.selector:#04x} : {one.address:#010x}"),
        (told("selector"), told("of selector", number=segment.number, rpl=segment.rpl)),
        (told("segment"), told("of flat segment" if is_long else "of segment", value=segment.value, **figures)),
        (told("linear"), told("of linear", linear=segment.base + one.address)),
        ("/".join(map(str, widths)), _split(one.address, widths)),
        *[("TLB", buffer_text(first)) for first in one.tlb[:1]],
        ("CR3", f"{one.directory:#010x}"),
        *_steps(one.first, digits),
    ]
    blocks: list[Block] = [Prose(head), _facts(rows)]
    if one.fault is not None:
        bits = listed(map(error_bit_text, one.fault.bits), "; ")
        fault = told("page fault", code=one.fault.code, bits=bits) if bits else told("not canonical")
        blocks += [Prose(fault, "  ", _HANGING, _WIDTH), _facts([(told("kernel does"), answer_text(one.fault.answer))])]
    if one.second:
        blocks += [Prose(told("walk again"), "  "), _facts(_steps(one.second, digits))]
    last: _Rows = [(told("physical"), f"{one.physical:#010x}")] if one.physical is not None else []
    if len(one.tlb) > 1:
        last.append(("TLB", buffer_text(one.tlb[-1])))
    if last:
        blocks.append(_facts(last))
    return Page([blocks], lambda: _walk(one.address, (*one.first, *one.second)), lambda: translation_json(one))


def _split(address: int, widths: Sequence[int]) -> str:
    """The address in binary, cut where the processor cuts it; what lies above only has to be like the highest bit."""
    total = sum(widths)
    text = format(address & (1 << total) - 1, f"0{total}b")
    parts, at = [], 0
    for width in widths:
        parts.append(text[at : at + width])
        at += width
    return " ".join(parts)


def _facts(rows: _Rows) -> Facts:
    return Facts(rows, indent=_INDENT, gap=1, least=_LABELS, measure=_WIDTH)


def _steps(steps: Sequence[WalkStep], digits: int) -> _Rows:
    rows: _Rows = []
    for step in steps:
        at, entry = f"{step.entry_address or 0:#010x}", f"{step.entry or 0:#0{digits + 2}x}"
        rows.append((_level(step.level), told("entry", number=step.number, at=at, entry=entry)))
        rows.append(("", listed(map(bit_text, step.bits))))
    return rows


def _level(level: str) -> str:
    """A level by a short name; those of x86-64 have one."""
    return told(_NAMES[level]) if level in _NAMES else level


def _walk(address: int, steps: Sequence[WalkStep]) -> Sheet:
    """The steps, one row each."""
    columns = (
        column(HEADINGS, "address", "address"),
        column(HEADINGS, "level", "text"),
        column(HEADINGS, "index", "count"),
        column(HEADINGS, "entry_address", "address"),
        column(HEADINGS, "entry", "address"),
        column(HEADINGS, "bits", "text"),
    )
    rows = [
        (
            address,
            level_text(step.level),
            step.number,
            step.entry_address,
            step.entry,
            listed(map(bit_text, step.bits)),
        )
        for step in steps
    ]
    return Sheet(columns, rows)


def real_page(one: RealTranslation) -> Page:
    """What is known of one address of a real process."""
    unread = any(reason.code == "maps" for reason in one.reasons)
    area = one.area if one.area is not None else "?" if unread else told("unmapped")
    rows: _Rows = [(told("area"), printable_text(area))]
    if one.levels is not None:
        split = " ".join(f"{step.level} {step.number}" for step in one.steps)
        rows.append(
            (
                told("levels", count=one.levels),
                told(
                    "split huge" if one.huge else "split", split=split, offset="?" if one.offset is None else one.offset
                ),
            )
        )
    if one.pagemap is not None:
        bits = listed(map(pagemap_bit_text, one.pagemap_bits)) or told("empty")
        rows.append(("pagemap", told("word", word=one.pagemap, bits=bits)))
    if one.frame is not None:
        rows.append((told("frame"), f"{one.frame:#x}"))
    if one.physical is not None:
        rows.append((told("physical"), f"{one.physical:#x}"))
    if one.swap is not None:
        path = "?" if one.swap.path is None else printable_text(one.swap.path.decode("utf-8", "surrogateescape"))
        rows.append((told("swap"), told("of swap", area=one.swap.area, path=path, slot=one.swap.slot)))
    if one.flags is not None:
        rows.append((told("flags"), listed(one.flags) or told("none")))
    if one.maps is not None:
        rows.append((told("mapped"), told("times", count=one.maps)))
    reasons = [reason_text(reason) for reason in one.reasons]
    notes = [Prose(told("note", text=printable_text(text)), "  ", _HANGING, _WIDTH) for text in reasons]
    head = Prose(
        told("real nameless", address=one.address)
        if one.pid is None
        else told("real", address=one.address, pid=one.pid)
    )
    return Page(
        [[head, _facts(rows), *notes]],
        lambda: _walk(one.address, one.steps),
        lambda: real_json(one),
        notes=[note_text(warning) for warning in one.warnings],
        remarks=reasons,
    )
