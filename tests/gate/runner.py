"""Attempts counted: each part has its share of the minutes, workers share the attempts, and failures are kept.

Here belongs what is the same for all parts. An attempt's random numbers depend on seed, part and number alone, so that
one attempt can be repeated by itself.
"""

import contextlib
import os
import random
import shutil
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from tests.gate.part import Part, Result, Trial
from tests.gate.parts import PARTS
from tests.gate.running import warm_up

__all__ = ["Failure", "Tally", "attempt_once", "run_part", "seconds_for", "shared_folder", "table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An attempt in which something broke, and how to do it again."""

    part: str
    seed: int
    number: int
    commands: tuple[str, ...]
    offences: tuple[str, ...]
    kept: str | None = None

    def __str__(self) -> str:
        lines = [f"{self.part} {self.number}: python -m tests.gate --only {self.part} --seed {self.seed} "]
        lines[0] += f"--number {self.number} --keep FOLDER"
        lines += [f"    {offence}" for offence in self.offences]
        lines += [f"    $ {command}" for command in self.commands]
        return "\n".join(lines if self.kept is None else [*lines, f"    kept in {self.kept}"])


@dataclass(slots=True, kw_only=True)
class Tally:
    """What the attempts of a part came to."""

    part: str
    attempts: int = 0
    failures: list[Failure] = field(default_factory=list)
    cpu_seconds: float = 0
    peak_bytes: int = 0
    seconds: float = 0
    lacking: str | None = None

    def count(self, number: int, seed: int, result: Result, kept: str | None) -> None:
        """Add one attempt."""
        self.attempts += 1
        self.cpu_seconds = max(self.cpu_seconds, result.cpu_seconds)
        self.peak_bytes = max(self.peak_bytes, result.peak_bytes)
        if result.offences:
            self.failures.append(
                Failure(
                    part=self.part,
                    seed=seed,
                    number=number,
                    commands=tuple(result.commands),
                    offences=tuple(result.offences),
                    kept=kept,
                )
            )


def attempt_once(
    part: Part, seed: int, number: int, *, shared: Path, keep: Path | None = None
) -> tuple[Result, str | None]:
    """Do one attempt in a folder of its own; what it was given is kept where something broke and ``keep`` is said."""
    folder = Path(tempfile.mkdtemp(prefix="procmem-gate-"))
    folder.chmod(0o755)  # some attempts give up their rights
    work = folder / "work"
    work.mkdir()
    try:
        drawn = random.Random(f"{seed}/{part.name}/{number}")
        trial = Trial(number=number, random=drawn, folder=work, shared=shared)
        try:
            result = part.attempt(trial)
        except Exception:  # an attempt that could not be made must not pass for one that held
            result = Result(offences=[f"the attempt itself failed: {traceback.format_exc()}"])
        kept = None
        if result.offences and keep is not None:
            kept = str(keep / f"{part.name}-{seed}-{number}")
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(work, kept, symlinks=True, ignore=_special, dirs_exist_ok=True)
        return result, kept
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _special(folder: str, names: Sequence[str]) -> list[str]:
    """What cannot be copied: pipes and sockets."""
    paths = {name: Path(folder, name) for name in names}
    return [name for name, path in paths.items() if not (path.is_symlink() or path.is_file() or path.is_dir())]


def _attempt(name: str, seed: int, number: int, shared: Path, keep: Path | None) -> tuple[Result, str | None]:
    return attempt_once(PARTS[name], seed, number, shared=shared, keep=keep)


def seconds_for(parts: Sequence[Part], minutes: float) -> dict[str, float]:
    """How long each part may run: by what its attempts cost and how many a full run has."""
    weights = {part.name: part.cost * part.full_count * (2 if part.alone else 1) for part in parts}
    return {name: minutes * 60 * weight / sum(weights.values()) for name, weight in weights.items()}


def run_part(
    part: Part, *, seed: int, seconds: float, count: int, workers: int | None = None, keep: Path | None = None
) -> Tally:
    """Do attempts until there are ``count`` of them or the time is over."""
    tally = Tally(part=part.name, lacking=part.lacking())
    began = time.monotonic()
    if tally.lacking is None:
        processes = 1 if part.alone else workers or os.cpu_count() or 1
        with (
            shared_folder() as shared,
            ProcessPoolExecutor(processes, get_context("spawn"), initializer=warm_up) as pool,
        ):
            attempts = Attempts(part=part, seed=seed, count=count, end=began + seconds, shared=shared, keep=keep)
            for number, result, kept in attempts.results(pool, processes):
                tally.count(number, seed, result, kept)
    tally.seconds = time.monotonic() - began
    return tally


@contextlib.contextmanager
def shared_folder() -> Iterator[Path]:
    """A folder for programs that attempts share, where other users find them as well."""
    with tempfile.TemporaryDirectory(prefix="procmem-gate-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """The attempts of one part that are to be made until ``end`` (``time.monotonic``)."""

    part: Part
    seed: int
    count: int
    end: float
    shared: Path
    keep: Path | None

    def results(self, pool: ProcessPoolExecutor, workers: int) -> Iterator[tuple[int, Result, str | None]]:
        """Attempts as they end, a few of them always under way."""
        running: dict[Future[tuple[Result, str | None]], int] = {}
        following = 0
        while True:
            while following < self.count and len(running) < 3 * workers and time.monotonic() < self.end:
                future = pool.submit(_attempt, self.part.name, self.seed, following, self.shared, self.keep)
                running[future] = following
                following += 1
            if not running:
                return
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(done), *done.result()


def table(tallies: Sequence[Tally]) -> str:
    """One line a part: attempts, failures, the slowest run and the largest."""
    rows = [("part", "attempts", "failures", "slowest CPU s", "highest peak MiB", "minutes", "")]
    rows += [
        (
            one.part,
            str(one.attempts),
            str(len(one.failures)),
            f"{one.cpu_seconds:.2f}",
            f"{one.peak_bytes / 2**20:.0f}",
            f"{one.seconds / 60:.1f}",
            "" if one.lacking is None else f"skipped: {one.lacking}",
        )
        for one in tallies
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(6)]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(row[place].rjust(widths[place]) for place in range(1, 6)), row[6]]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
