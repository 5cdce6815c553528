"""What a part of the gate is: a row for the runner, and the value that one attempt gives.

Every part is one module with one ``PART``. An attempt draws all that it does from the random numbers it is handed, so
that seed and number repeat it.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.gate.running import Outcome

__all__ = ["Part", "Result", "Trial", "nothing_missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What one attempt is given: its number, its random numbers, and an empty folder to work in.

    ``shared`` is a folder for programs that are compiled once for all attempts.
    """

    number: int
    random: random.Random
    folder: Path
    shared: Path


@dataclass(slots=True, kw_only=True)
class Result:
    """What one attempt gave: the command lines, in what they broke the law, and what the costliest of them cost."""

    commands: list[str] = field(default_factory=list)
    offences: list[str] = field(default_factory=list)
    cpu_seconds: float = 0
    peak_bytes: int = 0

    def add(self, words: Sequence[str], outcome: Outcome, offences: Sequence[str]) -> None:
        """Take in one run."""
        self.commands.append(" ".join(["procmem", *words]))
        self.offences += [f"{' '.join(words)}: {offence}" for offence in offences]
        self.cpu_seconds = max(self.cpu_seconds, outcome.cpu_seconds)
        self.peak_bytes = max(self.peak_bytes, outcome.peak_bytes)


def nothing_missing() -> str | None:
    """Of parts that need nothing of the machine."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One way of attacking: its name, what it does, how many attempts a full run has, and one attempt.

    ``lacking`` says what the machine does not have for it; ``alone`` is said where attempts must not run side by side;
    ``cost`` is the CPU time that an attempt takes, in seconds, by which the minutes are shared out.
    """

    name: str
    what: str
    full_count: int
    attempt: Callable[[Trial], Result]
    lacking: Callable[[], str | None] = nothing_missing
    alone: bool = False
    cost: float = 0.1
