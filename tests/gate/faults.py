"""System calls that fail: strace lets the n-th call of one sort fail with one error, in every command.

Here belongs which calls fail and how, and what must then not be said: that a living process has ended, that there is
nothing, or zero. The command runs in a fork of this interpreter, which strace joins before its first call: what
Python itself calls while it starts is not ours to answer for.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from procmem.errors import ExitStatus
from tests.gate import command_lines
from tests.gate.law import ANSWERED, DOCUMENTED, denials, offences
from tests.gate.part import Part, Result, Trial
from tests.gate.running import in_process
from tests.support.running import FIXTURES, started, state_of, wait_for

__all__ = ["PART", "join", "lacking", "lies"]

CPU_SECONDS_MAX = 10.0
"""A tracer stops each call twice."""
CALLS = (
    "openat", "read", "pread64", "getdents64", "newfstatat,fstat,statx", "readlink,readlinkat", "lseek", "write",
    "clone,clone3,fork,vfork", "pipe2", "kcmp", "process_vm_readv", "ptrace", "mkdir,mkdirat", "rename,renameat2",
    "unlink,unlinkat", "fsync", "poll,ppoll", "wait4", "ioctl", "statfs,fstatfs",
)  # fmt: skip
MOVING = frozenset({"rates", "head", "cgroup", "cached"})
"""What is another at each look (a control group and the swap cache are of others too), and sentences: fewer where less
is known."""
ABOUT_US = ("EIO", "EMFILE", "ENFILE", "ENOMEM")
"""They say nothing of the process that was to be read."""
ERRORS = (*ABOUT_US, "EINTR", "ESRCH", "EACCES", "EPERM", "ENOSPC")
FIRST_CALLS = (3, 12, 60, 250)
STATUSES = DOCUMENTED - {ExitStatus.USAGE, ExitStatus.INTERRUPTED}
TARGET = """
import os, threading, time
open('/proc/self/comm', 'w').write(f'gate-{os.getpid()}')
threading.Thread(target=time.sleep, args=(10000,), daemon=True).start()
kept = bytearray(5 << 20)
print('ready', flush=True)
time.sleep(10000)
"""


@contextlib.contextmanager
def _target() -> Iterator[int]:
    """A process that lives and stands still."""
    with started([sys.executable, "-S", "-c", TARGET]) as child:
        wait_for(lambda: state_of(child.pid) == "S")
        yield child.pid


def _drawn(random: Random, pid: int, folder: Path) -> list[str]:
    """A command line about a living process; mostly as JSON, which can be held against another document."""
    forms = (("--json",), ("--json",), ("--json",), (), ("--csv",))
    kind = random.random()
    if kind < 0.08:
        return ["record", "--deep", "-o", str(folder / random.choice(("out", "out.tar.gz"))), str(pid)]
    if kind < 0.12:
        return ["diff", str(FIXTURES / "x86_64-6.18-sleep"), str(pid), *random.choice(forms)]
    if kind < 0.16:
        return ["watch", "--count", "2", "--interval", "0.01", "--classes", *random.choice(forms), str(pid)]
    if kind < 0.2:
        return ["translate", str(pid), "0x400000", "0x7ffd00000000", *random.choice(forms)]
    if kind < 0.24:
        return ["simulate", "--stage", "exec", "/bin/true"]
    if kind < 0.28:
        return ["inspect", "--name", f"gate-{pid}", *random.choice(forms)]
    if kind < 0.4:
        words = random.choice([words for words, _ in command_lines.OF_A_MACHINE if "--classes" not in words])
        return [*words, *random.choice(forms), "--name", f"gate-{pid}"]
    words, formats = random.choice(command_lines.OF_A_PROCESS)
    form = random.choice(forms)
    return [*words, *(form if form in formats else ()), str(pid)]


def attempt(trial: Trial) -> Result:
    """One command, whole and with a fault; what it says of the same process is laid side by side."""
    random = trial.random
    result = Result()
    with _target() as pid:
        words = _drawn(random, pid, trial.folder)
        calls, error = random.choice(CALLS), random.choice(ERRORS)
        when = str(random.randrange(1, random.choice(FIRST_CALLS) + 1))
        if random.random() < 0.3 and error != "EINTR" and "fstat" not in calls:
            when += "+"  # from then on; what is interrupted is called again without end, and so is a path looked for
        fault = f"inject={calls}:error={error}:when={when}"
        whole = in_process(*words) if "--json" in words else None
        outcome = in_process(*words, joined=lambda child: join(child, fault, trial.folder / "trace"))
        alive = state_of(pid) == "S"
    told = offences(outcome, words, statuses=STATUSES, cpu_seconds_max=CPU_SECONDS_MAX)
    if calls == "write":
        told = [one for one in told if "stdout" not in one and "line" not in one and "JSON" not in one]
    if error in ABOUT_US and alive and outcome.status != ExitStatus.DONE:
        told += denials(outcome)
    if whole is not None and whole.status == outcome.status and outcome.status in ANSWERED:
        told += [f"{place} is {value}" for place, value in lies(_document(whole.out), _document(outcome.out))]
    result.add([f"[{fault}]", *words], outcome, told)
    return result


def _document(text: bytes) -> Any:
    with contextlib.suppress(ValueError):
        return json.loads(text)
    return None


def lies(whole: Any, other: Any, place: str = "") -> Iterator[tuple[str, object]]:
    """Where one document says nothing or zero, and another of the same process says more.

    Rows of lists are not compared, since their number may differ; null is no lie.
    """
    if isinstance(whole, dict) and isinstance(other, dict):
        for key in (whole.keys() & other.keys()) - MOVING:
            yield from lies(whole[key], other[key], f"{place}/{key}")
    elif whole and not isinstance(whole, bool) and other is not None and not other:
        yield place, other


@contextlib.contextmanager
def join(pid: int, fault: str, log: Path) -> Iterator[None]:
    """Have strace follow a stopped process, let it go on, and wait for strace to end with it."""
    words = ["strace", "-f", "-q", "-o", str(log), "-p", str(pid), "-e", fault]
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as tracer:
        wait_for(
            lambda: tracer.poll() is not None or b"TracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_bytes()
        )
        os.kill(pid, signal.SIGCONT)
        try:
            yield
        finally:
            try:
                tracer.wait(5)
            except subprocess.TimeoutExpired:
                tracer.kill()


@cache
def lacking() -> str | None:
    """A tracer that can make calls fail, and the right to trace."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run(["strace", "-q", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return None if done.returncode == 0 else f"strace traces nothing here: {done.stderr.decode().strip()}"


PART = Part(
    name="faults",
    what="every command while the n-th system call of a sort fails",
    full_count=2_000,
    attempt=attempt,
    lacking=lacking,
    cost=0.5,
)
