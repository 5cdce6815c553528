"""Recordings and texts of strangers: every command, in every format and language, over files that were spoiled.

Nine of ten attempts run in a fork of this interpreter, every eleventh by the command line. What is spoiled is a
folder, an archive, one text as people paste them, or a script for the simulator.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

from procmem.errors import ExitStatus
from tests.gate import command_lines, mutations
from tests.gate.law import offences
from tests.gate.part import Part, Result, Trial
from tests.gate.running import Outcome, command_line, in_process
from tests.support import given_texts
from tests.support.running import FIXTURES, pids_in, recordings

__all__ = ["PART"]

BY_COMMAND_LINE_EVERY = 11
STATUSES = frozenset(
    {
        ExitStatus.DONE,
        ExitStatus.USAGE,
        ExitStatus.NO_PROCESS,
        ExitStatus.NOT_PERMITTED,
        ExitStatus.BAD_INPUT,
        ExitStatus.MISMATCH,
        ExitStatus.SOME_MISSING,
    }
)
STEPS = b"""\
malloc a 100K
malloc b 1M
touch a
thread
thread 256K guard=4K
mmap m 2M rw-
munmap m 64K 64K
mprotect m r-- 0 4K
recurse 20K
free a
fork
"""
STEPS_OF_MEMORY = b"""\
mmap b 1M rw-
touch b 0 64K
read b
share s 1M /lib/x.so
populate b
scatter b 20 7
dontneed b
cache /x 64K
pageout s
settle
fork
as 2
exit
"""


@cache
def _members(recording: str) -> tuple[mutations.Member, ...]:
    """Every file of a fixture, small ones first, so that each sort of file is met about as often."""
    base = FIXTURES / recording
    return tuple(
        mutations.Member(name=path.relative_to(base).as_posix(), data=path.read_bytes())
        for path in sorted(base.rglob("*"))
        if path.is_file() and path.name not in ("truth.jsonl", "pmap-X.txt")
    )


@cache
def _texts() -> tuple[bytes, ...]:
    """What people paste, and what the fixtures hold of the same sort."""
    written = [value for name, value in vars(given_texts).items() if name.isupper() and isinstance(value, bytes)]
    kept = [
        path.read_bytes()
        for recording in recordings()
        for path in sorted(recording.rglob("*"))
        if path.name in ("smaps", "maps", "status", "smaps_rollup", "pmap-X.txt")
    ]
    return (*written, *kept)


def attempt(trial: Trial) -> Result:
    """Spoil one thing, and ask one question about it."""
    run = command_line if trial.number % BY_COMMAND_LINE_EVERY == 0 else in_process
    kind = trial.random.random()
    if kind < 0.1:
        return _simulate(trial, run)
    if kind < 0.3:
        return _text(trial, run)
    return _recording(trial, run)


def _ask(
    result: Result, run: Callable[..., Outcome], words: list[str], given: bytes = b"", *, several: bool = False
) -> Outcome:
    outcome = run(*words, given=given)
    result.add(words, outcome, offences(outcome, words, statuses=STATUSES, several=several))
    return outcome


def _recording(trial: Trial, run: Callable[..., Outcome]) -> Result:
    random = trial.random
    recording = random.choice(recordings())
    members = mutations.spoil_members(random, list(_members(recording.name)))
    if random.random() < 0.3:
        path = trial.folder / "recording"
        mutations.folder(random, members, path)
    else:
        path = trial.folder / random.choice(("recording.tar.gz", "recording.tar", "recording"))
        path.write_bytes(mutations.packed(random, mutations.archive(members)))
    pids = pids_in(recording)
    pid = random.choice((*pids, None, 1)) if len(pids) > 1 or random.random() < 0.1 else None
    result = Result()
    if random.random() < 0.05:
        _record_again(result, trial, run, path)
    else:
        # where no pid is named, all processes are asked about: those that were spoiled have a line each
        _ask(result, run, command_lines.drawn(random, path, pid), several=pid is None)
    return result


def _record_again(result: Result, trial: Trial, run: Callable[..., Outcome], path: Path) -> None:
    """What ``record`` wrote of a spoiled recording can be read, and what it did not write is not there.

    Of several processes those that can be read are written, and a line tells of each of the others.
    """
    out = trial.folder / trial.random.choice(("out", "out.tar.gz"))
    outcome = _ask(result, run, ["record", "--keep-args", "--deep", "-o", str(out), "--from", str(path)], several=True)
    left = [found.name for found in trial.folder.iterdir() if found not in (path, out)]
    if left:
        result.offences.append(f"record left {left}")
    is_said = b"recorded " in outcome.err
    if is_said != out.exists() or (outcome.status == ExitStatus.DONE and not is_said):
        result.offences.append(f"record ended with {outcome.status}, and its output exists: {out.exists()}")
    if is_said:
        _ask(result, run, ["system", "--json", "--from", str(out)])


def _text(trial: Trial, run: Callable[..., Outcome]) -> Result:
    random = trial.random
    text = mutations.spoiled_text(random, random.choice(_texts()))
    if random.random() < 0.1:
        text = mutations.packed(random, text)
    result = Result()
    if random.random() < 0.2:
        words = command_lines.drawn(random, "-", None)
        if words[0] != "diff":  # the only command that does not read standard input
            _ask(result, run, words, given=text)
            return result
    path = trial.folder / "given.txt"
    path.write_bytes(text)
    _ask(result, run, command_lines.drawn(random, path, None))
    return result


def _simulate(trial: Trial, run: Callable[..., Outcome]) -> Result:
    random = trial.random
    path = trial.folder / "steps.txt"
    words, formats = random.choice(command_lines.SIMULATIONS)
    steps = _some_lines(random, STEPS_OF_MEMORY if "simulate-memory" in words else STEPS)
    path.write_bytes(mutations.spoiled_text(random, steps))
    result = Result()
    asked = [*words, *random.choice(formats), *random.choice(command_lines.LANGUAGES), "--script", str(path)]
    if random.random() < 0.2:
        asked = ["translate", "--sim", "--script", str(path), random.choice(("0x08048400", "0xb7ce4000", "0xc0000000"))]
    _ask(result, run, asked)
    return result


def _some_lines(random: Random, steps: bytes) -> bytes:
    lines = steps.splitlines(keepends=True)
    return b"".join(lines[: random.randrange(1, len(lines) + 1)])


PART = Part(
    name="recordings",
    what="spoiled recordings, archives, texts and scripts, over all commands, formats and languages",
    full_count=22_000,
    attempt=attempt,
    cost=0.09,
)
