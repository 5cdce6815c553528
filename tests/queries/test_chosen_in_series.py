"""Who of a series is meant, by pids and names together: everybody is told the same, whichever command asks."""

from pathlib import Path
from typing import Any

import pytest

from procmem.model.reports.inspection import ProcessFacts
from procmem.model.series import SeriesProcess
from procmem.queries.series import chosen_in_series
from procmem.queries.targets import Selection, source_of
from tests.support.made_reports import write_series
from tests.support.running import procmem


def process(pid: int, comm: bytes) -> SeriesProcess:
    """One of a look, of which only pid and name matter."""
    from procmem.queries.inspect import InspectOptions, inspect  # noqa: PLC0415  # for one report to change
    from tests.support.running import FIXTURES  # noqa: PLC0415  # the same

    with source_of(None, str(FIXTURES / "x86_64-6.18-sleep")).open(2557) as target:
        report = inspect(target, InspectOptions())
    facts: ProcessFacts = report.process._replace(pid=pid, comm=comm)
    return SeriesProcess(pid, 1, report._replace(process=facts))


@pytest.mark.parametrize(
    ("selection", "pids"),
    [
        ({}, [1, 2, 3]),
        ({"words": ("2",)}, [2]),
        ({"name": "web"}, [1, 3]),
        ({"words": ("2",), "name": "web"}, [1, 2, 3]),
        ({"words": ("3",), "name": "db"}, [2, 3]),
        ({"words": ("9",)}, []),
        ({"name": "none"}, []),
    ],
)
def test_pids_and_names_add_up(selection: dict[str, Any], pids: list[int]) -> None:
    """As those of a recording do."""
    chosen = chosen_in_series(Selection(**{"words": (), **selection}))
    processes = [process(1, b"web"), process(2, b"db"), process(3, b"web")]
    assert [one.pid for one in processes if chosen(one)] == pids


def test_who_is_named_twice_is_shown_once(tmp_path: Path) -> None:
    """By its pid and by its name."""
    path = tmp_path / "a.series"
    write_series(path, [1, 2])
    words = ("inspect", "--from", str(path), "--at", "+0s", "--json")
    assert procmem(*words, "--name", "sleep").json["process"]["pid"] == 2557
    assert procmem(*words, "2557", "--name", "sleep").json["process"]["pid"] == 2557
    assert procmem(*words, "--name", "none").status == 3
