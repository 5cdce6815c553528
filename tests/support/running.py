"""Running the command as a user does, and processes for it to look at."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support import needs

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
COMMAND = (sys.executable, "-m", "procmem")
TIME_LIMIT_SECONDS = 120

AS_NOBODY = """\
import csv, ctypes, difflib, gzip, importlib, json, os, pickle, pkgutil, sys, tarfile, tempfile, tomllib, unicodedata
import psutil, procmem
for module in pkgutil.walk_packages(procmem.__path__, "procmem."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
from procmem.cli.main import run
sys.argv[0] = "procmem"
sys.exit(run())
"""
"""Everything is imported before the rights are given up: Python itself may lie where nobody may read it."""


class Finished:
    """What a run of the command gave."""

    def __init__(self, done: "subprocess.CompletedProcess[bytes]") -> None:
        self.status = done.returncode
        self.out = done.stdout.decode("utf-8", "surrogateescape")
        self.err = done.stderr.decode("utf-8", "surrogateescape")

    def __repr__(self) -> str:
        return f"status {self.status}\n--- out\n{self.out[-3000:]}\n--- err\n{self.err[-3000:]}"

    @property
    def trouble(self) -> str:
        """What stderr says besides notes: those are in the document as well, and are no trouble."""
        return "".join(line for line in self.err.splitlines(True) if not line.startswith("procmem: note: "))

    @property
    def json(self) -> Any:
        """The document that was printed."""
        return json.loads(self.out)


def procmem(
    *words: str, env: Mapping[str, str] | None = None, text: bytes = b"", nobody: bool = False, cwd: Path = ROOT
) -> Finished:
    """Run the command; no output is a terminal. ``nobody`` gives up all rights first."""
    needs.told_of_the_machine(words)
    command = [sys.executable, "-c", AS_NOBODY, *words] if nobody else [*COMMAND, *words]
    unset = dict.fromkeys(("PYTHONIOENCODING", "PYTHONUTF8", "PYTHONDONTWRITEBYTECODE"), "")
    environment = {**os.environ, **unset, **(env or {})}
    environment = {key: value for key, value in environment.items() if value}
    done = subprocess.run(
        command, input=text, env=environment, cwd=cwd, capture_output=True, timeout=TIME_LIMIT_SECONDS, check=False
    )
    return Finished(done)


def state_of(pid: int, tid: int | None = None) -> str:
    """The letter in ``stat``."""
    folder = f"/proc/{pid}" if tid is None else f"/proc/{pid}/task/{tid}"
    return Path(folder, "stat").read_bytes().rsplit(b")", 1)[1].split()[0].decode("ascii")


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something is so.

    Raises:
        TimeoutError: it never was.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("it did not come to that")
        time.sleep(0.005)


@contextlib.contextmanager
def started(command: Sequence[str], *, ready: bool = True, **more: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """A child that is killed at the end; with ``ready``, one that first writes a line."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, **more)
    try:
        assert process.stdout is not None
        if ready:
            assert process.stdout.readline(), f"{command} said nothing"
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[int]:
    """A process that stands still meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: all(state_of(pid, int(tid)) in "TZ" for tid in os.listdir(f"/proc/{pid}/task")))
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def python_child(code: str) -> Iterator[int]:
    """A Python process that runs some code, which must print a line when it is ready, and then sleeps."""
    with started([sys.executable, "-c", f"{code}\nimport time\nprint('ready', flush=True)\ntime.sleep(1000)"]) as child:
        yield child.pid


@contextlib.contextmanager
def zombie() -> Iterator[int]:
    """A process that has ended and that nobody has asked for its status."""
    with started(
        [
            sys.executable,
            "-c",
            "import os, time\npid = os.fork() or os._exit(3)\nprint(pid, flush=True)\ntime.sleep(1000)",
        ],
        ready=False,
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        wait_for(lambda: state_of(pid) == "Z")
        yield pid


def kernel_thread() -> int | None:
    """The pid of a kernel thread, where they can be seen at all (not inside most containers)."""
    for name in sorted(os.listdir("/proc")):
        if name.isdecimal():
            with contextlib.suppress(OSError):
                if b"Kthread:\t1" in Path(f"/proc/{name}/status").read_bytes():
                    return int(name)
    return None


def maps_of(pid: int | str) -> list[list[str]]:
    """The words of each line of ``maps``, at most six, read by hand: a path may hold anything but a line feed."""
    lines = Path(f"/proc/{pid}/maps").read_bytes().split(b"\n")
    return [[os.fsdecode(word) for word in line.split(maxsplit=5)] for line in lines if line]


def missing_pid() -> int:
    """A pid that no process has, and none will get."""
    return int(Path("/proc/sys/kernel/pid_max").read_text()) + 7


def recordings() -> list[Path]:
    """All fixtures, by name."""
    return sorted(path for path in FIXTURES.iterdir() if (path / "about.toml").is_file())


def pids_in(recording: Path) -> list[int]:
    """The processes that a recording holds."""
    return sorted(int(path.name) for path in recording.iterdir() if path.name.isdecimal())


def targets(recording: Path) -> list[tuple[str, ...]]:
    """The words that name each process of a recording on the command line."""
    pids = pids_in(recording)
    return [("--from", str(recording), *([str(pid)] if len(pids) > 1 else [])) for pid in pids]
