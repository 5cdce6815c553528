"""The annotated map: a head, then each block's lines as pmap -x shows them, and its sentence below."""

from __future__ import annotations

from operator import sub

from procmem.model.named_tuple import NamedTuple
from procmem.model.proc_keys import SmapsKey
from procmem.model.region import Regions
from procmem.model.reports.explanation import BlockForm, ExplainedBlock, Explanation, Finding, PageFacts
from procmem.model.unknown import exact_sum
from procmem.model.vm_flags import words_of_flags
from procmem.render.columns import column
from procmem.render.escaping import printable, printable_text
from procmem.render.page import READABLE, AnnotatedMap, Block, MapLine, MapPiece, Page, Prose, Sheet
from procmem.render.pmap_format import pmap_mode
from procmem.render.process_head import process_head
from procmem.text.block_texts import BlockTexts
from procmem.text.explanation import block_sentences, classic_text, head_text, layout_text, why_text
from procmem.text.findings import cure_label, finding_cure, finding_meaning, finding_title, no_findings
from procmem.text.glossary import meaning, term_of, terms
from procmem.text.kinds import between_sentences, joined, region_sentences
from procmem.text.notes import note_text
from procmem.text.page import page_sentences, page_title
from procmem.text.pages.explain import HEADINGS, no_region_fits
from procmem.text.vm_flags import flags_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

__all__ = ["ExplainChoice", "explain_page", "findings_page", "glossary_page", "region_page"]

_INDENT = "    "
_BLOCKS_AT_ONCE = 1024
"""Blocks whose texts are kept at a time."""
_TOLD_IN_HEAD = frozenset({"kernel thread", "zombie"})
"""Notes of which the head of the page says more."""


class ExplainChoice(NamedTuple):
    """What is told: blocks or single lines, and how much of each.

    ``shown`` are the regions to tell of, by index, None for all: those of the report's blocks. ``only`` is one
    region's index.
    """

    flat: bool = False
    descending: bool = False
    why: bool = False
    brief: bool = False
    shown: Collection[int] | None = None
    only: int | None = None


def explain_page(report: Explanation, choice: ExplainChoice) -> Page:
    """The map with its sentences, and what deserves attention."""
    inspection = report.inspection
    whole = choice.only is None and choice.shown is None
    sections: list[Sequence[Block]] = [process_head(inspection.process)]
    if whole:
        layout = inspection.layout
        sentences = [*map(head_text, report.head), *([] if layout is None else [layout_text(layout)])]
        sections.append([Prose(sentence, measure=READABLE) for sentence in sentences])
    regions = inspection.regions
    if regions is not None:
        sections.append(list(_map(report, regions, choice)))
    if report.page is not None:
        sections.append(_page(report.page))
    if whole and report.findings:
        sections += _findings(report.findings)
    return Page(
        sections=sections,
        table=lambda: _table(report, choice),
        document=lambda: _document(report),
        notes=[note_text(note) for note in inspection.warnings if not (whole and note.code in _TOLD_IN_HEAD)],
    )


def findings_page(report: Explanation) -> Page:
    """What deserves attention alone."""
    notes = [note_text(note) for note in report.inspection.warnings]
    unread = report.inspection.regions is None  # then nothing was looked for, and the notes say why
    nothing: Sequence[Sequence[Block]] = [] if unread else [[Prose(no_findings())]]
    return Page(
        sections=[process_head(report.inspection.process), *(_findings(report.findings) or nothing)],
        table=lambda: _findings_table(report),
        document=lambda: _document(report, findings_only=True),
        notes=notes if unread else (),
        remarks=() if unread else notes,
    )


def _document(report: Explanation, *, findings_only: bool = False) -> object:
    from procmem.render.json.explain import explain_json  # noqa: PLC0415  # a page for a person does without

    return explain_json(report, findings_only=findings_only)


def _chosen(regions: Regions, choice: ExplainChoice) -> list[int]:
    """The regions to tell of, by index."""
    if choice.only is not None:
        return [choice.only]
    return list(range(len(regions)) if choice.shown is None else choice.shown)


