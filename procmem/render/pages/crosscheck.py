"""The page of ``procmem crosscheck run``: stages predicted and real, line by line; or the bases of many runs."""

from collections.abc import Sequence
from math import log2

from procmem.model.note import Note
from procmem.model.reports.crosscheck import CrossLine, CrossReport, DrawnRow, LineVerdict
from procmem.model.script import ScriptReport, StepReport
from procmem.render.columns import column
from procmem.render.escaping import printable, printable_text
from procmem.render.json.simulate import cross_json, drawn_json, script_json
from procmem.render.page import Block, Page, Picture, Prose, Sheet, Value
from procmem.text import gettext, listed
from procmem.text.failures import failure_text
from procmem.text.pages.simulate import HEADINGS, VERDICTS, base, told
from procmem.text.simulate import note_text, origin_text, rule_text, step_text

__all__ = ["cross_page", "drawn_page", "script_page", "stage_blocks"]

_BAR = 40
_INDENT = 2


def cross_page(reports: Sequence[CrossReport], origin: Note, *, everything: bool = False) -> Page:
    """The verdict, a line for each stage, the map of the last one; and where the facts of the kernel are from.

    ``everything`` shows the maps of all stages.
    """
    last = next((report for report in reversed(reports) if report.lines and report.failures[1] is None), None)
    blocks: list[Block] = [Prose(_verdict(reports)), Prose(told("sides")), Prose("")]
    for report in reports:
        blocks += stage_blocks(report, lines=everything or report is last or not report.holds)
    notes = [note_text(note) for report in reports for note in report.prediction.notes]
    unchecked = [told("unchecked", reason=failure_text(report.unchecked)) for report in reports if report.unchecked]
    return Page(
        sections=[[*blocks, Prose(told("facts", origin=printable_text(origin_text(origin))))]],
        table=lambda: _sheet(reports),
        document=lambda: cross_json(reports),
        remarks=[*unchecked, *notes],
    )


def script_page(report: ScriptReport, origin: Note, *, everything: bool = False) -> Page:
    """The verdict, the stage where the script begins, a line for each step; and what differs after the first wrong one.

    ``everything`` shows the map after each step.
    """
    wrong = next((step for step in report.steps if not step.holds), None)
    if wrong is not None:
        verdict = told("script wrong", line=wrong.line, step=printable_text(wrong.text))
    elif not report.main.holds:
        verdict = _verdict([report.main])
    else:
        short = any(step.report.unchecked is not None for step in report.steps)
        verdict = told("script right, as far as it got" if short else "script right", count=len(report.steps))
    sides = told("sides of a script", program=report.main.prediction.program)
    blocks: list[Block] = [Prose(verdict), Prose(sides), Prose("")]
    blocks += stage_blocks(report.main, lines=everything or not report.main.holds)
    for step in report.steps:
        blocks += _step_blocks(step, lines=_shown_of(step, everything=everything, is_first_wrong=step is wrong))
    return Page(
        sections=[[*blocks, Prose(told("facts", origin=printable_text(origin_text(origin))))]],
        table=lambda: _script_sheet(report),
        document=lambda: script_json(report),
        remarks=[note_text(note) for note in report.main.prediction.notes],
    )


def _shown_of(step: StepReport, *, everything: bool, is_first_wrong: bool) -> Sequence[CrossLine]:
    """The lines to show: all, or those that differ of the first step after which any do."""
    if everything:
        return step.report.lines
    return [line for line in step.report.lines if is_first_wrong and line.verdict is not LineVerdict.SAME]


def _step_blocks(step: StepReport, *, lines: Sequence[CrossLine]) -> list[Block]:
    """What came of one step, and how many lines are as predicted; and ``lines`` of the map."""
    predicted, real = step.report.failures
    ended = step.report.failures != (None, None)
    summary = told("script ended") if ended else _summary(step.report)
    text = printable_text(step_text(step.text, step.outcome))
    blocks: list[Block] = [Prose(told("script step", line=step.line, step=text, summary=summary), "", "  ")]
    if (predicted is None) != (real is None):
        blocks.append(_told("other end", real=printable_text(failure_text(real) if real else told("got here"))))
    if step.values is not None and step.values[0] != step.values[1]:
        blocks.append(_told("other result", real=_result(step.values[1])))
    if lines:
        blocks.append(_lines(lines))
    return blocks


