"""The page and the JSON of ``procmem crosscheck TARGET``: the laws of the layout, and what came of each."""

from typing import Any

from procmem.model.laws import Outcome
from procmem.model.reports.laws import LawReport
from procmem.render.escaping import printable_text
from procmem.render.json.fields import facts_json
from procmem.render.pages.simulate import cross_json, cross_page
from procmem.render.process_head import head_text
from procmem.render.sheet import Column, Sheet, to_text

__all__ = ["SCHEMA", "laws_json", "laws_page"]

SCHEMA = "procmem/laws/1"


def laws_page(report: LawReport) -> str:
    """Each law with its outcome and figures, the textbook's areas beside the real ones, and the exact comparison."""
    held = sum(1 for law in report.laws if law.outcome is Outcome.HOLDS)
    broken = sum(1 for law in report.laws if law.outcome is Outcome.BROKEN)
    lines = [head_text(report.process)]
    if report.laws:
        lines.append(
            f"laws of the layout: {held} hold, {broken} broken, {len(report.laws) - held - broken} not applicable"
        )
    else:
        lines.append("laws of the layout: none can be checked (no mappings may be read, or no x86 process)")
    for law in report.laws:
        lines.append(f"  {law.outcome.value:<14}  {law.name} ({law.row}): {law.says}")
        lines.append(f"  {'':<14}    {printable_text(law.figures)}    [{law.source}]")
    digits = 8 if report.process.bits == 32 else 16
    rows = [
        (
            one.area,
            one.textbook,
            f"{one.here[0]:0{digits}x}-{min(one.here[1], (1 << 4 * digits) - 1):0{digits}x}" if one.here else "none",
        )
        for one in report.counterparts
    ]
    columns = (Column("area", "text"), Column("in the textbook (32 bit)", "text"), Column("here", "text"))
    lines.append("")
    lines.append(to_text(Sheet(columns, rows), str))
    if report.exact is not None:
        lines.append("foretold from its files, drawn values filled in:")
        lines.append(cross_page(report.exact).rstrip("\n"))
    else:
        lines.append(f"not foretold line by line: {printable_text(report.not_exact or '')}")
    return "\n".join(lines) + "\n"


def laws_json(report: LawReport) -> dict[str, Any]:
    """The document of schema ``procmem/laws/1``."""
    return {
        "schema": SCHEMA,
        "process": facts_json(report.process),
        "holds": report.holds,
        "laws": [{**law._asdict(), "outcome": law.outcome.value} for law in report.laws],
        "counterparts": [
            {
                "area": one.area,
                "textbook": one.textbook,
                "start": f"{one.here[0]:#x}" if one.here else None,
                "end": f"{one.here[1]:#x}" if one.here else None,
            }
            for one in report.counterparts
        ],
        "exact": cross_json([report.exact]) if report.exact is not None else None,
        "not_exact": report.not_exact,
    }
