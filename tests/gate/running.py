"""Running the command under a watch: its streams, its status, and what it cost.

Here belongs how one run is made, in a fork of this interpreter ("in process") or by the command line, and how it is
measured. Whether the answer is right is the matter of ``law``.
"""

import contextlib
import importlib
import os
import pkgutil
import resource
import select
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import elftools

import procmem
from tests.support.running import ROOT

__all__ = ["NOBODY", "Outcome", "become_nobody", "command_line", "in_process", "measured", "warm_up"]

NOBODY = 65534
WALL_SECONDS_MAX = 60
CPU_LIMIT_SECONDS = 30
ADDRESS_SPACE_MAX = 3 << 30
OUTPUT_BYTES_MAX = 256 << 20
INTERPRETER_BYTES = 50 << 20
"""What an interpreter has that has loaded the program; whoever forks may have far more, which is not the fork's."""
LOST = 70
"""The status of a child that did not come to run what it was to run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run gave: ``status`` is negative where a signal ended it; ``peak_bytes`` is the most it had in memory."""

    status: int
    out: bytes
    err: bytes
    cpu_seconds: float
    peak_bytes: int
    seconds: float
    timed_out: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a run finds around it.

    ``before`` is called in the child, last of all. With ``joined`` the child stops itself first; that is then called
    with its pid, must let it go on, and is left when it has ended.
    """

    given: bytes = b""
    environment: Mapping[str, str] | None = None
    before: Callable[[], None] | None = None
    joined: Callable[[int], AbstractContextManager[None]] | None = None
    wall_seconds: float = WALL_SECONDS_MAX
    bounded: bool = True


def warm_up() -> None:
    """Import the whole program, and what it uses; compile its catalogues, as an installation does.

    A fork may have given up the right to read those files, or be made unable to.
    """
    from procmem.text.catalogues.build import compile_catalogues  # noqa: PLC0415  # not for who runs nothing

    compile_catalogues(ROOT / "procmem" / "text" / "catalogues")
    for package in (procmem, elftools):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    for name in ("click", "psutil", "tabulate", "csv", "ctypes", "difflib", "getpass", "unicodedata", "zlib"):
        importlib.import_module(name)


def in_process(*words: str, **around: Any) -> Outcome:
    """Run the command in a fork of this interpreter; arguments by name are those of :class:`Surroundings`."""
    from procmem.__main__ import main  # noqa: PLC0415  # is loaded by now

    def run() -> None:
        sys.argv = ["procmem", *words]
        try:
            main()
        except KeyboardInterrupt:  # as the installed command does
            os._exit(130)

    return measured(run, Surroundings(**around))


def command_line(*words: str, by: Sequence[str] = (), **around: Any) -> Outcome:
    """Run the command as a shell does, behind the words ``by`` (strace and its options, say)."""
    command = [*by, sys.executable, "-m", "procmem", *words]

    def run() -> None:
        os.execvp(command[0], command)

    return measured(run, Surroundings(**around))


def become_nobody() -> None:
    """Give up all rights for good."""
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def measured(action: Callable[[], None], around: Surroundings) -> Outcome:
    """Do something in a child process, its output kept, and wait for its end."""
    streams = [os.memfd_create(name) for name in ("given", "out", "err")]
    os.write(streams[0], around.given)
    os.lseek(streams[0], 0, os.SEEK_SET)
    _, resident, of_files, *_ = map(int, Path("/proc/self/statm").read_text().split())
    inherited = (resident - of_files) * os.sysconf("SC_PAGE_SIZE")  # fork(2) leaves pages of files to be mapped again
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # who runs the tests may have threads; the child uses none
        pid = os.fork()
    if pid == 0:
        _be_child(action, streams, around)
    try:
        with _joined(pid, around):
            outcome = _wait(pid, streams, around.wall_seconds)
        return replace(outcome, peak_bytes=max(outcome.peak_bytes - inherited, 0) + INTERPRETER_BYTES)
    finally:
        for stream in streams:
            os.close(stream)


def _be_child(action: Callable[[], None], streams: Sequence[int], around: Surroundings) -> NoReturn:
    try:
        os.setsid()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        os.closerange(3, 256)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # as an interpreter begins with
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # the same
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
        if around.environment is not None:
            os.environ.clear()
            os.environ.update(around.environment)
        if around.bounded:
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_SECONDS, CPU_LIMIT_SECONDS))
            resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_MAX, ADDRESS_SPACE_MAX))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        if around.before is not None:
            around.before()
        if around.joined is not None:
            os.kill(os.getpid(), signal.SIGSTOP)
        action()
        sys.stdout.flush()
        os._exit(0)
    except KeyboardInterrupt:  # one that the program never saw is none of its answers
        os._exit(130)
    except BaseException:  # whatever comes: this is a fork, and must not go on as its parent
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(LOST)


def _joined(pid: int, around: Surroundings) -> AbstractContextManager[None]:
    """Who joins a child that has stopped itself; nobody otherwise."""
    if around.joined is None:
        return contextlib.nullcontext()
    os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
    return around.joined(pid)


def _wait(pid: int, streams: Sequence[int], seconds: float) -> Outcome:
    """Wait for a child, and kill its whole session where it does not end."""
    descriptor = os.pidfd_open(pid)
    began = os.times().elapsed
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        timed_out = not poll.poll(seconds * 1000)
    finally:
        os.close(descriptor)
    if timed_out:
        os.killpg(pid, signal.SIGKILL)
    _, status, used = os.wait4(pid, 0)
    return Outcome(
        status=os.waitstatus_to_exitcode(status),
        out=os.pread(streams[1], OUTPUT_BYTES_MAX, 0),
        err=os.pread(streams[2], OUTPUT_BYTES_MAX, 0),
        cpu_seconds=used.ru_utime + used.ru_stime,
        peak_bytes=used.ru_maxrss * 1024,
        seconds=os.times().elapsed - began,
        timed_out=timed_out,
    )