def _map(report: Explanation, regions: Regions, choice: ExplainChoice) -> Iterator[Block]:
    chosen = _chosen(regions, choice)
    blocks: Sequence[ExplainedBlock] = report.blocks
    if choice.flat or choice.why or choice.only is not None:
        blocks = [ExplainedBlock((index,), BlockForm.ONE, (index,)) for index in chosen]
    if not blocks and choice.shown is not None:
        yield Prose(no_region_fits())
        return
    if choice.descending:
        blocks = [block._replace(regions=block.regions[::-1]) for block in reversed(blocks)]
    digits = 8 if report.inspection.process.bits == 32 else 16
    yield MapLine(f"{'Address':<{digits}}  Kbytes     RSS   Dirty Mode  ", "Mapping", "")
    yield AnnotatedMap(lambda: _pieces(report, regions, blocks, choice, digits), between_sentences(), _INDENT)


def _pieces(
    report: Explanation, regions: Regions, blocks: Sequence[ExplainedBlock], choice: ExplainChoice, digits: int
) -> Iterator[MapPiece]:
    """The blocks, some at a time, as pmap -x shows mappings."""
    lines, texts = _Lines(regions, digits), BlockTexts(regions)
    for at in range(0, len(blocks), _BLOCKS_AT_ONCE):
        some = blocks[at : at + _BLOCKS_AT_ONCE]
        indexes = [index for block in some for index in block.regions]
        told = [(block_sentences(block, regions)[0], "") for block in some] if choice.brief else texts.in_parts(some)
        why = [_why(report, regions, block.regions[0]) for block in some] if choice.why and not choice.brief else ()
        yield MapPiece(*lines.of(indexes), [len(block.regions) for block in some], told, why)


def _why(report: Explanation, regions: Regions, index: int) -> tuple[str, ...]:
    """How we know what a region is, and what the kernel says of its mapping."""
    label = regions.label[index]
    return (
        f"= {classic_text(report.classic[index])}",
        f"< {why_text(label.evidence, label.certainty)}",
        _permissions(regions, index),
    )


def _told(sentence: str) -> Prose:
    return Prose(sentence, _INDENT, measure=READABLE)


def _permissions(regions: Regions, index: int) -> str:
    row = regions.vma[index]
    words = words_of_flags(regions.mappings.flags[row])
    return f"< {regions.mappings.perms[row]}" + (f"  VmFlags: {printable_text(flags_text(words))}" if words else "")


def _dirty(regions: Regions) -> list[int | None]:
    """The dirty pages of each region; a part of a mapping has no such figure of its own."""
    table = regions.mappings
    private, shared = table.column(SmapsKey.PRIVATE_DIRTY), table.column(SmapsKey.SHARED_DIRTY)
    if private is None or shared is None:
        return [None] * len(regions)
    of_mappings = list(map(exact_sum, zip(private, shared, strict=True)))
    dirty = list(map(of_mappings.__getitem__, regions.vma))
    for index in regions.shares or range(len(regions)):  # those that may be a part: of no others figures are shared out
        row = regions.vma[index]
        if (table.start[row], table.end[row]) != (regions.start[index], regions.end[index]):
            dirty[index] = None
    return dirty


class _ShownNames(dict[bytes | None, str]):
    """Names as they are shown: of many thousand regions few have different ones."""

    def __missing__(self, name: bytes | None) -> str:
        shown = self[name] = printable(name)
        return shown


def _names(regions: Regions) -> list[str]:
    """What each region is called: by the kernel, or else whose it is."""
    shown, given = _ShownNames(), regions.mappings.name
    owners = regions.for_each_label(lambda label: label.owner_name)
    return [shown[given[row] or owner] for row, owner in zip(regions.vma, owners, strict=True)]


class _ShortNames(dict[str, str]):
    """Names as they stand in a line of a map: a file without its folders."""

    def __missing__(self, name: str) -> str:
        short = self[name] = (name.rsplit("/", 1)[-1] if name.startswith("/") else name) or "[ anon ]"
        return short


class _Lines:
    """Regions as pmap -x shows mappings, column by column."""

    def __init__(self, regions: Regions, digits: int) -> None:
        self._regions = regions
        self._names, self._dirty, self._short, self._kib = _names(regions), _dirty(regions), _ShortNames(), _KibTexts()
        self._modes = {perms: f" {pmap_mode(perms)} " for perms in set(regions.mappings.perms)}
        self._whats = regions.for_each_label(lambda label: (f"  {label.cls.value}/{label.kind}", label.cls.value))
        self._address = f"%0{digits}x"

    def of(self, indexes: Sequence[int]) -> tuple[list[list[str]], list[str], list[tuple[str, str]]]:
        """The figures, the names, and what the regions at some indexes are."""
        regions, kib, mode = self._regions, self._kib.__getitem__, self._modes.__getitem__
        starts = list(map(regions.start.__getitem__, indexes))
        sizes = map(sub, map(regions.end.__getitem__, indexes), starts)
        rss, dirty = map(regions.rss.__getitem__, indexes), map(self._dirty.__getitem__, indexes)
        perms = map(regions.mappings.perms.__getitem__, map(regions.vma.__getitem__, indexes))
        columns = (
            map(self._address.__mod__, starts),
            map(kib, sizes),
            map(kib, rss),
            map(kib, dirty),
            map(mode, perms),
        )
        return (
            list(map(list, columns)),
            list(map(self._short.__getitem__, map(self._names.__getitem__, indexes))),
            list(map(self._whats.__getitem__, indexes)),
        )


