"""Make the recordings in ``fixtures/`` anew: real processes, each with what ``pmap -X`` said at that moment.

    sudo .venv/bin/python tests/make_fixtures.py [NAME...]

Every process runs from the neutral folder ``/opt/demo``, which this script makes and removes, with an empty
environment, and is stopped while it is read. ``procmem record`` reads it, then ``pmap -X``; the two are taken again
until they agree, since the PSS of a process moves whenever another one maps the same libraries. For the
same reason both readers run from copies of their programs and libraries: files that the process has not mapped.

Beside each recording lie ``pmap-X.txt`` (pmap's output) and, for the programs of ``tests/programs``, ``truth.jsonl``
(what each of their ranges is by construction). Names of this machine are replaced; the words that must not
appear are searched for at the end.

Needs root, gcc with -m32, procps, setarch, setpriv, bash, python3, node.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import elftools

import procmem
from procmem.parse.smaps import parse_rollup, parse_smaps_by_line
from tests.programs.build import GAPPED_LIBRARY_FLAGS, VARIANTS, RunningProgram, TrueRange, build
from tests.support.pmap_text import PmapRow, differences, parse_pmap

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
DEMO = Path("/opt/demo")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "TMPDIR": str(DEMO)}
"""Without a locale: its files would be mapped by the readers too."""

TRIES = 100
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is recorded: one or several pids; ``stop`` is False for what no signal stops."""

    pids: tuple[int, ...]
    stop: bool = True
    as_nobody: bool = False
    truth: Sequence[TrueRange] = ()


