"""The laboratory's pages: the list of experiments, and each result with its figures side by side."""

from collections.abc import Iterable, Sequence

from procmem.model.reports.lab import Figure, Holder, LabVerdict, Restored, RestoreOutcome, Result
from procmem.render.columns import column
from procmem.render.escaping import printable_text
from procmem.render.human import human_size
from procmem.render.json.lab import lab_json, list_json, restored_json
from procmem.render.page import Block, Column, Page, Prose, Sheet
from procmem.text import gettext
from procmem.text.lab import figure_name, left_reason, leftover_name, reason_text, shows, title, unit_text
from procmem.text.pages.lab import HEADINGS, OUTCOMES, VERDICTS, told
from procmem.text.units import time_text

__all__ = [
    "figure_cells",
    "list_page",
    "restored_line",
    "restored_page",
    "result_page",
    "results_page",
    "summary_line",
    "waiting_line",
]

_SHORT_SECONDS = 1e-6

_WIDTH = 80
_INDENT = 2


def list_page(experiments: Iterable[tuple[str, str, bool]]) -> Page:
    """The experiments in the order of the theory; each is name, row, needs root."""
    listed = tuple(experiments)
    columns = (
        column(HEADINGS, "topic", "text"),
        column(HEADINGS, "experiment", "text", least=20),
        column(HEADINGS, "title", "text", least=20),
    )
    rows = [(row, f"{name}*" if root else name, title(name)) for name, row, root in listed]
    unnamed = columns[0]._replace(heading="")  # the page explains it in a sentence
    shown = Sheet((unnamed, *columns[1:]), rows, main=True)
    return Page(
        [[Prose(told("list"), measure=_WIDTH), shown], [Prose(told("how"), measure=_WIDTH)]],
        lambda: Sheet(columns, rows),
        lambda: list_json(listed),
    )


def result_page(result: Result) -> Page:
    """One experiment: its figures side by side, the verdict, and what it shows."""
    blocks: list[Block] = [Prose(f"{result.name}: {title(result.name)}", "", "  ")]
    if result.figures:
        columns = (
            Column("", "text", "figure", least=24),
            column(HEADINGS, "predicted", "figure"),
            column(HEADINGS, "kernel", "figure"),
            Column("", "text", "word", rank=1),
        )
        blocks.append(Sheet(columns, [figure_cells(figure) for figure in result.figures], indent=_INDENT))
    verdict = gettext(VERDICTS[result.verdict.value])
    if result.reason is not None:
        verdict = told("reason", verdict=verdict, reason=reason_text(result.reason))
    blocks.append(Prose(verdict, "  ", "    "))
    blocks.append(Prose(shows(result.name), "  ", measure=_WIDTH))
    return Page([blocks], lambda: _figures([result]), lambda: lab_json([result]))


def results_page(results: Sequence[Result]) -> Page:
    """All experiments of a run, for the formats that have no place for one after another."""
    return Page([[Prose(summary_line(results))]], lambda: _figures(results), lambda: lab_json(results))


def _figures(results: Iterable[Result]) -> Sheet:
    """Every figure of every experiment, one row each; numbers are in the unit beside them."""
    columns = (
        column(HEADINGS, "topic", "text"),
        column(HEADINGS, "experiment", "text"),
        column(HEADINGS, "figure", "text"),
        column(HEADINGS, "relation", "text"),
        column(HEADINGS, "predicted", "figure"),
        column(HEADINGS, "kernel", "figure"),
        column(HEADINGS, "slack", "figure"),
        column(HEADINGS, "unit", "text"),
        column(HEADINGS, "verdict", "text"),
    )
    rows = [
        (
            result.row,
            result.name,
            figure_name(figure.name),
            figure.relation,
            _number(figure.predicted),
            _number(figure.kernel),
            _number(figure.slack),
            figure.unit,
            result.verdict.value,
        )
        for result in results
        for figure in result.figures
    ]
    return Sheet(columns, rows)


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.12g}"


