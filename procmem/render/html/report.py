"""The page of ``procmem report``: one HTML file with its style, script and data inside, which asks for nothing else.

Pictures and tables are made here, so that they are there without a script; the script adds search, ranges and what a
picture says when it is pointed at. A policy in the page itself forbids every request, and every script but its own.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from importlib import resources

from procmem.errors import SystemFailed
from procmem.model.kinds import ByteClass
from procmem.model.named_tuple import NamedTuple
from procmem.model.reports.explanation import Finding
from procmem.model.reports.inspection import ProcessFacts
from procmem.model.reports.report import MemoryReport, ShownGrowth, Subject
from procmem.model.snapshot import Nature
from procmem.render.escaping import printable, printable_text
from procmem.render.html.blocks import HtmlBlock, html_blocks
from procmem.render.html.course import CHART, GROWTH_MAX, course_columns, course_svg, growth_rows
from procmem.render.html.flame import curve_svg, flame_svg
from procmem.render.html.region_columns import RegionRow, largest_regions, region_columns
from procmem.render.html.treemap import treemap_svg
from procmem.render.html.waterfall import Waterfall, waterfall
from procmem.render.human import human_size
from procmem.render.pages.growth import growth_page
from procmem.render.pages.inspect import inspect_page
from procmem.render.pages.threads import threads_page
from procmem.render.palette import PALETTE, paint_of, patterns
from procmem.render.process_head import pid_text
from procmem.render.svg import SCALES, SvgLink, space_svg
from procmem.text import language, listed
from procmem.text.explanation import head_text, layout_text
from procmem.text.findings import cure_label, finding_cure, finding_meaning, finding_title, no_findings
from procmem.text.glossary import meaning, terms
from procmem.text.notes import note_text
from procmem.text.pages.inspect import told as told_of_process
from procmem.text.pages.report import script_word, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import jinja2

__all__ = ["need_templates", "report_html"]

EXTRA = "procmem[report]"
GROWTH_TOP = 20
_SCRIPT_WORDS = (
    "search", "search hint", "class", "kind", "size", "sort", "any", "at least", "by address", "by rss", "by size",
    "found", "nothing", "page", "next", "previous", "clear", "range",
)  # fmt: skip
_WORDS = (
    "skip", "contents", "summary", "space", "space, told", "scale", "scale, log", "scale, linear", "nothing mapped",
    "classes", "classes, told", "account", "account, bent", "account unknown", "time", "time, told", "range from",
    "range to", "growth", "code", "code, told", "threads", "threads unknown", "findings", "map", "glossary", "notes",
)  # fmt: skip
_HEADINGS = (
    "column what", "column before", "column after", "column by", "column rate", "column address", "column size",
    "column rss", "column pss", "column swap", "column mode", "column class", "column name",
)  # fmt: skip
_MINUS = "\u2212"
_MOSTLY_RESERVED = 2
_LOOKS_LEAST = 2
"""A single look has no course."""


class _TreeMaps(NamedTuple):
    """The two maps of one process with their captions; empty where there is nothing to show."""

    virt: str
    virt_caption: str
    rss: str
    rss_caption: str


class _TimePart(NamedTuple):
    """The course of one process."""

    svg: str
    looks: str
    growth: Sequence[tuple[str, str | None, str, str, str, str]]
    others: str


class _CodePart(NamedTuple):
    """Growth by code of one process; SVG is markup."""

    name: str
    blocks: Sequence[HtmlBlock]
    flame: str
    curve: str
    notes: Sequence[str]


class _ShownSubject(NamedTuple):
    """All that the template shows of one process; SVG is markup, everything else is text."""

    number: int
    name: str
    sentences: Sequence[str]
    summary: Sequence[HtmlBlock]
    spaces: Sequence[tuple[str, str]]
    maps: _TreeMaps
    account: Waterfall | None
    time: _TimePart | None
    threads: Sequence[HtmlBlock]
    findings: Sequence[tuple[str, str, str]]
    findings_text: str
    largest: Sequence[RegionRow]
    largest_text: str
    notes: Sequence[str]
    digits: int


def need_templates() -> None:
    """See to it that the page can be made.

    Raises:
        SystemFailed: Jinja2 is not installed.
    """
    try:
        import jinja2  # noqa: F401, PLC0415  # an extra
    except ImportError as error:
        raise SystemFailed("no-extra", module="jinja2", extra=EXTRA) from error


def report_html(report: MemoryReport) -> str:
    """The whole page."""
    script = _file("report.js")
    shown = [_name(subject) for subject in report.subjects] or [_who(one.report.process) for one in report.growths]
    when = datetime.fromtimestamp(report.when).astimezone().strftime("%Y-%m-%d %H:%M:%S %z")
    parts = [_part(number, subject) for number, subject in enumerate(report.subjects)]
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    page: str = _environment().get_template("report.html").render(
        language=language(),
        title=told("title", count=len(shown), names=listed(shown)),
        made=told("made", when=when, version=report.version),
        left_out=told("left out", count=report.left_out) if report.left_out else "",
        words={code: told(code) for code in _WORDS},
        headings={code: told(code) for code in _HEADINGS},
        cure=cure_label(),
        parts=parts,
        growths=[_code_part(one) for one in report.growths],
        has_time=any(part.time for part in parts),
        has_spaces=any(part.spaces for part in parts),
        classes=_classes(report),
        glossary=[(term, meaning(term)) for term in terms()],
        style=_file("report.css") + _colors(),
        script=script,
        digest=digest,
        patterns=patterns(),
        data=_data(report),
    )  # fmt: skip
    return page


def _file(name: str) -> str:
    return (resources.files("procmem.render.html") / "templates" / name).read_text("utf-8")


def _environment() -> jinja2.Environment:
    """Templates that make all text printable and escape it, and refuse values that are missing."""
    import jinja2  # noqa: PLC0415  # an extra, and no other command needs it

    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_file),
        autoescape=True,
        finalize=_shown,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["size"] = human_size
    return environment


def _shown(value: Any) -> Any:
    """A value as the page shows it: text made printable, before it is escaped; markup of our own as it is."""
    return printable_text(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _colors() -> str:
    """The colours of the classes: of marks in tables, and of the legend."""
    return "".join(f".p-{cls.value} {{ fill: {paint_of(cls)} }}\n" for cls in PALETTE)


def _name(subject: Subject) -> str:
    """A process by name and pid."""
    return _who(subject.told.inspection.process)


def _who(facts: ProcessFacts) -> str:
    pid = told_of_process("simulated") if facts.nature is Nature.SIMULATED else pid_text(facts.pid)
    return f"{printable(facts.comm) or '?'} ({pid})"


def _code_part(shown: ShownGrowth) -> _CodePart:
    page = growth_page(shown.report, shown.sums, shown.functions, "", by=None, top=GROWTH_TOP)
    return _CodePart(
        _who(shown.report.process),
        html_blocks(page.sections),
        flame_svg(shown.report),
        curve_svg(shown.report),
        page.notes,
    )


def _classes(report: MemoryReport) -> list[str]:
    """Those that occur, in their order."""
    found = {share.cls for subject in report.subjects for share in subject.shares}
    return [cls.value for cls in ByteClass if cls in found]


def _part(number: int, subject: Subject) -> _ShownSubject:
    explained = subject.told
    inspection = explained.inspection
    largest = largest_regions(explained)
    shown = frozenset(row.region for row in largest)
    layout = inspection.layout
    page = inspect_page(inspection, "", listed=None)
    has_regions = inspection.regions is not None

    def link(index: int) -> SvgLink:
        return SvgLink(f"#r-{number}-{index}" if index in shown else f"#map-{number}", index)

    return _ShownSubject(
        number=number,
        name=_name(subject),
        sentences=[*map(head_text, explained.head), *([] if layout is None else [layout_text(layout)])],
        summary=html_blocks(page.sections),
        spaces=[(scale, space_svg(inspection, scale, link=link)) for scale in SCALES] if inspection.tiles else [],
        maps=_maps(number, subject),
        account=waterfall(inspection),
        time=_time(subject),
        threads=[] if subject.threads is None else html_blocks(threads_page(subject.threads, "").sections),
        findings=[_finding(one) for one in explained.findings],
        findings_text="" if explained.findings else no_findings() if has_regions else told("findings unknown"),
        largest=largest,
        largest_text=told("map, largest", count=len(largest), all=len(inspection.regions or ())),
        notes=[note_text(note) for note in inspection.warnings],
        digits=8 if inspection.process.bits == 32 else 12,
    )


def _finding(one: Finding) -> tuple[str, str, str]:
    return finding_title(one), finding_meaning(one), finding_cure(one)


def _maps(number: int, subject: Subject) -> _TreeMaps:
    """By VIRT and by RES; reserved address space is left out where it would leave no room."""
    shares = subject.shares
    totals = subject.told.inspection.totals
    virt = sum(share.virt for share in shares)
    reserved = sum(share.virt for share in shares if share.cls is ByteClass.RESERVED)
    caption = told("map of virt", size=totals.virt)
    if _MOSTLY_RESERVED * reserved > virt:
        shares = tuple(share for share in shares if share.cls is not ByteClass.RESERVED)
        caption = told("map of virt, rest", size=virt - reserved, reserved=reserved)

    def link(cls: ByteClass) -> str:
        return f"#c-{number}-{cls.value}"

    rss_caption = told("map of rss", size=totals.rss)
    return _TreeMaps(
        treemap_svg(shares, by_rss=False, title=caption, link=link),
        caption,
        treemap_svg(subject.shares, by_rss=True, title=rss_caption, link=link),
        rss_caption,
    )


def _time(subject: Subject) -> _TimePart | None:
    course = subject.course
    if course is None or len(course.times) < _LOOKS_LEAST:
        return None
    growth = [(name, cls, *_change(first, last, rate)) for name, cls, first, last, rate in growth_rows(course)]
    return _TimePart(
        course_svg(course, told("time")),
        told(
            "time, looks" if len(course.times) == course.looks else "time, some looks",
            count=course.looks,
            shown=len(course.times),
        ),
        growth,
        told("growth, others", count=course.others) if course.others else "",
    )


def _change(first: int | None, last: int | None, rate: int | None) -> tuple[str, str, str, str]:
    by = None if first is None or last is None else last - first
    return human_size(first), human_size(last), _signed(by), _signed(rate)


def _signed(size: int | None) -> str:
    """A change with its sign."""
    if not size:
        return human_size(size)
    return f"+{human_size(size)}" if size > 0 else f"{_MINUS}{human_size(-size)}"


def _data(report: MemoryReport) -> str:
    """What the script reads, as JSON that ends no element: no text of a process can be markup."""
    document = {
        "words": {code: script_word(code) for code in _SCRIPT_WORDS},
        "headings": {code: told(code) for code in _HEADINGS},
        "chart": CHART,
        "most": GROWTH_MAX,
        "language": language(),
        "subjects": [_subject_data(subject) for subject in report.subjects],
    }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _subject_data(subject: Subject) -> dict[str, Any]:
    bits = subject.told.inspection.process.bits
    return {
        "name": _name(subject),
        "digits": 8 if bits == 32 else 12,
        "regions": region_columns(subject.told),
        "course": None if subject.course is None else course_columns(subject.course),
        "started": None if subject.course is None or not subject.course.times else subject.course.times[0],
    }
