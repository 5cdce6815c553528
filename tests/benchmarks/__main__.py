"""How fast procmem is, as ratios within one run: against cat, pmap, smem and others, and against Python itself.

    .venv/bin/python -m tests.benchmarks [--only TEXT] [--rounds N] [--json]

Ratios hold from machine to machine, seconds do not; nothing here is a test. The commands on a load take turns; what
is shown is the median of the rounds' ratios, with the least and the most. Peers that are not installed are left out
(``apt-get install procps smem smemstat``, ``pip install ps_mem``). As root more can be read, which takes longer.

The exit status is the number of goals that were missed.
"""

import argparse
import contextlib
import itertools
import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence

from tests.benchmarks.loads import LOADS
from tests.benchmarks.paired import Command, Run, Spread, ratios, take_turns
from tests.benchmarks.table import PLACES, ROWS, Measure, Row

ROUNDS = 9


def main(words: Sequence[str] | None = None) -> int:
    """Measure, and show; gives how many goals were missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.split("\n")[0])
    parser.add_argument("--only", action="append", help="only rows that hold this text, as 'inspect' or '60000'")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"so many rounds ({ROUNDS})")
    parser.add_argument("--json", action="store_true", help="print a JSON document")
    asked = parser.parse_args(words)
    rows = [row for row in ROWS if not asked.only or any(text in _title(row) for text in asked.only)]
    results = list(_measured(rows, asked.rounds, show=not asked.json))
    if asked.json:
        _print(json.dumps([_result(row, spread) for row, spread in results], indent=1))
    return sum(_missed(row, spread) for row, spread in results)


def _measured(rows: Sequence[Row], rounds: int, *, show: bool) -> Iterator[tuple[Row, Spread]]:
    medians: dict[tuple[str, Command], float] = {}
    for load, group in itertools.groupby(rows, key=lambda row: row.load):
        of_load = [row for row in group if _installed(row)]
        if not of_load:
            continue
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-"))
            target = LOADS[load](stack)
            timed = [row for row in of_load if row.rate is None]
            commands = dict.fromkeys(words for row in timed for words in (row.ours, row.theirs) if words)
            runs = take_turns(_Words(target, folder), list(commands), rounds)
        for words, its in runs.items():
            medians[load, words] = statistics.median(run.seconds for run in its)
        for row in of_load:
            spread = _spread(row, runs, medians, rounds)
            if show:
                _print(_line(row, spread))
            yield row, spread


class _Words:
    """Makes command lines of the words of rows."""

    def __init__(self, target: str, folder: str) -> None:
        self._target, self._folder, self._number = target, folder, 0

    def __call__(self, words: Command) -> Command:
        self._number += 1
        out = os.path.join(self._folder, f"{self._number}.tar.gz")
        return (
            PLACES.get(words[0]) or shutil.which(words[0], path=_PATH) or words[0],
            *(w.replace("PID", self._target).replace("OUT", out) for w in words[1:]),
        )


def _installed(row: Row) -> bool:
    found = not row.theirs or row.theirs[0] in PLACES or shutil.which(row.theirs[0], path=_PATH) is not None
    if not found:
        _print(f"{_title(row)}: {row.theirs[0]} is not installed", to_stderr=True)
    return found


_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), os.path.dirname(sys.executable)])


def _spread(row: Row, runs: dict[Command, list[Run]], medians: dict[tuple[str, Command], float], rounds: int) -> Spread:
    if row.rate is not None:
        return _of([row.rate() for _ in range(min(rounds, 3))])
    ours = runs[row.ours]
    if row.measure == Measure.PEAK:
        return _of([run.peak / 2**20 for run in ours])
    seconds = [run.seconds for run in ours]
    if row.measure == Measure.SECONDS:
        return _of(seconds)
    if row.measure == Measure.GROWTH:
        before = medians.get((row.smaller, row.ours))
        return _of([one / before for one in seconds] if before else [0.0])
    return ratios(seconds, [run.seconds for run in runs[row.theirs]])


def _of(values: Sequence[float]) -> Spread:
    return Spread(min(values), statistics.median(values), max(values))


def _missed(row: Row, spread: Spread) -> bool:
    return spread.median < row.limit if row.measure == Measure.RATE else spread.median > row.limit


def _title(row: Row) -> str:
    place = "" if row.load == "nothing" else f" of {row.load}"
    against = f" / {' '.join(row.theirs[:3])}" if row.theirs else f": {row.measure}"
    return f"{' '.join(word for word in row.ours if word not in ('procmem', 'PID', 'OUT', '-o'))}{place}{against}"


def _line(row: Row, spread: Spread) -> str:
    bound = "at least" if row.measure == Measure.RATE else "at most"
    return (
        f"{_title(row):<64.64} {spread.median:8.2f}  ({spread.least:.2f} to {spread.most:.2f}; {bound} {row.limit:g})"
        f"{'   MISSED' if _missed(row, spread) else ''}"
    )


def _result(row: Row, spread: Spread) -> dict[str, object]:
    return {
        "load": row.load,
        "ours": " ".join(row.ours),
        "theirs": " ".join(row.theirs) or None,
        "measure": row.measure,
        **spread._asdict(),
        "limit": row.limit,
        "missed": _missed(row, spread),
    }


def _print(text: str, *, to_stderr: bool = False) -> None:
    print(text, file=sys.stderr if to_stderr else sys.stdout, flush=True)  # what the script is for


if __name__ == "__main__":
    sys.exit(main())
