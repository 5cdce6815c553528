"""The laboratory's pages: the list of experiments, each result, and the document for programs."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

from procmem.model.reports.lab import Figure, LabVerdict, Result
from procmem.render.escaping import printable_text
from procmem.render.human import human_size

__all__ = ["figure_cells", "lab_json", "list_page", "result_page", "summary_line"]

_WIDTH = 80


def list_page(experiments: Iterable[tuple[str, str, str, bool]]) -> str:
    """The experiments in the order of the theory; each is name, row, title, needs root."""
    lines = ["Experiments with this machine's kernel, in the order of the theory\n(* needs root):\n"]
    for name, row, title, root in experiments:
        lines.append(f"  {row:4} {name + ('*' if root else ''):19} {printable_text(title)}\n")
    lines.append("\nprocmem lab NAME runs one, procmem lab M6 a row's, procmem lab --all every one.\n")
    return "".join(lines)


def result_page(result: Result) -> str:
    """One experiment for a person: its figures side by side, the verdict, and what it shows."""
    lines = [f"{result.row} {result.name}: {result.title}"]
    rows = [figure_cells(figure) for figure in result.figures]
    if rows:
        rows.insert(0, ("", "predicted", "kernel", ""))
        widths = [max(len(row[at]) for row in rows) for at in range(4)]
        for name, predicted, kernel, word in rows:
            line = f"  {name:{widths[0]}}  {predicted:>{widths[1]}}  {kernel:>{widths[2]}}  {word}"
            lines.append(line.rstrip())
    if result.reason is not None:
        lines.append(f"  {result.verdict.value}: {printable_text(result.reason)}")
    else:
        lines.append(f"  {result.verdict.value}")
    lines += textwrap.wrap(result.shows, _WIDTH, initial_indent="  ", subsequent_indent="  ")
    return "\n".join(lines) + "\n"


def figure_cells(figure: Figure) -> tuple[str, str, str, str]:
    """Name, predicted, kernel, and a word on the difference."""
    predicted = _value(figure.predicted, figure.unit)
    if figure.relation in (">=", "<="):
        predicted = f"{figure.relation} {predicted}"
    elif figure.relation == "measured":
        predicted = "-"
    kernel = _value(figure.kernel, figure.unit)
    if not figure.agrees:
        word = "differs"
    elif figure.relation != "=":
        word = ""
    elif figure.predicted == figure.kernel:
        word = "exact"
    else:
        word = f"within {_value(figure.slack, figure.unit)}"
    return printable_text(figure.name), predicted, kernel, word


def _value(value: float | None, unit: str) -> str:
    if value is None:
        return "?"
    if unit == "yes or no":
        return "yes" if value else "no"
    if unit == "code":
        return f"{int(value):#x}"
    if unit == "bytes":
        if abs(value) < 1024 and value:
            return f"{value:.0f} B"
        return f"{value / 1024:.1f} KiB".replace(".0 ", " ") if abs(value) < 100 << 20 else human_size(int(value))
    if unit == "seconds":
        return f"{value * 1e6:.2f} us"
    number = f"{value:.1f}" if isinstance(value, float) and value != int(value) else str(int(value))
    return f"{number} {unit}".rstrip()


def summary_line(results: Sequence[Result]) -> str:
    """How many of each verdict."""
    counts = {verdict: sum(1 for result in results if result.verdict is verdict) for verdict in LabVerdict}
    seconds = sum(result.seconds for result in results)
    return ", ".join(f"{count} {verdict.value}" for verdict, count in counts.items()) + f"; {seconds:.1f} s\n"


def lab_json(results: Iterable[Result]) -> dict[str, Any]:
    """The document: predicted and kernel map the name of a figure to its number, in bytes or counts."""
    return {
        "schema": "procmem/lab/1",
        "experiments": [
            {
                "name": result.name,
                "row": result.row,
                "title": result.title,
                "predicted": {figure.name: figure.predicted for figure in result.figures},
                "kernel": {figure.name: figure.kernel for figure in result.figures},
                "units": {figure.name: figure.unit for figure in result.figures},
                "slack": {figure.name: figure.slack for figure in result.figures},
                "relation": {figure.name: figure.relation for figure in result.figures},
                "verdict": result.verdict.value,
                "reason": result.reason,
                "seconds": round(result.seconds, 3),
            }
            for result in results
        ],
    }
