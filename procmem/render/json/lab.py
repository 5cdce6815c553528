"""The documents ``procmem/lab/1``, ``procmem/lab-list/1`` and ``procmem/lab-restore/1``."""

from __future__ import annotations

from collections.abc import Iterable

from procmem.model.reports.lab import Restored, Result
from procmem.text import english
from procmem.text.lab import figure_name, left_reason, reason_text, title

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["lab_json", "list_json", "restored_json"]


@english()
def list_json(experiments: Iterable[tuple[str, str, bool]]) -> dict[str, Any]:
    """The experiments: each is name, row, needs root."""
    return {
        "schema": "procmem/lab-list/1",
        "experiments": [
            {"name": name, "row": row, "title": title(name), "root": root} for name, row, root in experiments
        ],
    }


@english()
def lab_json(results: Iterable[Result]) -> dict[str, Any]:
    """The results: predicted and kernel map the name of a figure to its number, in bytes or counts."""
    return {
        "schema": "procmem/lab/1",
        "experiments": [
            {
                "name": result.name,
                "row": result.row,
                "title": title(result.name),
                "predicted": {figure_name(figure.name): figure.predicted for figure in result.figures},
                "kernel": {figure_name(figure.name): figure.kernel for figure in result.figures},
                "units": {figure_name(figure.name): figure.unit for figure in result.figures},
                "slack": {figure_name(figure.name): figure.slack for figure in result.figures},
                "relation": {figure_name(figure.name): figure.relation for figure in result.figures},
                "verdict": result.verdict.value,
                "reason": None if result.reason is None else reason_text(result.reason),
                "seconds": round(result.seconds, 3),
            }
            for result in results
        ],
    }


@english()
def restored_json(leftovers: Iterable[Restored]) -> dict[str, Any]:
    """What a run that was killed had left, and what was done about each; values are the kernel's own numbers."""
    return {
        "schema": "procmem/lab-restore/1",
        "leftovers": [
            {
                "kind": one.kind,
                "what": one.what,
                "found": one.found,
                "before": one.before,
                "outcome": one.outcome.value,
                "reason": None if one.reason is None else left_reason(one.reason),
            }
            for one in leftovers
        ],
    }
