"""Programs that grow in a way that they count themselves, and what procmem says of them."""

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from procmem.sources.perf_events import faults_allowed
from tests.programs.build import HERE
from tests.support import needs
from tests.support.running import COMMAND, ROOT

__all__ = ["VARIANTS", "Growing", "need_faults", "program", "started", "watched", "watching"]

VARIANTS: dict[str, tuple[str, ...]] = {
    "library": ("-O2",),
    "frame-pointers": ("-O2", "-fno-omit-frame-pointer"),
    "stripped": ("-O2", "-s"),
    "static": ("-O2", "-static"),
    "static-pie": ("-O1", "-static-pie"),
    "m32": ("-m32", "-O2"),
}
"""How the program is built. The library is a file of its own unless the program is static."""
SIZE = 32 << 20
"""What each way but ``leak`` comes to."""


def need_faults() -> None:
    """Skip where page faults may not be watched, or not those in system calls."""
    if faults_allowed()[0] != "all":
        needs.lacking("page faults in system calls may not be watched here (CAP_PERFMON)")


def program(variant: str, folder: Path) -> Path:
    """The program, built once for all tests of a run."""
    gcc, flags = needs.program("gcc"), VARIANTS[variant]
    made = folder / f"growing-{variant}"
    if made.exists():
        return made
    library = folder / f"libkept-{variant}.so"
    fresh = folder / f"growing-{variant}.{os.getpid()}"
    parts = [str(HERE / "kept_blocks.c")]
    if "-static" not in flags and "-static-pie" not in flags:
        shared = folder / f"{library.name}.{os.getpid()}"
        subprocess.run([gcc, *flags, "-shared", "-fPIC", *parts, "-o", str(shared)], check=True)
        shared.replace(library)
        parts = [str(library), f"-Wl,-rpath,{folder}"]
    command = [gcc, *flags, str(HERE / "growing.c"), *parts, "-pthread", "-o", str(fresh)]
    subprocess.run(command, check=True)
    fresh.replace(made)
    return made


class Growing:
    """One that runs: it begins when it is told, and says what it has kept."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.pid = process.pid

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go_on(self) -> None:
        """Let it do what it waits with."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def wait_until_ready(self) -> None:
        """Until it waits for us."""
        assert self._line() == "ready"

    def kept_in_all(self) -> int:
        """What it says of itself when it is done."""
        found = self._line()
        while found == "ready":
            found = self._line()
        return int(found)


@contextlib.contextmanager
def started(command: Sequence[str]) -> Iterator[Growing]:
    """Start it; it is ready to begin, and gone at the end."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"MALLOC_MMAP_THRESHOLD_": "65536"}
    ) as process:
        try:
            growing = Growing(process)
            growing.wait_until_ready()
            yield growing
        finally:
            process.kill()


@contextlib.contextmanager
def watching(pid: int, *options: str) -> Iterator["subprocess.Popen[str]"]:
    """The command, from when it says that faults are being watched."""
    command = [*COMMAND, "growth", str(pid), *options]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        said = run.stderr.readline()
        while said and "watching the page faults" not in said:
            said = run.stderr.readline()
        yield run


def watched(growing: Growing, *options: str, seconds: float = 1.0) -> Any:
    """What ``growth --json`` says of a program that begins when its faults are being watched."""
    with watching(growing.pid, "--seconds", str(seconds), "--json", *options) as run:
        growing.go_on()
        out, said = run.communicate(timeout=60)
    assert run.returncode == 0, said
    return json.loads(out)