@contextlib.contextmanager
def _command(*words: str, ready: bytes = b"ready") -> Iterator[int]:
    """A program that writes ``ready`` when it may be looked at, and reads its input until it ends."""
    process = subprocess.Popen(
        words, cwd=DEMO, env=ENVIRONMENT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline() if ready else b""
        assert ready in line, f"{words} said {line!r}"
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@contextlib.contextmanager
def _manifest(variant: str, *scenarios: str, before: tuple[str, ...] = ()) -> Iterator[RunningProgram]:
    """The program of many areas, built in one way."""
    name = DEMO / ("areas-" + variant)
    built = build("manifest.c", VARIANTS[variant], DEMO / "build")
    shutil.copyfile(built, name)
    name.chmod(0o755)
    word = ["-m32"] if "m32" in variant else []
    library = DEMO / f"libgapped{'32' if word else ''}.so"
    shutil.copyfile(build("gapped_library.c", [*GAPPED_LIBRARY_FLAGS, *word], DEMO / "build"), library)
    files = DEMO / "files"
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir()
    words = [*before, str(name), "--dir", str(files), "--lib", str(library), *scenarios]
    with RunningProgram(words, env=ENVIRONMENT) as running:
        yield running


@contextlib.contextmanager
def _areas(variant: str, before: tuple[str, ...] = ()) -> Iterator[Subject]:
    with _manifest(variant, "all", before=before) as running:
        yield Subject(pids=(running.pid,), truth=running.ranges)


@contextlib.contextmanager
def _simple(*words: str, ready: bytes = b"ready", as_nobody: bool = False) -> Iterator[Subject]:
    with _command(*words, ready=ready) as pid:
        if not ready:
            time.sleep(0.3)
        yield Subject(pids=(pid,), as_nobody=as_nobody)


@contextlib.contextmanager
def _forked() -> Iterator[Subject]:
    with _manifest("pie", "elf", "brk", "mmap", "shm", "threads-default", "fork") as running:
        parent = int(Path(f"/proc/{running.pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        yield Subject(pids=(parent, running.pid), truth=running.ranges)


@contextlib.contextmanager
def _zombie() -> Iterator[Subject]:
    with _command("/usr/bin/python3", "-c", _NEGLECTFUL) as parent:
        child = int(Path(f"/proc/{parent}/task/{parent}/children").read_text())
        _wait_for(lambda: _state(child) == "Z")
        yield Subject(pids=(child,), stop=False)


@contextlib.contextmanager
def _dead_leader() -> Iterator[Subject]:
    with _manifest("pie", "elf", "mmap", "zombie") as running:
        yield Subject(pids=(running.pid,), truth=running.ranges)


@contextlib.contextmanager
def _kernel_thread() -> Iterator[Subject]:
    yield Subject(pids=(2,), stop=False)


_NEGLECTFUL = "import os, time; os.fork() or os._exit(3); print('ready', flush=True); time.sleep(1000)"
_THREADS = (
    "import threading, time\n"
    "keep = [bytearray(300_000 + 1000 * n) for n in range(20)]\n"
    "for n in range(4):\n"
    "    threading.Thread(target=time.sleep, args=(1000,), name=f'worker-{n}', daemon=True).start()\n"
    "print('ready', flush=True)\n"
    "time.sleep(1000)\n"
)
_NODE = "globalThis.keep = Array.from({length: 1e5}, String); setInterval(() => {}, 1e6); console.log('ready')"

RECORDINGS: dict[str, Callable[[], contextlib.AbstractContextManager[Subject]]] = {
    "x86_64-6.18-sleep": lambda: _simple("sleep", "1000", ready=b""),
    "x86_64-6.18-bash": lambda: _simple("bash", "--norc", "-c", "words={1..2000}; echo ready; read -r line; echo"),
    "x86_64-6.18-python-threads": lambda: _simple("/usr/bin/python3", "-c", _THREADS),
    "x86_64-6.18-node": lambda: _simple("node", "-e", _NODE),
    "x86_64-6.18-areas-pie": lambda: _areas("pie"),
    "x86_64-6.18-areas-no-pie": lambda: _areas("no-pie"),
    "x86_64-6.18-areas-static": lambda: _areas("static"),
    "i386-6.18-areas-pie": lambda: _areas("m32-pie"),
    "i386-6.18-areas-3gib": lambda: _areas("m32-no-pie", ("setarch", "i686", "-R", "-3")),
    "x86_64-6.18-fork": _forked,
    "x86_64-6.18-zombie": _zombie,
    "x86_64-6.18-kernel-thread": _kernel_thread,
    "x86_64-6.18-dead-leader": _dead_leader,
    "x86_64-6.18-denied": lambda: _simple("sleep", "1000", ready=b"", as_nobody=True),
}


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def _wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise TimeoutError("the process did not come to where it was wanted")


def _all_stopped(pid: int) -> bool:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    states = [(task / "stat").read_text().rsplit(")", 1)[1].split()[0] for task in tasks]
    return all(state in "TZ" for state in states)


class Apart:
    """Copies of python and pmap with all their libraries, so that reading maps nothing that the process maps.

    They can be read by everybody, so that a user without rights can be the reader too.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "lib").mkdir(parents=True)
        folder.chmod(0o755)
        self._loader = ""
        python = Path(os.path.realpath(sys.executable))
        standard = Path(sysconfig.get_path("stdlib"))
        programs = [str(python), shutil.which("pmap") or "pmap"]
        for program in programs:
            shutil.copy(program, folder)
        for program in [*programs, *map(str, standard.glob("lib-dynload/*.so"))]:
            for path in re.findall(r"(/\S+) \(0x", subprocess.check_output(["ldd", program], text=True)):
                shutil.copy(path, folder / "lib")
                if "/ld-linux" in path:
                    self._loader = str(folder / "lib" / Path(path).name)
        unneeded = shutil.ignore_patterns("test", "site-packages", "__pycache__", "idlelib", "config-*")
        own = folder / "lib" / standard.name
        shutil.copytree(standard, own, ignore=unneeded)
        for package in (procmem, click, elftools):
            shutil.copytree(Path(package.__path__[0]), own / package.__name__, ignore=unneeded)

    def run(self, words: Sequence[str], before: Sequence[str] = ()) -> "subprocess.CompletedProcess[str]":
        """Run one of the copied programs, with what stands before it."""
        program = str(self.folder / words[0])
        command = [*before, self._loader, "--library-path", str(self.folder / "lib"), program, *words[1:]]
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PYTHONHOME": str(self.folder)}
        return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)

    def record(self, pids: Sequence[int], path: Path, before: Sequence[str]) -> None:
        """Let procmem record the processes."""
        python = Path(os.path.realpath(sys.executable)).name
        words = [python, "-m", "procmem", "record", "--keep-args", *map(str, pids), "-o", str(path)]
        done = self.run(words, before)
        if done.returncode:
            raise RuntimeError(f"{words}: {done.stderr}")

    def pmap(self, pids: Sequence[int], before: Sequence[str]) -> str:
        """What pmap -X prints; it ends with a status of its own for processes without memory."""
        return self.run(["pmap", "-X", *map(str, pids)], before).stdout


def _take(subject: Subject, apart: Apart, scratch: Path) -> None:
    """Record and print until both agree in every number."""
    before = NOBODY if subject.as_nobody else ()
    if subject.stop:
        for pid in subject.pids:
            os.kill(pid, signal.SIGSTOP)
            _wait_for(lambda pid=pid: _all_stopped(pid))  # type: ignore[misc]
    out = scratch / "recording"
    found: list[str] = []
    for _ in range(TRIES):
        shutil.rmtree(out, ignore_errors=True)
        apart.record(subject.pids, out, before)
        printed = apart.pmap(subject.pids, before)
        (out / "pmap-X.txt").write_text(printed)
        if subject.truth:
            lines = [json.dumps(asdict(each)) + "\n" for each in subject.truth]
            (out / "truth.jsonl").write_text("".join(lines))
        rows = parse_pmap(printed)
        found = list(_differences(rows, out))
        if not found:
            return
        time.sleep(0.02)
    raise RuntimeError("record and pmap never agreed: " + "; ".join(found[:5]))


def _differences(rows: Sequence[PmapRow], recording: Path) -> Iterator[str]:
    """Where pmap and the recorded smaps differ, process by process; pmap reads no process without its leader."""
    texts = {int(path.parent.name): path.read_bytes() for path in recording.glob("*/smaps")}
    for pid in {*texts, *(row.pid for row in rows)}:
        table = parse_smaps_by_line(texts.get(pid, b""))
        yield from differences([row for row in rows if row.pid == pid], table)
    for path in recording.glob("*/smaps_rollup"):
        total = parse_smaps_by_line((path.parent / "smaps").read_bytes()).total("Pss") or 0
        rollup = parse_rollup(path.read_bytes())["Pss"]
        if not 0 <= rollup - total < 1024 * (path.parent / "smaps").read_bytes().count(b"VmFlags:"):
            yield f"smaps_rollup has a PSS of {rollup}, smaps {total}"


def _scrub(recording: Path) -> None:
    """Replace what names this machine, and look for what must not be there."""
    release = os.uname().release
    kernel = re.match(r"[0-9.]+[0-9]", release)
    plain = kernel[0] if kernel else release
    recording.chmod(0o755)
    for path in sorted(recording.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        if path.name == "version":
            path.write_text(f"Linux version {plain} (builder@example) (gcc, GNU ld) #1 SMP PREEMPT_DYNAMIC\n")
        elif path.name == "cgroup":
            path.write_text(re.sub(r"(?m)^([0-9]+:[^:]*:).*", r"\1/", path.read_text()))
        elif path.name == "about.toml":
            path.write_text(path.read_text().replace(release, plain))
    private = [os.uname().nodename, release, "/root", "/home", str(FIXTURES.parent), sys.prefix, sys.base_prefix]
    private += ["/tmp", "process_api"]
    words = [word.encode() for word in private if len(word) > 2]
    for path in recording.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            found = [word for word in words if word in data]
            if found:
                raise RuntimeError(f"{path} holds {found}")


def main(names: Sequence[str]) -> None:
    """Make the named recordings, or all."""
    if os.geteuid() != 0:
        sys.exit("only root may read all that a recording holds")
    DEMO.mkdir(mode=0o755)
    os.chdir(DEMO)
    scratch = Path(tempfile.mkdtemp(prefix="demo-scratch-", dir="/opt"))
    scratch.chmod(0o777)
    try:
        (DEMO / "build").mkdir()
        apart = Apart(scratch / "apart")
        for name in names or RECORDINGS:
            with RECORDINGS[name]() as subject:
                try:
                    _take(subject, apart, scratch)
                finally:
                    for pid in subject.pids if subject.stop else ():
                        os.kill(pid, signal.SIGCONT)  # so that it can tidy up and end
            recording = scratch / "recording"
            _scrub(recording)
            shutil.rmtree(FIXTURES / name, ignore_errors=True)
            shutil.copytree(recording, FIXTURES / name)
            size = sum(path.stat().st_size for path in recording.rglob("*") if path.is_file())
            print(f"{name}: pid {', '.join(map(str, subject.pids))}, {size // 1024} KiB")  # noqa: T201
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.rmtree(DEMO, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