def _result(value: int) -> str:
    """An address, or a negated error number."""
    return str(value) if value < 0 else f"{value:#x}"


def _script_sheet(report: ScriptReport) -> Sheet:
    """Every line after every step, for programs."""
    whole = _sheet([report.main])
    columns = (column(HEADINGS, "step", "count"), *whole.columns[1:])
    rows = [(0, *cells[1:]) for cells in whole.rows]
    for step in report.steps:
        rows += [(step.line, *_cells(step.report, line)[1:]) for line in step.report.lines]
    return Sheet(columns, rows)


def _verdict(reports: Sequence[CrossReport]) -> str:
    """Whether all came as predicted, of the stages that could be looked at."""
    wrong = [report.prediction.stage.value for report in reports if not report.holds]
    if wrong:
        return told("wrong", stages=listed(wrong))
    if all(report.unchecked is not None for report in reports):
        return told("nothing looked at")
    short = any(report.unchecked is not None or report.failures[1] is not None for report in reports)
    return told("right, as far as it got" if short else "right")


def stage_blocks(report: CrossReport, *, lines: bool = True) -> list[Block]:
    """One stage: the count, and with ``lines`` predicted, real, verdict and rule, line by line."""
    prediction = report.prediction
    blocks: list[Block] = [Prose(told("stage", stage=prediction.stage.value, summary=_summary(report)), "", "  ")]
    predicted, real = report.failures
    if predicted is not None or real is not None:
        blocks.append(
            _told("was predicted", what=printable_text(failure_text(predicted) if predicted else told("gets here")))
        )
        blocks.append(_told("was real", what=printable_text(failure_text(real) if real else told("got here"))))
    if report.lines and real is None and lines:
        blocks.append(_lines(report.lines))
    if report.esp is not None:
        code = "esp same" if report.esp[0] == report.esp[1] else "esp differs"
        blocks.append(_told(code, predicted=report.esp[0], real=report.esp[1]))
    for wanted in prediction.ranges if report.draws is not None else ():
        code = _VERDICTS[dict(report.within).get(wanted.base, True)]
        blocks.append(_told(code, base=base(wanted.base.value), first=wanted.first, last=wanted.last))
    blocks += [_told("note", text=printable_text(note_text(note))) for note in prediction.notes]
    return blocks


_VERDICTS = {True: "inside", False: "outside", None: "undecided"}


def _told(code: str, **figures: object) -> Prose:
    return Prose(told(code, **figures), "  ", "    ")


def _summary(report: CrossReport) -> str:
    if report.unchecked is not None:
        return told("unchecked", reason=printable_text(failure_text(report.unchecked)))
    if report.failures != (None, None):
        return told("does not get here" if report.holds else "not as predicted")
    code = "exact" if report.draws is None else "exact once fitted"
    parts = [told(code, exact=report.exact, count=report.called_exact)]
    others = len([line for line in report.lines if line.predicted is not None]) - report.called_exact
    if others:
        parts.append(told("shape only", others=others))
    extra = sum(1 for line in report.lines if line.verdict is LineVerdict.EXTRA)
    if extra:
        parts.append(told("not predicted", extra=extra))
    return listed(parts)


def _lines(lines: Sequence[CrossLine]) -> Sheet:
    columns = (
        column(HEADINGS, "predicted", "text", least=17),
        column(HEADINGS, "perms", "text")._replace(key="predicted_perms"),
        column(HEADINGS, "offset", "text", rank=1)._replace(key="predicted_offset"),
        column(HEADINGS, "real", "text", least=17),
        column(HEADINGS, "perms", "text", rank=3)._replace(key="real_perms"),
        column(HEADINGS, "offset", "text", rank=2)._replace(key="real_offset"),
        column(HEADINGS, "verdict", "text"),
        column(HEADINGS, "name", "path", least=16),
        column(HEADINGS, "rule", "text", below=True),
    )
    rows = []
    for line in lines:
        predicted = line.predicted
        left = right = ("", "", "")
        name, rule = b"", ""
        if predicted is not None:
            left = _place(predicted.start, predicted.end, predicted.perms, predicted.offset)
            name, rule = predicted.name, rule_text(predicted.rule)
        if line.real is not None:
            right, name = _place(*line.real[:4]), line.real[4]
        verdict = gettext(VERDICTS[line.verdict.value])
        rows.append((*left, *right, verdict, printable(name) or "[anon]", printable_text(rule)))
    return Sheet(columns, rows, indent=_INDENT)