class _KibTexts(dict[int | None, str]):
    """Sizes as the cells of a map show them: of many thousand few are different."""

    def __missing__(self, size: int | None) -> str:
        text = self[size] = f" {_kib(size):>7}"
        return text


def _kib(size: int | None) -> str:
    if size is None:
        return "-"
    whole, rest = divmod(size, 1024)
    return str(whole) if not rest else f"{size / 1024:.1f}"


def _findings(found: Sequence[Finding]) -> list[Sequence[Block]]:
    """What deserves attention, with its cure."""
    cure = cure_label()
    return [
        [
            Prose(f"! {finding_title(item)}", "", "  "),
            _told(finding_meaning(item)),
            _told(f"{cure}: {finding_cure(item)}"),
        ]
        for item in found
    ]


def _page(page: PageFacts) -> list[Block]:
    return [Prose(page_title(page)), *map(_told, page_sentences(page))]


def _table(report: Explanation, choice: ExplainChoice) -> Sheet:
    report.inspection.need_regions()
    return _sheet(report, choice)


def _findings_table(report: Explanation) -> Sheet:
    report.inspection.need_regions()
    return _findings_sheet(report.findings)


def _sheet(report: Explanation, choice: ExplainChoice) -> Sheet:
    """Every region with its sentence, one row each."""
    columns = (
        column(HEADINGS, "start", "address"),
        column(HEADINGS, "end", "address", rank=2),
        column(HEADINGS, "size", "size"),
        column(HEADINGS, "rss", "size"),
        column(HEADINGS, "dirty", "size", rank=1),
        column(HEADINGS, "mode", "text"),
        column(HEADINGS, "class", "class"),
        column(HEADINGS, "kind", "text"),
        column(HEADINGS, "mapping", "path"),
        column(HEADINGS, "sentence", "text", below=True),
    )
    regions = report.inspection.regions
    if regions is None:
        return Sheet(columns, ())
    rows = []
    names, dirty = _names(regions), _dirty(regions)
    for index in _chosen(regions, choice):
        region = regions[index]
        perms = regions.mappings.perms[region.vma]
        rows.append(
            (
                region.start,
                region.end,
                region.size,
                region.rss,
                dirty[index],
                pmap_mode(perms),
                region.label.cls.value,
                region.label.kind,
                names[index],
                joined(*region_sentences(regions, index)),
            )
        )
    return Sheet(columns, rows)


def _findings_sheet(found: Sequence[Finding]) -> Sheet:
    columns = (
        column(HEADINGS, "finding", "text"),
        column(HEADINGS, "title", "text"),
        column(HEADINGS, "meaning", "text"),
        column(HEADINGS, "cure", "text"),
    )
    return Sheet(columns, [(one.name, finding_title(one), finding_meaning(one), finding_cure(one)) for one in found])


def glossary_page(wanted: Sequence[str]) -> Page | None:
    """The glossary, or some terms of it (any case); None where a term is unknown."""
    found = [term_of(word) for word in wanted]
    if None in found:
        return None
    chosen = [term for term in found if term is not None] if wanted else list(terms())
    columns = (column(HEADINGS, "term", "text"), column(HEADINGS, "meaning", "text"))
    return Page(
        [[Prose(name), _told(meaning(name))] for name in chosen],
        lambda: Sheet(columns, [(name, meaning(name)) for name in chosen]),
        lambda: {
            "schema": "procmem/glossary/1",
            "terms": [{"term": name, "meaning": meaning(name)} for name in chosen],
        },
    )


def region_page(report: Explanation, index: int) -> Page:
    """One region alone, without the head of the process: its line, its sentences, the evidence."""
    regions = report.inspection.regions
    blocks = [] if regions is None else list(_map(report, regions, ExplainChoice(only=index, why=True)))
    return Page([blocks], lambda: _table(report, ExplainChoice(only=index)), lambda: _document(report))
