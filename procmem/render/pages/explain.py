"""The annotated map: a head, then each block's lines as pmap -x shows them, and its sentence below."""

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from procmem.model.region import Regions
from procmem.model.reports.explanation import Block, BlockForm, Explanation, Finding, PageFacts
from procmem.render.escaping import printable, printable_text
from procmem.render.pages.inspect import inspect_json, process_head, whole_choice
from procmem.text import english
from procmem.text.explanation import block_sentence, classic_text, head_text, layout_text, why_text
from procmem.text.findings import cure_label, finding_cure, finding_meaning, finding_title, no_findings
from procmem.text.glossary import meaning, terms
from procmem.text.kinds import region_sentence
from procmem.text.notes import note_text
from procmem.text.page import page_sentences, page_title
from procmem.text.refusals import refusal_text

__all__ = ["ExplainStyle", "explain_json", "explain_page", "findings_text", "glossary_text"]

SCHEMA = "procmem/explain/1"
_INDENT = "    "
_CLOSING = "\uff0c\u3002\uff1a\uff1b\uff01\uff1f\u3001\uff09\u201d"
_COLORS = {
    "text": "36", "rodata": "36", "data": "33", "bss": "33", "tls": "33", "heap": "32", "stack": "35", "mmap": "34",
    "shm": "94", "jit": "91", "guard": "90", "reserved": "90", "kernel": "90", "device": "94",
}  # fmt: skip


class ExplainStyle(NamedTuple):
    """How the page looks: width in columns, colour or not, blocks or single lines, and how much is told.

    ``classes`` limits the regions, ``only`` is one region's index.
    """

    width: int = 80
    color: bool = False
    flat: bool = False
    descending: bool = False
    why: bool = False
    brief: bool = False
    classes: Collection[str] = ()
    only: int | None = None


def explain_page(report: Explanation, style: ExplainStyle) -> str:
    """The page for a person."""
    parts = [process_head(report.inspection.process)]
    if style.only is None and not style.classes:
        layout = report.inspection.layout
        head = [*map(head_text, report.head), "" if layout is None else layout_text(layout)]
        parts.append("".join(_wrapped(sentence, style.width, "") for sentence in head))
    regions = report.inspection.regions
    if regions is not None:
        parts.append(_map(report, regions, style))
    if report.page is not None:
        parts.append(_page_text(report.page, style))
    if style.only is None and not style.classes and report.findings:
        parts.append(findings_text(report.findings, style.width))
    notes = "".join(
        _wrapped(f"note: {printable_text(note_text(note))}", style.width, "") for note in report.inspection.warnings
    )
    if notes:
        parts.append(notes)
    return "\n".join(part for part in parts if part)


def _map(report: Explanation, regions: Regions, style: ExplainStyle) -> str:
    chosen = [
        index
        for index, label in enumerate(regions.label)
        if (style.only is None or index == style.only) and (not style.classes or label.cls.value in style.classes)
    ]
    single = style.flat or style.why or style.only is not None
    blocks: Sequence[Block]
    if single:
        blocks = [Block((index,), BlockForm.ONE, (index,)) for index in chosen]
    else:
        kept = frozenset(chosen)
        blocks = [
            block._replace(regions=members)
            for block in report.blocks
            if (members := tuple(index for index in block.regions if index in kept))
        ]
    if style.descending:
        blocks = [block._replace(regions=block.regions[::-1]) for block in reversed(blocks)]
    digits = 8 if report.inspection.process.bits == 32 else 16
    lines = [f"{'Address':<{digits}}  Kbytes     RSS   Dirty Mode  Mapping\n"]
    for block in blocks:
        lines += [_line(regions, index, digits, style) for index in block.regions]
        sentence = block_sentence(block, regions)
        if style.brief:
            lines.append(_wrapped(_first_sentence(sentence), style.width, _INDENT))
            continue
        lines.append(_wrapped(sentence, style.width, _INDENT))
        if style.why:
            first = block.regions[0]
            label = regions.label[first]
            lines.append(_wrapped(f"= {classic_text(report.classic[first])}", style.width, _INDENT))
            lines.append(_wrapped(f"< {why_text(label.evidence, label.certainty)}", style.width, _INDENT))
            lines.append(_wrapped(_permissions(regions, first), style.width, _INDENT))
    return "".join(lines)


def _first_sentence(text: str) -> str:
    """Up to the first full stop that ends a sentence, in the scripts that we have."""
    for at, letter in enumerate(text):
        if letter == "。" or (letter == "." and text[at + 1 : at + 2] in ("", " ")):
            return text[: at + 1]
    return text


def _permissions(regions: Regions, index: int) -> str:
    row = regions.vma[index]
    flags = regions.mappings.flags[row]
    return f"< {regions.mappings.perms[row]}" + (f"  VmFlags: {printable_text(flags)}" if flags else "")


