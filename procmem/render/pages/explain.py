"""The annotated map: a head, then each block's lines as pmap -x shows them, and its sentence below."""

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from procmem.model.raw import PageState
from procmem.model.region import Regions
from procmem.model.reports.explanation import Block, Explanation, Finding, PageFacts, Phrasebook
from procmem.render.escaping import printable, printable_text
from procmem.render.json.inspect import inspect_json
from procmem.render.process_head import head_text

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


def explain_page(report: Explanation, words: Phrasebook, style: ExplainStyle) -> str:
    """The page for a person."""
    parts = [head_text(report.inspection.process)]
    if style.only is None and not style.classes:
        parts.append("".join(_wrapped(sentence, style.width, "") for sentence in (*report.head, report.layout or "")))
    regions = report.inspection.regions
    if regions is not None:
        parts.append(_map(report, regions, style))
    if report.page is not None:
        parts.append(_page_text(report.page, words, style))
    if style.only is None and not style.classes and report.findings:
        parts.append(findings_text(report.findings, words, style.width))
    notes = "".join(_wrapped(f"note: {printable_text(text)}", style.width, "") for text in report.inspection.warnings)
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
        blocks = [Block((index,), report.regions[index].sentence) for index in chosen]
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
        if style.brief:
            lines.append(_wrapped(_first_sentence(block.sentence), style.width, _INDENT))
            continue
        lines.append(_wrapped(block.sentence, style.width, _INDENT))
        if style.why:
            told = report.regions[block.regions[0]]
            lines.append(_wrapped(f"= {told.classic}", style.width, _INDENT))
            lines.append(_wrapped(f"< {told.why}", style.width, _INDENT))
            lines.append(_wrapped(_permissions(regions, block.regions[0]), style.width, _INDENT))
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


def findings_text(found: Sequence[Finding], words: Phrasebook, width: int) -> str:
    """What deserves attention, with its cure."""
    if not found:
        return words.say("findings_page", "none") + "\n"
    cure = words.say("findings_page", "cure")
    return "\n".join(
        f"! {item.title}\n" + _wrapped(item.meaning, width, _INDENT) + _wrapped(f"{cure}: {item.cure}", width, _INDENT)
        for item in found
    )


def _page_text(page: PageFacts, words: Phrasebook, style: ExplainStyle) -> str:
    lines = [words.say("page", "title", address=f"{page.address:#x}") + "\n"]
    sentences = []
    if page.state is not None:
        if not page.state:
            sentences.append(words.say("page", "untouched"))
        names = (
            (PageState.GUARD, "guard"),
            (PageState.ZERO, "zero"),
            (PageState.PRESENT, "present"),
            (PageState.SWAPPED, "swapped"),
            (PageState.FILE, "file"),
            (PageState.HUGE, "huge"),
        )
        sentences += [words.say("page", key) for bit, key in names if page.state & bit]
    if page.frame is not None:
        sentences.append(words.say("page", "frame", frame=f"{page.frame:#x}"))
    if page.flags is not None:
        sentences.append(words.say("page", "flags", flags=", ".join(page.flags) or "-"))
    if page.maps is not None:
        sentences.append(words.say("page", "maps", maps=page.maps))
    if page.refusal is not None:
        sentences.append(words.say("page", "refused", reason=page.refusal))
    lines += [_wrapped(sentence, style.width, _INDENT) for sentence in sentences]
    return "".join(lines)


def glossary_text(words: Phrasebook, term: str | None, width: int) -> str | None:
    """The glossary, or one term of it (any case); None where the term is unknown."""
    terms = words.sections["glossary"]
    chosen = [name for name in terms if term is None or name.lower() == term.lower()]
    if not chosen:
        return None
    return "\n".join(f"{name}\n" + _wrapped(terms[name], width, _INDENT) for name in chosen)


def explain_json(report: Explanation, *, findings_only: bool = False) -> dict[str, Any]:
    """The report as plain values: inspect's, with a sentence, the reason and the classic place of each region."""
    base = inspect_json(report.inspection, None if findings_only else range(len(report.inspection.regions or ())))
    regions = base.pop("regions", [])
    for entry, told in zip(regions, report.regions, strict=False):
        entry["sentence"] = printable_text(told.sentence)
        entry["why"] = printable_text(told.why)
        entry["classic"] = told.classic
    answer = {**base, "schema": SCHEMA, "head": [printable_text(text) for text in report.head]}
    if not findings_only:
        answer["regions"] = regions
        answer["blocks"] = [
            {"regions": list(block.regions), "sentence": printable_text(block.sentence)} for block in report.blocks
        ]
    answer["findings"] = [
        {
            "name": item.name,
            "title": item.title,
            "meaning": printable_text(item.meaning),
            "cure": item.cure,
            "figures": dict(item.figures),
        }
        for item in report.findings
    ]
    if report.page is not None:
        answer["page"] = {**report.page._asdict(), "address": f"{report.page.address:#x}"}
    return answer
