"""Living processes that mean no good: in 64 and 32 bit, of root and of nobody, looked at by both.

The processes are ``tests/programs/hostile.c``; here belongs how they are started and what is asked of them. What must
hold besides the law: no line of theirs is taken for one of ours, and nobody denies that they live.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from procmem.errors import ExitStatus
from tests.gate import command_lines
from tests.gate.law import DOCUMENTED, denials, offences
from tests.gate.part import Part, Result, Trial
from tests.gate.running import NOBODY, Outcome, become_nobody, in_process
from tests.programs.build import build, can_build_32bit
from tests.support.running import kernel_thread, missing_pid, started, state_of, stopped

__all__ = ["PART"]

STATUSES = DOCUMENTED - {ExitStatus.SYSTEM_FAILED, ExitStatus.USAGE, ExitStatus.CANNOT_WRITE, ExitStatus.INTERRUPTED}
WAYS = (
    "names", *(f"name {number}" for number in range(14)), "mappings", "false-names FOLDER", "memory", "thread-storm",
    "threads", "dead-leader", "exec", "remap", "forks", "zombie", "vfork", "traced", "no-dumps", "lose rename",
    "lose remove", "lose replace", "lose fifo", "lose zero", "wait",
)  # fmt: skip
MANY = frozenset({"mappings"})
"""Of 60,000 mappings an answer may take longer, and more memory."""
CPU_SECONDS_OF_MANY = 20.0
RESTLESS = frozenset({"thread-storm", "exec", "forks", "remap", "names"})
"""They change while they are read: what is said of them need not be the same twice."""
NO_DENIALS = RESTLESS | {"zombie", "kernel thread"}
"""Where something of it does end, or where it has no memory that could be watched."""
FORGED = b"FORGED"
READY_SECONDS = 20


class Freezer(NamedTuple):
    """Where groups that stand still are made, and how."""

    root: Path
    known_by: str
    file: str
    frozen: str
    thawed: str


FREEZERS = (
    Freezer(Path("/sys/fs/cgroup"), "cgroup.controllers", "cgroup.freeze", "1", "0"),
    Freezer(Path("/sys/fs/cgroup/freezer"), "cgroup.procs", "freezer.state", "FROZEN", "THAWED"),
)


def attempt(trial: Trial) -> Result:
    """Start one process, and ask of it as root or as nobody."""
    random = trial.random
    result = Result()
    as_nobody = os.geteuid() == 0 and random.random() < 0.3
    outputs = trial.folder / "outputs"
    outputs.mkdir()
    outputs.chmod(0o1777)
    with contextlib.ExitStack() as stack:
        if random.random() < 0.1:
            way, pid = _of_the_machine(random)
        else:
            way, pid = _started(trial, stack)
        for words in (_question(random, pid, trial.folder) for _ in range(random.choice((1, 2, 3)))):
            outcome = in_process(*words, before=become_nobody if as_nobody else None)
            limit = CPU_SECONDS_OF_MANY if way in MANY else 2.0
            several = "--children" in words
            told = offences(outcome, words, statuses=STATUSES, cpu_seconds_max=limit, several=several)
            result.add([f"[{way}{' as nobody' if as_nobody else ''}]", *words], outcome, told + _forged(outcome))
            if not several and words[0] != "system" and way not in NO_DENIALS and _lives(pid):
                result.offences += denials(outcome)
    return result


def _lives(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return state_of(pid) not in "ZX"
    return False


def _forged(outcome: Outcome) -> list[str]:
    """Lines that begin as only a name could make them begin."""
    lines = [*outcome.out.splitlines(), *outcome.err.splitlines()]
    return [f"a forged line: {line[:60]!r}" for line in lines if line.startswith(FORGED)]


def _question(random: Random, pid: int, folder: Path) -> list[str]:
    kind = random.random()
    if kind < 0.08:
        out = folder / "outputs" / f"out{random.randrange(10**9)}"
        return ["record", "--keep-args", *random.choice(((), ("--deep",))), "-o", str(out), str(pid)]
    if kind < 0.12:
        return ["translate", str(pid), "0x8048000", "0x7ffd00000000", *random.choice(command_lines.ALL)]
    if kind < 0.16:
        return ["watch", "--count", "3", "--interval", "0.01", *random.choice(((), ("--json",), ("--csv",))), str(pid)]
    if kind < 0.2:
        return ["inspect", "--children", *random.choice(command_lines.ALL), str(pid)]
    if kind < 0.24:
        return ["system", *random.choice(command_lines.ALL), "--name", ".*hostile.*|.*FORGED.*|x.*"]
    words, formats = random.choice(command_lines.OF_A_PROCESS)
    return [*words, *random.choice(formats), *random.choice(command_lines.LANGUAGES), str(pid)]


def _of_the_machine(random: Random) -> tuple[str, int]:
    """Who is there anyway: the first process, a thread of the kernel, ourselves, nobody."""
    who = random.choice(("init", "kernel thread", "ourselves", "nobody there"))
    pids = {"init": 1, "kernel thread": kernel_thread() or 1, "ourselves": os.getpid(), "nobody there": missing_pid()}
    return who, pids[who]


def _started(trial: Trial, stack: contextlib.ExitStack) -> tuple[str, int]:
    """One hostile process, and its pid; sometimes stopped, or with a command line of a gigabyte."""
    random = trial.random
    way = random.choice(WAYS)
    flags = ("-m32",) if random.random() < 0.5 and can_build_32bit() else ()
    source = "hostile.c"
    if random.random() < 0.05:
        way, source, flags = "a command line of a gigabyte", "long_cmdline.c", ()
    program = trial.folder / random.choice(("hostile", "hostile \x1b[1m", "hostile\nFORGED", "x" * 200, "h (deleted)"))
    shutil.copy(build(source, flags, trial.shared), program)
    files = trial.folder / "files"
    files.mkdir()
    if os.geteuid() == 0 and random.random() < 0.4:
        for path in (trial.folder, files):
            os.chown(path, NOBODY, NOBODY)
        rights = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    else:
        rights = {}
    words = [str(program), *way.replace("FOLDER", str(files)).split(" ")]
    child = stack.enter_context(started(words, ready=False, **rights))
    _wait_until_ready(child)
    if random.random() < 0.1 and way not in RESTLESS | {"dead-leader", "vfork"}:
        stack.enter_context(stopped(child.pid))
    elif random.random() < 0.05:
        stack.enter_context(_frozen(child.pid))
    return way.partition(" FOLDER")[0], child.pid


def _wait_until_ready(child: "subprocess.Popen[bytes]") -> None:
    """Until it has said so, or refused: then it is one more process that has just ended."""
    assert child.stdout is not None
    os.set_blocking(child.stdout.fileno(), False)
    end = time.monotonic() + READY_SECONDS
    while child.stdout.read(100) is None and time.monotonic() < end:
        time.sleep(0.002)


@contextlib.contextmanager
def _frozen(pid: int) -> Iterator[None]:
    """A process in a cgroup that stands still, where such a group can be made (cgroups(7), of version 2 or 1)."""
    found = next((row for row in FREEZERS if (row.root / row.known_by).is_file()), None)
    try:
        group = None if found is None else Path(tempfile.mkdtemp(prefix="procmem-gate-", dir=found.root))
    except OSError:
        group = None
    if found is None or group is None:
        yield
        return
    try:
        with contextlib.suppress(OSError):
            (group / "cgroup.procs").write_text(str(pid))
            (group / found.file).write_text(found.frozen)
        yield
    finally:
        with contextlib.suppress(OSError):
            (group / found.file).write_text(found.thawed)
            (found.root / "cgroup.procs").write_text(str(pid))
        _remove(group)


def _remove(group: Path) -> None:
    for _ in range(100):
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:  # its last process has not left it yet
            time.sleep(0.01)
        else:
            return


PART = Part(
    name="hostile",
    what="living processes that mean no good, in 64 and 32 bit, of root and of nobody",
    full_count=1_000,
    attempt=attempt,
    lacking=lambda: None if shutil.which("gcc") else "gcc is not installed",
    cost=0.4,
)
