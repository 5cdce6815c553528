"""The documents ``procmem/lab/1`` and ``procmem/lab-list/1``."""

from collections.abc import Iterable
from typing import Any

from procmem.model.reports.lab import Result

__all__ = ["lab_json", "list_json"]


def list_json(experiments: Iterable[tuple[str, str, str, bool]]) -> dict[str, Any]:
    """The experiments: each is name, row, title, needs root."""
    return {
        "schema": "procmem/lab-list/1",
        "experiments": [
            {"name": name, "row": row, "title": title, "root": root} for name, row, title, root in experiments
        ],
    }


def lab_json(results: Iterable[Result]) -> dict[str, Any]:
    """The results: predicted and kernel map the name of a figure to its number, in bytes or counts."""
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
