"""Times of whole commands that take turns, so that each round's commands meet the same machine.

Here belongs measuring; what is measured is for :mod:`tests.benchmarks.table`.
"""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

__all__ = ["Command", "Run", "Spread", "ratios", "run_once", "take_turns"]

ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"} | {
    "LC_ALL": "C.UTF-8"
}
"""An installed program is compiled once, not at every start."""

Command = tuple[str, ...]


class Run(NamedTuple):
    """One run: seconds on the clock, and the peak of resident memory in bytes (its children's, where larger)."""

    seconds: float
    peak: int


class Spread(NamedTuple):
    """Several values of the same thing."""

    least: float
    median: float
    most: float


def run_once(command: Command) -> Run:
    """Run a command to its end, its output into nothing.

    Raises:
        ValueError: it failed, so that its time says nothing.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT
    )
    _pid, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3):  # 3: some processes could not be read, which a machine at work has
        raise ValueError(f"{' '.join(command)}: exit status {process.returncode}")
    return Run(seconds, usage.ru_maxrss << 10)


def take_turns(
    words_of: Callable[[Command], Command], commands: Sequence[Command], rounds: int
) -> dict[Command, list[Run]]:
    """All commands once in each round; the first round, which fills caches, is dropped.

    ``words_of`` gives the command line of one run.
    """
    runs: dict[Command, list[Run]] = {command: [] for command in commands}
    for number in range(rounds + 1):
        for command, its in runs.items():
            run = run_once(words_of(command))
            if number:
                its.append(run)
    return runs


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """The ratio of each round."""
    each = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return Spread(min(each), statistics.median(each), max(each))
