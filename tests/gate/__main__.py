"""The gate's command line: which parts, how long, with which seed; a table, and each failure with how to repeat it."""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.gate.parts import PARTS
from tests.gate.runner import Tally, attempt_once, run_part, seconds_for, shared_folder, table
from tests.gate.running import warm_up

DESCRIPTION = "Attack the program, and count what breaks."


def main(words: Sequence[str] | None = None) -> int:
    """Run the gate; 0 where nothing broke, 1 where something did, 2 for a wrong command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.gate", description=DESCRIPTION)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long, all parts together (30)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the seed of all random numbers (the time)")
    parser.add_argument(
        "--only", action="append", choices=tuple(PARTS), metavar="PART", help=f"one of {', '.join(PARTS)}"
    )
    parser.add_argument("--count", type=int, help="so many attempts of each part; a full run's where not said")
    parser.add_argument("--number", type=int, help="only this attempt of the part, to see it again")
    parser.add_argument("--workers", type=int, help="attempts at the same time (one a processor)")
    parser.add_argument("--keep", type=Path, help="a folder for what broken attempts were given")
    asked = parser.parse_args(words)
    parts = [PARTS[name] for name in asked.only or PARTS]
    if asked.number is not None:
        if len(parts) != 1:
            parser.error("--number is of one part: name it with --only")
        warm_up()
        with shared_folder() as shared:
            result, kept = attempt_once(parts[0], asked.seed, asked.number, shared=shared, keep=asked.keep)
        _print("\n".join([*result.commands, *result.offences, *([] if kept is None else [f"kept in {kept}"])]))
        return int(bool(result.offences))
    _print(f"seed {asked.seed}, {asked.minutes:g} minutes")
    shares = seconds_for(parts, asked.minutes)
    tallies: list[Tally] = []
    for part in parts:
        count = part.full_count if asked.count is None else asked.count
        tallies.append(
            run_part(
                part, seed=asked.seed, seconds=shares[part.name], count=count, workers=asked.workers, keep=asked.keep
            )
        )
        for failure in tallies[-1].failures:
            _print(str(failure))
    _print(table(tallies))
    return int(any(tally.failures for tally in tallies))


def _print(text: str) -> None:
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