def _place(start: int, end: int, perms: str, offset: int) -> tuple[str, str, str]:
    return f"{start:08x}-{end:08x}", perms, f"{offset:08x}"


_PLACE = ("start", "end", "perms", "offset")


def _sheet(reports: Sequence[CrossReport]) -> Sheet:
    """Every line of every stage, predicted and real, for programs."""
    kinds = ("address", "address", "text", "address")
    columns = (
        column(HEADINGS, "stage", "text"),
        column(HEADINGS, "verdict", "text"),
        *(
            column(HEADINGS, name, kind)._replace(
                key=f"{side}_{name}", heading=f"{gettext(HEADINGS[side])} {gettext(HEADINGS[name])}"
            )
            for side in ("predicted", "real")
            for name, kind in zip(_PLACE, kinds, strict=True)
        ),
        column(HEADINGS, "name", "path"),
        column(HEADINGS, "rule", "text"),
    )
    return Sheet(columns, [_cells(report, line) for report in reports for line in report.lines])


def _cells(report: CrossReport, line: CrossLine) -> Sequence[Value]:
    predicted, real = line.predicted, line.real
    left: tuple[Value, ...] = (None,) * len(_PLACE)
    right: tuple[Value, ...] = left
    name, rule = b"", ""
    if predicted is not None:
        left = (predicted.start, predicted.end, predicted.perms, predicted.offset)
        name, rule = predicted.name, rule_text(predicted.rule)
    if real is not None:
        right, name = real[:4], real[4]
    return (report.prediction.stage.value, line.verdict.value, *left, *right, printable(name), printable_text(rule))


def drawn_page(rows: Sequence[DrawnRow], entropies: Sequence[tuple[float, float]], runs: int) -> Page:
    """Bases of many runs: how many values were seen, the entropy, and a histogram over the predicted range.

    ``entropies`` holds, for each row, the bits seen and the bits predicted.
    """
    blocks: list[Block] = []
    for row, (seen, predicted) in zip(rows, entropies, strict=True):
        wanted = row.range
        figures = {"values": wanted.values, "outside": row.outside, "first": wanted.first, "last": wanted.last}
        drawn = told(
            "drawn",
            base=base(wanted.base.value),
            count=len(row.seen),
            distinct=len(set(row.seen)),
            seen=seen,
            predicted=predicted,
            **figures,
        )
        blocks += [Prose(drawn, "", "  "), _histogram(row)]
    blocks.append(Prose(told("runs", count=runs, bits=log2(max(runs, 1)))))
    return Page([blocks], lambda: _bases(rows, entropies), lambda: drawn_json(rows, entropies))


def _bases(rows: Sequence[DrawnRow], entropies: Sequence[tuple[float, float]]) -> Sheet:
    columns = (
        column(HEADINGS, "base", "text"),
        column(HEADINGS, "start", "address"),
        column(HEADINGS, "end", "address"),
        column(HEADINGS, "values", "count"),
        column(HEADINGS, "runs", "count"),
        column(HEADINGS, "distinct", "count"),
        column(HEADINGS, "outside", "count"),
        column(HEADINGS, "entropy_bits", "figure"),
        column(HEADINGS, "predicted_bits", "figure"),
    )
    cells = [
        (
            row.range.base.value,
            row.range.first,
            row.range.last,
            row.range.values,
            len(row.seen),
            len(set(row.seen)),
            row.outside,
            f"{seen:.3f}",
            f"{predicted:.3f}",
        )
        for row, (seen, predicted) in zip(rows, entropies, strict=True)
    ]
    return Sheet(columns, cells)


def _histogram(row: DrawnRow, parts: int = 8) -> Picture:
    """Start address, bar and count for each part of the range."""
    wanted = row.range
    span = max(wanted.last - wanted.first + wanted.step, 1)
    counts = [0] * parts
    for value in row.seen:
        if wanted.first <= value <= wanted.last:
            counts[(value - wanted.first) * parts // span] += 1
    most = max(counts) or 1
    lines = [
        f"  {wanted.first + span * part // parts:08x} {'#' * (count * _BAR // most):<{_BAR}} {count}\n"
        for part, count in enumerate(counts)
    ]
    return Picture(lambda _: "".join(lines))
