"""Races: a process ends, forks, runs another program or changes its memory while it is read, or another gets its pid.

The processes are ``tests/programs/races.c``: "first" and "second" differ in name, arguments, threads and in a mapping
of a size of its own. Here belongs that one is made to follow the other at a moment that is drawn, and the check that
no answer has something of both.
"""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from procmem.errors import ExitStatus
from tests.gate.law import DOCUMENTED, offences
from tests.gate.part import Part, Result, Trial
from tests.gate.running import in_process
from tests.programs.build import build
from tests.support.running import started

__all__ = ["PART", "can_choose_pids", "count_reuses", "mixed"]

FIRST_BYTES = 67108864 + 3 * 4096
SECOND_BYTES = 16777216 + 5 * 4096
STATUSES = DOCUMENTED - {ExitStatus.SYSTEM_FAILED, ExitStatus.USAGE, ExitStatus.CANNOT_WRITE, ExitStatus.INTERRUPTED}
KINDS = ("reuse", "reuse", "exec", "exit", "fork", "remap")
DELAYS = (0, 1_000, 5_000, 15_000, 40_000)
"""Microseconds; the whole command takes some 30 ms."""
QUESTIONS: tuple[tuple[str, ...], ...] = (
    ("inspect", "--regions", "--json"),
    ("inspect", "--regions", "--json"),
    ("inspect", "--regions", "--json", "--children"),
    ("threads", "--json"),
    ("account", "--json"),
    ("explain", "--json"),
    ("crosscheck", "--json"),
    ("shared",),
    ("pmap", "-X"),
    ("system", "--json", "--name", "first|second"),
    ("record", "-o"),
)


def mixed(document: Mapping[str, Any]) -> str | None:
    """What of a document is of two processes at once; None where all of it is of one."""
    process = document["process"]
    words = process["cmdline"] or []
    said = {who for who in ("first", "second") if who in (process["comm"], *words)}
    sizes = {region["size"] for region in document["regions"] or ()}
    mapped = {who for who, size in (("first", FIRST_BYTES), ("second", SECOND_BYTES)) if size in sizes}
    if len(said) > 1:
        return f"the name {process['comm']} with the arguments {words}"
    if len(mapped) > 1:
        return "mappings of both"
    if said and mapped and said != mapped:
        return f"{said} with the mapping of {mapped}"
    whole, threads = process_size(document), process["threads"]
    if mapped and whole is not None and (whole > FIRST_BYTES) != (mapped == {"first"}):
        return f"VmSize {whole} with the mapping of {mapped}"
    if mapped == {"second"} and process["comm"] == "second" and threads not in (None, 1, 2, 3):
        return f"{threads} threads"
    if mapped == {"first"} and threads not in (None, 1):
        return f"the mapping of first with {threads} threads"
    return None


def process_size(document: Mapping[str, Any]) -> int | None:
    """VIRT as status has it."""
    size = document["totals"]["vm_size"]
    return size if isinstance(size, int) else None


def attempt(trial: Trial) -> Result:
    """One race: it is begun, and in the midst of it one question is asked."""
    random = trial.random
    kind = random.choice([kind for kind in KINDS if kind != "reuse" or can_choose_pids()])
    words = list(random.choice(QUESTIONS))
    result = Result()
    with _racing(kind, trial) as (pid, begin):
        if words[0] == "record":
            words.append(str(trial.folder / "out.tar.gz"))
        asked = words if words[0] == "system" else [*words, str(pid)]
        begin(random.randrange(random.choice(DELAYS) + 1))
        outcome = in_process(*asked)
        several = "--children" in asked
        told = offences(outcome, asked, statuses=STATUSES, several=several)
        if words[0] == "inspect" and outcome.status == ExitStatus.DONE:
            told += _mixed_in(outcome.out)
        result.add([f"[{kind}]", *asked], outcome, told)
    if words[0] == "record" and outcome.status == ExitStatus.DONE:
        words = ["inspect", "--regions", "--json", "--from", words[-1]]
        outcome = in_process(*words)
        told = offences(outcome, words, statuses=STATUSES)
        result.add(words, outcome, told + (_mixed_in(outcome.out) if outcome.status == ExitStatus.DONE else []))
    return result


def _mixed_in(text: bytes) -> list[str]:
    with contextlib.suppress(ValueError):
        found = json.loads(text)
        both = map(mixed, found if isinstance(found, list) else [found])
        return [f"two processes in one: {one}" for one in both if one is not None]
    return []


@contextlib.contextmanager
def _racing(kind: str, trial: Trial) -> Iterator[tuple[int, Any]]:
    """The process to look at, and what begins the race, so many microseconds after it is called."""
    source, words = ("hostile.c", ["remap"]) if kind == "remap" else ("races.c", [kind])
    with started([str(build(source, (), trial.shared)), *words], ready=False) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        line = child.stdout.readline().split()
        assert line[:1] == [b"ready"], line

        def begin(delay: int) -> None:
            if kind != "remap":
                assert child.stdin is not None
                child.stdin.write(b"%d\n" % delay)
                child.stdin.flush()

        yield (child.pid if kind == "remap" else int(line[1])), begin


@cache
def can_choose_pids() -> bool:
    """Whether a process may be given a pid (clone3(2), CAP_CHECKPOINT_RESTORE)."""
    return os.geteuid() == 0 and os.uname().release.split(".")[0] >= "5"


def count_reuses(program: Path, times: int) -> int:
    """Let one process follow another under the same pid so often; how often it did."""
    done = subprocess.run(
        [program, "reuse"], input=b"0\n" * times, capture_output=True, check=False, timeout=60 + times
    )
    return sum(line.startswith((b"first", b"second")) for line in done.stdout.splitlines())


PART = Part(
    name="races",
    what="exec, exit, fork, changing memory and reused pids while a process is read",
    full_count=4_000,
    attempt=attempt,
    lacking=lambda: None if shutil.which("gcc") else "gcc is not installed",
    cost=0.12,
)
