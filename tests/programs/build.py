"""Build the test programs with the machine's gcc, and run the one that prints a manifest.

The same source is built in many ways (32 bit, static, without RELRO, ...), since
each lays out memory differently.  ``build`` is given the flags of one way.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, cast

from tests.support import needs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType
    from typing import Self

HERE: Final = Path(__file__).resolve().parent

COMMON_FLAGS: Final = ("-O1", "-g0", "-pthread", "-Wall", "-Wextra")

VARIANTS: Final[Mapping[str, tuple[str, ...]]] = {
    "pie": (),
    "no-pie": ("-no-pie",),
    "static": ("-static",),
    "static-pie": ("-static-pie",),
    "norelro": ("-Wl,-z,norelro",),
    "noseparate-code": ("-Wl,-z,noseparate-code",),
    "m32-pie": ("-m32",),
    "m32-no-pie": ("-m32", "-no-pie"),
    "m32-static": ("-m32", "-static"),
    "m32-static-pie": ("-m32", "-static-pie"),
    "m32-norelro": ("-m32", "-Wl,-z,norelro"),
    "m32-noseparate-code": ("-m32", "-Wl,-z,noseparate-code"),
}
"""The ways in which the manifest program is built: a name, and the flags of gcc."""

GAPPED_LIBRARY_FLAGS: Final = ("-shared", "-fPIC", "-Wl,-z,max-page-size=0x200000")
"""Builds ``gapped_library.c`` so that the loader leaves inaccessible holes in it."""


class BuildError(Exception):
    """gcc is missing, or refused a program; the message holds what it said."""


class ProgramError(Exception):
    """A test program ended, or stayed silent, before it said that it was ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueRange:
    """One byte range of a process, with what it is by construction.  Addresses are half-open."""

    start: int
    end: int
    cls: str
    kind: str
    name: str = ""
    tid: int | None = None


def parse_range(line: Mapping[str, object]) -> TrueRange:
    """Read one object of a manifest.

    Raises:
        KeyError, ValueError: the object is not a range.
    """
    tid = line.get("tid")
    return TrueRange(
        start=int(str(line["start"]), 16),
        end=int(str(line["end"]), 16),
        cls=str(line["class"]),
        kind=str(line["kind"]),
        name=str(line.get("name", "")),
        tid=None if tid is None else int(str(tid)),
    )


def _sources(source_name: str) -> list[Path]:
    """``manifest.c`` stands for itself and for ``manifest_*.c`` beside it."""
    source = HERE / source_name
    return [source, *sorted(HERE.glob(f"{source.stem}_*.c"))]


def build(source_name: str, flags: Sequence[str], into: Path) -> Path:
    """Compile a source of this folder, with its further parts, and give back the program's path.

    Flags that name libraries (``-l``) belong behind the sources and are put there.  What was built into the
    same folder with the same flags is built again only when a source is newer.

    Raises:
        BuildError: gcc failed; where it is not installed, the running test is skipped.
    """
    gcc = needs.program("gcc")
    name = "-".join([Path(source_name).stem, *(flag.strip("-").replace("/", "_") for flag in flags)])
    program = into / name
    newest_source = max(source.stat().st_mtime for source in HERE.glob("*.[ch]"))
    if program.exists() and program.stat().st_mtime > newest_source:
        return program
    fresh = into / f"{name}.{os.getpid()}"
    libraries = [flag for flag in flags if flag.startswith("-l")]
    others = [flag for flag in flags if not flag.startswith("-l")]
    command = [gcc, *COMMON_FLAGS, *others, *map(str, _sources(source_name)), *libraries, "-o", str(fresh)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise BuildError(f"{' '.join(command)}\nended with status {run.returncode}:\n{run.stderr}")
    fresh.replace(program)  # whoever builds at the same time never sees half a program
    return program


def build_alone(source_name: str, into: Path, name: str) -> Path:
    """A static program by a name of its own: nobody else maps a file of it, so that its USS is its own affair.

    Raises:
        BuildError: as :func:`build`.
    """
    program = into / name
    shutil.copyfile(build(source_name, VARIANTS["static"], into), program)
    program.chmod(0o755)
    write_out(into)
    return program


def write_out(folder: Path) -> None:
    """Have the files of a folder on disk: pages that are still to be written count as dirty, until they are."""
    for path in folder.iterdir():
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())


@functools.cache
def can_build_32bit() -> bool:
    """Tell whether gcc has the headers and libraries of 32-bit x86, shared and static."""
    gcc = shutil.which("gcc")
    if gcc is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        command = [gcc, "-m32", "-static", "-x", "c", "-", "-o", str(Path(folder, "probe"))]
        source = '#include <stdio.h>\nint main(void) { return puts("") < 0; }\n'
        return subprocess.run(command, input=source, capture_output=True, text=True, check=False).returncode == 0


class RunningProgram:
    """A test program that has said what its memory is, and now waits.

    Use it in a ``with`` statement: leaving it ends the input of the program, which then removes what it made
    and exits.  What is left of its process group after that is killed.
    """

    pid: int
    """The process that the manifest is about: in the ``fork`` scenario a child of the one started."""
    ranges: list[TrueRange]
    skipped: dict[str, str]
    """Parts that could not be built here, each with the reason."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        timeout: float = 60,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.ranges = []
        self.skipped = {}
        self._stderr = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            start_new_session=True,
            env=None if env is None else dict(env),
        )
        try:
            self._read_manifest(time.monotonic() + timeout)
        except BaseException:
            self.close()
            raise

    def _read_manifest(self, deadline: float) -> None:
        output = cast("IO[bytes]", self._process.stdout)
        pending = b""
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([output], [], [], left)[0]:
                raise ProgramError(f"{self._process.args!r} is not ready; {self._complaints()}")
            got = os.read(output.fileno(), 1 << 16)
            if not got:
                self._process.wait()
                raise ProgramError(
                    f"{self._process.args!r} ended with {self._process.returncode}; {self._complaints()}"
                )
            *lines, pending = (pending + got).split(b"\n")
            for line in lines:
                if self._take(json.loads(line)):
                    return

    def _take(self, line: dict[str, object]) -> bool:
        """Keep one line; true for the line that says that the program is ready."""
        if "ready" in line:
            self.pid = int(str(line["pid"]))
            return True
        if "skipped" in line:
            self.skipped[str(line["skipped"])] = str(line["why"])
        else:
            self.ranges.append(parse_range(line))
        return False

    def _complaints(self) -> str:
        self._stderr.seek(0)
        return self._stderr.read() or "it said nothing"

    def close(self) -> None:
        """End the program, politely first, and reap it."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._stderr.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def start(
    binary: Path | str,
    *args: str,
    timeout: float = 60,
    env: Mapping[str, str] | None = None,
    prefix: Sequence[str] = (),
) -> RunningProgram:
    """Start a program that prints a manifest, and return when it is ready.

    ``prefix`` is a command that starts it in its own way (``setarch -R``).

    Raises:
        ProgramError: it ended first, or was not ready within ``timeout`` seconds.
    """
    return RunningProgram([*prefix, str(binary), *args], timeout=timeout, env=env)