def _line(regions: Regions, index: int, digits: int, style: ExplainStyle) -> str:
    """One region as pmap -x shows a mapping; a part of a mapping has no dirty figure of its own."""
    region = regions[index]
    table = regions.mappings
    row = region.vma
    clean, dirty = table.column("Private_Dirty"), table.column("Shared_Dirty")
    whole = (table.start[row], table.end[row]) == (region.start, region.end)
    sum_dirty: int | None = None
    if clean is not None and dirty is not None and whole:
        sum_dirty = (clean[row] or 0) + (dirty[row] or 0)
    mode = table.perms[row][:3] + ("s" if table.perms[row][3] == "s" else "-") + "-"
    name = printable(table.name[row] or region.label.owner_name)
    name = name.rsplit("/", 1)[-1] if name.startswith("/") else name
    what = f"{name or '[ anon ]'}  {region.label.cls.value}/{region.label.kind}"
    if style.color:
        what = f"\x1b[{_COLORS.get(region.label.cls.value, '0')}m{what}\x1b[0m"
    figures = " ".join(f"{_kib(value):>7}" for value in (region.size, region.rss, sum_dirty))
    return f"{region.start:0{digits}x} {figures} {mode} {what}\n"


def _kib(size: int | None) -> str:
    if size is None:
        return "-"
    whole, rest = divmod(size, 1024)
    return str(whole) if not rest else f"{size / 1024:.1f}"


def _wrapped(text: str, width: int, indent: str) -> str:
    """Break text into lines of at most ``width`` columns, where blanks are or, in Chinese, anywhere."""
    lines = []
    line, columns = "", len(indent)
    for word in _words(printable_text(text)):
        size = _columns(word)
        if line and columns + size - (1 if word.endswith(" ") else 0) > width:
            lines.append(indent + line.rstrip())
            line, columns = "", len(indent)
        line += word
        columns += size
    if line.strip():
        lines.append(indent + line.rstrip())
    return "".join(f"{line}\n" for line in lines)


def _words(text: str) -> Iterator[str]:
    """Pieces that must not be broken: words with the blank behind them, wide characters one by one."""
    word = ""
    for letter in text:
        if unicodedata.east_asian_width(letter) in "WF":
            if letter in _CLOSING and word:
                word += letter  # closing punctuation stays on the line of what it closes
                continue
            if word:
                yield word
            word = letter
        elif letter == " ":
            yield word + " "
            word = ""
        elif word and unicodedata.east_asian_width(word[-1]) in "WF":
            yield word
            word = letter
        else:
            word += letter
    if word:
        yield word


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def findings_text(found: Sequence[Finding], width: int) -> str:
    """What deserves attention, with its cure."""
    if not found:
        return no_findings() + "\n"
    cure = cure_label()
    return "\n".join(
        f"! {finding_title(item)}\n"
        + _wrapped(finding_meaning(item), width, _INDENT)
        + _wrapped(f"{cure}: {finding_cure(item)}", width, _INDENT)
        for item in found
    )


def _page_text(page: PageFacts, style: ExplainStyle) -> str:
    sentences = "".join(_wrapped(sentence, style.width, _INDENT) for sentence in page_sentences(page))
    return f"{page_title(page)}\n{sentences}"


def glossary_text(term: str | None, width: int) -> str | None:
    """The glossary, or one term of it (any case); None where the term is unknown."""
    chosen = [name for name in terms() if term is None or name.lower() == term.lower()]
    if not chosen:
        return None
    return "\n".join(f"{name}\n" + _wrapped(meaning(name), width, _INDENT) for name in chosen)


@english()
def explain_json(report: Explanation, *, findings_only: bool = False) -> dict[str, Any]:
    """The report as plain values: inspect's, with a sentence, the reason and the classic place of each region."""
    base = inspect_json(report.inspection, None if findings_only else whole_choice())
    entries = base.pop("regions", [])
    regions = report.inspection.regions
    if regions is not None:
        for entry, region, classic in zip(entries, regions, report.classic, strict=False):
            writable = "w" in regions.mappings.perms[region.vma]
            entry["sentence"] = printable_text(region_sentence(region, writable=writable))
            entry["why"] = printable_text(why_text(region.label.evidence, region.label.certainty))
            entry["classic"] = classic_text(classic)
    answer = {**base, "schema": SCHEMA, "head": [printable_text(head_text(note)) for note in report.head]}
    if not findings_only:
        answer["regions"] = entries
        answer["blocks"] = (
            []
            if regions is None
            else [
                {"regions": list(block.regions), "sentence": printable_text(block_sentence(block, regions))}
                for block in report.blocks
            ]
        )
    answer["findings"] = [
        {
            "name": item.name,
            "title": finding_title(item),
            "meaning": printable_text(finding_meaning(item)),
            "cure": finding_cure(item),
            "figures": dict(item.figures),
        }
        for item in report.findings
    ]
    if report.page is not None:
        refusal = report.page.refusal
        answer["page"] = {
            **report.page._asdict(),
            "address": f"{report.page.address:#x}",
            "refusal": None if refusal is None else refusal_text(refusal),
        }
    return answer
