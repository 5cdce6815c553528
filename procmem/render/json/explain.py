"""The document ``procmem/explain/1``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import repeat

from procmem.model.reports.explanation import Explanation, Finding, PageFacts
from procmem.render.escaping import printable_text
from procmem.render.json.fields import address
from procmem.render.json.inspect import inspect_json
from procmem.render.json.items import Items
from procmem.text import english, listed
from procmem.text.block_texts import BlockTexts
from procmem.text.explanation import classic_text, head_text, why_text
from procmem.text.findings import finding_cure, finding_meaning, finding_title
from procmem.text.kinds import joined, region_sentences
from procmem.text.refusals import refusal_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SCHEMA", "explain_json"]

SCHEMA = "procmem/explain/1"


@english()
def explain_json(report: Explanation, *, findings_only: bool = False) -> dict[str, Any]:
    """The report as plain values: inspect's, with a sentence, the reason and the classic place of each region."""
    regions = report.inspection.regions
    answer = inspect_json(report.inspection, None if findings_only else range(len(regions or ())))
    answer["schema"] = SCHEMA
    answer["head"] = [printable_text(head_text(note)) for note in report.head]
    unread = report.inspection.is_unread  # then nothing was looked for in them either
    answer["freed"] = report.freed
    answer["counted_again"] = report.again
    of_inspect = answer["regions"]
    answer["regions"] = (
        None if findings_only or unread else Items(len(of_inspect), lambda: _regions(report, of_inspect))
    )
    answer["blocks"] = None if findings_only or unread else _blocks(report)
    answer["findings"] = None if unread else [_finding(item) for item in report.findings]
    answer["page"] = None if report.page is None else _page(report.page)
    return answer


def _regions(report: Explanation, entries: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each region as inspect has it, and what explains it."""
    regions = report.inspection.regions
    if regions is None:
        return
    for index, (entry, label, classic) in enumerate(zip(entries, regions.label, report.classic, strict=True)):
        entry["sentence"] = printable_text(joined(*region_sentences(regions, index)))
        entry["why"] = printable_text(why_text(label.evidence, label.certainty))
        entry["classic"] = classic_text(classic)
        yield entry


def _blocks(report: Explanation) -> list[dict[str, Any]]:
    regions = report.inspection.regions
    sentences = repeat("") if regions is None else BlockTexts(regions).joined(report.blocks)
    return [
        {"regions": list(block.regions), "sentence": printable_text(sentence)}
        for block, sentence in zip(report.blocks, sentences, strict=False)
    ]


def _finding(item: Finding) -> dict[str, Any]:
    return {
        "name": item.name,
        "title": finding_title(item),
        "meaning": printable_text(finding_meaning(item)),
        "cure": finding_cure(item),
        "figures": {name: _figure(value) for name, value in item.figures.items()},
    }


def _page(page: PageFacts) -> dict[str, Any]:
    return {
        "address": address(page.address),
        "page_size": page.page_size,
        "state": page.state,
        "frame": page.frame,
        "flags": None if page.flags is None else list(page.flags),
        "maps": page.maps,
        "refusal": None if page.refusal is None else refusal_text(page.refusal),
    }


def _figure(value: int | str | tuple[int, ...] | None) -> int | str | None:
    """A figure of a finding; several numbers as one text."""
    return listed(map(str, value)) if isinstance(value, tuple) else value