def figure_cells(figure: Figure) -> tuple[str, str, str, str]:
    """Name, predicted, kernel, and a word on the difference."""
    predicted = _value(figure.predicted, figure.unit)
    if figure.relation in (">=", "<="):
        predicted = f"{figure.relation} {predicted}"
    elif figure.relation == "measured":
        predicted = "-"
    kernel = _value(figure.kernel, figure.unit)
    if not figure.agrees:
        word = gettext(VERDICTS["differs"])
    elif figure.relation != "=":
        word = ""
    elif figure.predicted == figure.kernel:
        word = told("exact")
    else:
        word = told("within", slack=_value(figure.slack, figure.unit))
    return printable_text(figure_name(figure.name)), predicted, kernel, word


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return "?"
    if unit == "yes or no":
        return told("yes" if value else "no")
    if unit == "code":
        return f"{int(value):#x}"
    if unit == "bytes":
        if abs(value) < 1024 and value:
            return f"{value:.0f} B"
        return f"{value / 1024:.1f} KiB".replace(".0 ", " ") if abs(value) < 100 << 20 else human_size(int(value))
    if unit == "seconds":
        return f"{value * 1e9:.1f} ns" if value < _SHORT_SECONDS else f"{value * 1e6:.2f} us"
    number = f"{value:.1f}" if isinstance(value, float) and value != int(value) else str(int(value))
    return f"{number} {unit_text(unit)}".rstrip()


def summary_line(results: Sequence[Result]) -> str:
    """How many of each verdict."""
    counts = {verdict.value: sum(1 for result in results if result.verdict is verdict) for verdict in LabVerdict}
    return told("summary", **counts, seconds=sum(result.seconds for result in results))


def restored_page(leftovers: Sequence[Restored]) -> Page:
    """What a run that was killed had left, and what was done about each: paths are too long for a table."""
    if leftovers:
        counts = {outcome.value: sum(1 for one in leftovers if one.outcome is outcome) for outcome in RestoreOutcome}
        lines: list[Block] = [Prose(_leftover_line(one), "", "  ") for one in leftovers]
        blocks: list[list[Block]] = [lines, [Prose(told("restored-summary", **counts))]]
    else:
        blocks = [[Prose(told("nothing-left"))]]
    return Page(blocks, lambda: _leftovers(leftovers), lambda: restored_json(leftovers))


def _leftovers(leftovers: Sequence[Restored]) -> Sheet:
    columns = (
        column(HEADINGS, "kind", "text"),
        column(HEADINGS, "what", "text"),
        column(HEADINGS, "found", "count"),
        column(HEADINGS, "before", "count"),
        column(HEADINGS, "outcome", "text"),
        column(HEADINGS, "reason", "text"),
    )
    rows = [
        (leftover_name(one.kind), one.what, one.found, one.before, one.outcome.value, left_reason(one.reason))
        for one in leftovers
    ]
    return Sheet(columns, rows)


def _leftover_line(one: Restored) -> str:
    figures = {"kind": leftover_name(one.kind), "what": one.what, "outcome": gettext(OUTCOMES[one.outcome.value])}
    if one.reason is None:
        line = told("leftover", **figures)
    else:
        line = told("leftover-why", **figures, reason=left_reason(one.reason))
    if one.found is not None:
        line = told("leftover-values", line=line, found=one.found, before=one.before)
    return printable_text(line)


def restored_line(one: Restored) -> str:
    """The same of one thing, as a line beside an experiment; what is undone there is what an earlier run has left."""
    line = _leftover_line(one)
    return told("cut-off", line=line) if one.outcome is RestoreOutcome.RESTORED else line


def waiting_line(holder: Holder | None, seconds: float) -> str:
    """That the machine's lock is waited for, and who holds it."""
    if holder is None:
        return told("waiting-for-somebody", seconds=seconds)
    since = time_text(holder.since)
    return printable_text(told("waiting", pid=holder.pid, command=holder.command, since=since, seconds=seconds))
