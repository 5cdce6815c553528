"""Mutation testing by samples: change one place of the code at a time, and see whether a test fails.

    .venv/bin/pip install cosmic-ray pytest-cov
    .venv/bin/python -m tests.mutants --seed 1 --each 30

A run over all mutants would take days. This draws some at random from each room (the same for the same seed and
code), and runs for each the tests that run its line, the fastest first, for half a minute of tests at most. All
happens in a copy of the project. ``--map FILE`` keeps what the tests cover for the next run, which
then measures only the tests that have changed.

At the end stands, by room, how many were killed (noticed), how many are known to change nothing
(:mod:`tests.mutants.equivalent`), and each survivor: a test is missing there, or it belongs into that list.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.mutants.coverage_map import CoverageMap, measure
from tests.mutants.equivalent import why_equivalent
from tests.mutants.sample import Mutant, draw
from tests.mutants.trial import try_mutant

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("parse", "sources", "classify", "analyse")
_COPIED = ("procmem", "tests", "fixtures", "pyproject.toml", "README.md")


def main(words: Sequence[str] | None = None) -> int:
    """Try the mutants of a sample; 0 where 85 % of each room's were killed, those that change nothing left out."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the seed of the sample (the time)")
    parser.add_argument("--each", type=int, default=30, help="so many mutants of each room (30)")
    parser.add_argument("--room", action="append", choices=ROOMS, help="only this room; may be given again")
    parser.add_argument("--only", help="only mutants of the sample whose line in the list holds this text")
    parser.add_argument("--map", type=Path, help="a file that keeps what the tests cover")
    parser.add_argument("--list", action="store_true", help="show the sample, and try nothing")
    asked = parser.parse_args(words)
    rooms = {room: draw(ROOT, room, seed=asked.seed, count=asked.each) for room in asked.room or ROOMS}
    if asked.only:
        rooms = {room: [mutant for mutant in drawn if asked.only in str(mutant)] for room, drawn in rooms.items()}
    if asked.list:
        _print("\n".join(str(mutant) for drawn in rooms.values() for mutant in drawn))
        return 0
    _print(f"seed {asked.seed}")
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder).resolve()
        for name in _COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(ROOT / name, copy / name)
        if asked.map is not None and asked.map.exists():
            covered = CoverageMap.load(asked.map).up_to_date(copy)
        else:
            covered = measure(copy)
        if asked.map is not None:
            covered.save(asked.map)
        figures = [_try_room(copy, room, drawn, covered) for room, drawn in rooms.items()]
    return int(not all(figures))


def _try_room(copy: Path, room: str, drawn: Sequence[Mutant], covered: CoverageMap) -> bool:
    killed = equivalent = 0
    survivors: list[str] = []
    for number, mutant in enumerate(drawn):
        why = why_equivalent(ROOT, mutant)
        if why is not None:
            equivalent += 1
            _print(f"  same     {mutant}  ({why})")
            continue
        verdict = try_mutant(copy, mutant, covered, number=number)
        killed += verdict.killed
        _print(f"  {'killed  ' if verdict.killed else 'SURVIVED'} {mutant}  ({verdict.by})")
        if not verdict.killed:
            survivors.append(str(mutant))
    tried = len(drawn) - equivalent
    share = killed / tried if tried else 1.0
    _print(f"{room}: {len(drawn)} drawn, {equivalent} change nothing, {killed} of {tried} killed ({share:.0%})")
    for survivor in survivors:
        _print(f"  survivor {survivor}")
    return share >= 0.85


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
