"""Signals at random moments: to commands that write, that watch, and that only read.

Here belongs what may be left behind, and what the status must be. The laboratory, which changes the machine, has a
part of its own (``lab_signals``).
"""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from procmem.errors import ExitStatus
from tests.gate.law import DOCUMENTED, offences
from tests.gate.part import Part, Result, Trial
from tests.gate.running import Outcome, in_process
from tests.support.running import FIXTURES, started

__all__ = ["PART", "left_behind", "sending"]

INT, TERM, HUP, KILL = signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL
PLANS: tuple[tuple[signal.Signals, ...], ...] = (
    (INT,), (TERM,), (HUP,), (KILL,), (INT, INT), (TERM, TERM), (INT, TERM), (HUP, INT), (TERM, KILL),
)  # fmt: skip
MOMENTS = (0.002, 0.02, 0.06, 0.15)
"""Seconds; a recording of a small process takes some 30 ms."""
BETWEEN = 0.004
SCRATCH = ".procmem-"
ENDED_BY = frozenset({-TERM, -HUP, -KILL, 128 + TERM, 128 + HUP})
STATUSES = (DOCUMENTED - {ExitStatus.SYSTEM_FAILED, ExitStatus.USAGE}) | ENDED_BY
READERS: tuple[tuple[str, ...], ...] = (
    ("inspect", "--regions"),
    ("explain", "--why"),
    ("shared",),
    ("swap", "--interval", "0.1"),
    ("crosscheck",),
)


def attempt(trial: Trial) -> Result:
    """One command, and one or two signals to it."""
    random = trial.random
    plan = random.choice(PLANS)
    result = Result()
    with started(["sleep", "1000"], ready=False) as child:
        target = random.choice((str(child.pid), str(FIXTURES / "x86_64-6.18-python-threads")))
        kind = random.random()
        if kind < 0.6:
            _record(trial, target, plan, result)
        elif kind < 0.8:
            words = ["watch", "--interval", "0.02", *random.choice(((), ("--json",), ("--csv",))), str(child.pid)]
            outcome = _signalled(words, plan, random)
            told = offences(outcome, words, statuses=STATUSES, closed_output=True)
            result.add([_name(plan), *words], outcome, told + _of_the_status(outcome, plan, is_endless=True))
        else:
            words = [*random.choice(READERS), str(child.pid)]
            outcome = _signalled(words, plan, random)
            told = offences(outcome, words, statuses=STATUSES, closed_output=True)
            result.add([_name(plan), *words], outcome, told + _of_the_status(outcome, plan))
    return result


def _record(trial: Trial, target: str, plan: Sequence[signal.Signals], result: Result) -> None:
    """What is there afterwards is whole, or is not there; after a KILL the next recording cleans up."""
    random = trial.random
    out = trial.folder / random.choice(("out", "out.tar.gz"))
    words = ["record", *random.choice(((), ("--deep",))), "-o", str(out), target]
    outcome = _signalled(words, plan, random)
    told = offences(outcome, words, statuses=STATUSES, closed_output=True)
    told += _of_the_status(outcome, plan)
    if KILL not in plan:
        told += left_behind(trial.folder)
    result.add([_name(plan), *words], outcome, told)
    if out.exists():
        _must_hold(["system", "--json", "--from", str(out)], result)
    elif outcome.status == ExitStatus.DONE:
        result.offences.append("it says that all is done, and nothing is written")
    if KILL in plan:
        _must_hold(["record", "-o", str(trial.folder / "next"), target], result)
        result.offences += left_behind(trial.folder)


def _must_hold(words: list[str], result: Result) -> None:
    outcome = in_process(*words)
    result.add(words, outcome, offences(outcome, words, statuses={ExitStatus.DONE}))


def left_behind(folder: Path) -> list[str]:
    """Scratch of a recording."""
    return [f"left behind: {path.name}" for path in sorted(folder.iterdir()) if path.name.startswith(SCRATCH)]


def _of_the_status(outcome: Outcome, plan: Sequence[signal.Signals], *, is_endless: bool = False) -> list[str]:
    """A signal that ends a command is told by the status; nothing else is."""
    allowed = {ExitStatus.INTERRUPTED} if plan else set()
    allowed |= {status for number in plan for status in (-number, 128 + number) if number is not INT}
    if not is_endless:
        allowed |= {ExitStatus.DONE, ExitStatus.MISMATCH}
    return [] if outcome.status in allowed else [f"status {outcome.status} after {_name(plan)}"]


def _name(plan: Sequence[signal.Signals]) -> str:
    return f"[{' '.join(number.name.removeprefix('SIG') for number in plan)}]"


def _signalled(words: Sequence[str], plan: Sequence[signal.Signals], random: Random) -> Outcome:
    first = random.uniform(0, random.choice(MOMENTS))
    between = random.uniform(0, BETWEEN)
    return in_process(*words, wall_seconds=20, joined=lambda pid: sending(pid, plan, first, between))


@contextlib.contextmanager
def sending(pid: int, plan: Sequence[signal.Signals], first: float, between: float) -> Iterator[None]:
    """Let a stopped process go on, and send it signals meanwhile."""
    over = threading.Event()

    def send() -> None:
        for number in plan:
            if over.wait(first if number is plan[0] else between):
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    sender = threading.Thread(target=send)
    os.kill(pid, signal.SIGCONT)
    sender.start()
    try:
        yield
    finally:
        over.set()
        sender.join()


PART = Part(
    name="signals",
    what="signals at random moments to commands that write, watch or read",
    full_count=2_000,
    attempt=attempt,
    cost=0.1,
)
