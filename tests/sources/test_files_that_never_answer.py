"""Files on a file system that has stopped answering: each command gives the rest of its report, in bounded time."""

import errno
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from procmem.errors import NothingMatches, OutOfResources
from procmem.model.raw import Refusal
from procmem.sources import file_helper
from procmem.sources.file_helper import HelpedFile, call_apart, open_apart
from procmem.sources.files import NoAnswer
from tests.support.running import COMMAND, ROOT, procmem, started, wait_for
from tests.support.user_file_system import UserFileSystem, user_file_system

SECONDS_MAX = 25
"""Twice what all waiting of a command may take, and the command itself, on a busy machine."""


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[UserFileSystem]:
    """A copy of sleep(1) on a file system in user space."""
    program = shutil.which("sleep")
    assert program is not None
    with user_file_system(tmp_path / "mounted", Path(program)) as mount:
        yield mount


def _is_asleep(pid: int) -> bool:
    """Whether it has loaded all that it needs, and waits in clock_nanosleep(2) with its heap made."""
    folder = Path(f"/proc/{pid}")
    slept = (folder / "wchan").read_text().endswith("nanosleep")
    return slept and (folder / "exe").readlink().name == "program" and "[heap]" in (folder / "maps").read_text()


@pytest.mark.needs_root
@pytest.mark.machine
@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("inspect", "--from", "PATH"), 5), (("inspect", "PATH"), 5), (("inspect", "FOLDER"), 5),
        (("pmap", "PATH"), 5), (("simulate", "--script", "PATH"), 5), (("diff", "PATH", "PATH"), 5),
        (("record", "self", "-o", "FOLDER/out"), 6), (("record", "self", "-o", "FOLDER/out.tar.gz"), 6),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_what_a_user_names_there_is_told_in_one_line(
    mounted: UserFileSystem, words: tuple[str, ...], status: int
) -> None:
    """A recording, a script, or where to write one."""
    names = {"PATH": str(mounted.file), "FOLDER": str(mounted.file.parent)}
    mounted.stop_answering()
    began = time.monotonic()
    try:
        run = procmem(*(word.replace("PATH", names["PATH"]).replace("FOLDER", names["FOLDER"]) for word in words))
    finally:
        mounted.end()
    assert time.monotonic() - began < SECONDS_MAX
    assert (run.status, run.out) == (status, ""), run
    assert len(run.trouble.splitlines()) == 1, run
    assert "where nobody answers" in run.trouble


@pytest.mark.needs_root
@pytest.mark.machine
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("inspect", "PID"), "heap"), (("inspect", "PID", "--deep"), "heap"), (("explain", "PID"), "[stack]"),
        (("account", "PID"), "RES"), (("threads", "PID"), "stack"), (("pmap", "PID"), "program"),
        (("crosscheck", "PID"), "law"), (("shared", "PID"), "libc"), (("system", "--top", "1000"), "program"),
        (("translate", "PID", "STACK"), "page"), (("record", "PID", "-o", "OUT"), "recorded 1 process"),
        (("inspect", "--name", "program"), "heap"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_the_rest_of_the_report_stands(
    mounted: UserFileSystem, tmp_path: Path, words: tuple[str, ...], expected: str
) -> None:
    """Whatever is asked about a program that lies there, answers, ends, and says what it does not know."""
    with started([str(mounted.file), "1000"], ready=False) as child:
        wait_for(lambda: _is_asleep(child.pid))
        lines = Path(f"/proc/{child.pid}/maps").read_text().splitlines()
        stack = next(line.split("-")[0] for line in lines if line.endswith("[stack]"))
        mounted.stop_answering()
        asked = [
            {"PID": str(child.pid), "OUT": str(tmp_path / "out"), "STACK": stack}.get(word, word) for word in words
        ]
        began = time.monotonic()
        try:
            run = procmem(*asked)
        finally:
            mounted.end()
        assert time.monotonic() - began < SECONDS_MAX
    assert run.status == 0, run
    assert expected in run.out + run.err, run
    if words == ("inspect", "PID"):
        assert "no answer within the time limit" in run.out + run.err, run


@pytest.mark.needs_root
def test_an_abandoned_child_holds_nothing_of_ours(mounted: UserFileSystem) -> None:
    """Who reads our output through a pipe sees its end, also while a child of ours is stuck."""
    with started([str(mounted.file), "1000"], ready=False) as child:
        wait_for(lambda: _is_asleep(child.pid))
        mounted.stop_answering()
        shell = f"{' '.join(COMMAND)} inspect {child.pid} | cat"
        began = time.monotonic()
        try:
            done = subprocess.run(["sh", "-c", shell], cwd=ROOT, capture_output=True, timeout=100, check=True)
        finally:
            mounted.end()
        assert time.monotonic() - began < SECONDS_MAX
    assert b"heap" in done.stdout


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little of it, and a state of one's own."""

    class Children(file_helper._Children):
        helper = None
        given_up = 0
        waited = 0.0
        stuck: set[str] = set()  # noqa: RUF012  # one for all, as there

    monkeypatch.setattr(file_helper, "_Children", Children)
    monkeypatch.setattr(file_helper, "_PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr(file_helper, "_PATIENCE_IN_ALL", 0.5)


@pytest.mark.usefixtures("patience")
def test_a_child_reads_as_we_would(tmp_path: Path) -> None:
    """Regular files from their start, middle and end; what is none is refused, unopened; errors stay what they are."""
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 512)
    reader = open_apart(str(path), "device")
    assert isinstance(reader, HelpedFile)
    assert reader.identity == (path.stat().st_dev, path.stat().st_ino)
    for offset, length in ((0, 10), (16_380, 8), (100_000, 3), (131_070, 100), (131_072, 1), (1 << 63, 4)):
        assert reader.read_at(offset, length) == path.read_bytes()[offset : offset + length]
    assert open_apart(str(tmp_path), "device") is Refusal.FAILED
    os.mkfifo(tmp_path / "fifo")
    assert open_apart(str(tmp_path / "fifo"), "device") is Refusal.FAILED
    assert open_apart(str(tmp_path / "none"), "device") is Refusal.ABSENT


@pytest.mark.usefixtures("patience")
def test_what_is_stuck_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that gave no answer is not waited for again; other files are read by the next child."""
    fifo, path = tmp_path / "fifo", tmp_path / "file"
    os.mkfifo(fifo)
    path.write_bytes(b"x" * 100_000)
    before = open_apart(str(path), "other")
    assert isinstance(before, HelpedFile)
    with pytest.raises(NoAnswer):  # a pipe with a writer and nothing in it: reading waits
        call_apart(lambda: os.read(os.open(fifo, os.O_RDWR), 1))
    monkeypatch.setitem(file_helper._VERBS, "wait", lambda _files: os.read(os.open(fifo, os.O_RDWR), 1))
    lost = file_helper._Children.helper
    file_helper._Children.helper = None
    helper = file_helper._helper()
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises(NoAnswer):
            helper.ask("device", "wait")
    assert time.monotonic() - began < 0.04
    assert open_apart(str(path), "device") is Refusal.STUCK
    assert before.read_at(50_000, 2) == b"xx"
    assert file_helper._Children.helper not in (None, lost, helper)


@pytest.mark.usefixtures("patience")
def test_work_done_apart_gives_or_raises_what_it_would() -> None:
    """Values and our own errors come back whole."""
    assert call_apart(lambda: ("a", 1, (b"x",))) == ("a", 1, (b"x",))

    def fail() -> None:
        raise NothingMatches("no-user", user="somebody")

    with pytest.raises(NothingMatches) as caught:
        call_apart(fail)
    assert (caught.value.code, caught.value.fields) == ("no-user", {"user": "somebody"})


@pytest.mark.usefixtures("patience")
def test_where_no_child_can_be_made_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A read that nobody bounds is not made."""

    def refused() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refused)
    with pytest.raises(OutOfResources) as caught:
        open_apart("/proc/self/comm", "proc")
    assert caught.value.code == "no-child"


def test_no_child_stays_behind() -> None:
    """When we end, so does the child that reads for us."""
    code = (
        "from procmem.sources import file_helper as f\n"
        "print(f.open_apart('/proc/self/comm', '').read_at(0, 3)); print(f._Children.helper.pid)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    pid = int(done.stdout.split("\n")[1])
    for _ in range(500):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.01)
    raise AssertionError("it is still there")


@pytest.mark.usefixtures("patience")
def test_a_fork_has_a_child_of_its_own() -> None:
    """Two processes that asked one child would take each other's answers."""
    open_apart("/proc/self/comm", "proc")
    ours = file_helper._Children.helper
    assert ours is not None

    def other() -> int:
        open_apart("/proc/self/comm", "proc")
        assert file_helper._Children.helper is not None
        return file_helper._Children.helper.pid

    assert call_apart(other) != ours.pid


class Poll:
    """A poll(2) on which nothing ever happens; it notes how many milliseconds it was given."""

    waited: ClassVar[list[float]] = []

    def register(self, _fd: int, _events: int) -> None:
        """Whatever it is."""

    def poll(self, milliseconds: float) -> list[tuple[int, int]]:
        """Nothing came."""
        self.waited.append(milliseconds)
        return []


@pytest.mark.parametrize(
    ("work", "waited_before", "seconds"),
    [(False, 0, 5), (False, 4, 5), (False, 7, 3), (False, 10, 0.05), (False, 99, 0.05), (True, 0, 10), (True, 8, 2)],
)
def test_patience_is_bounded(monkeypatch: pytest.MonkeyPatch, work: bool, waited_before: float, seconds: float) -> None:
    """5 seconds for one answer, 10 in all, then 50 ms; a whole piece of work may take what there is."""
    monkeypatch.setattr(file_helper._Children, "waited", waited_before)
    monkeypatch.setattr(file_helper._Children, "given_up", 0)
    monkeypatch.setattr(file_helper._Children, "stuck", set())
    monkeypatch.setattr(file_helper._Children, "helper", None)
    monkeypatch.setattr(select, "poll", Poll)
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    Poll.waited.clear()
    if work:
        with pytest.raises(NoAnswer):
            call_apart(lambda: 1)
    else:
        assert open_apart("/proc/self/comm", "proc") is Refusal.STUCK
    assert Poll.waited == [pytest.approx(seconds * 1000)]
    assert file_helper._Children.given_up == 1


@pytest.mark.usefixtures("patience")
def test_what_was_waited_counts_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer that did not come leaves less for the next."""
    monkeypatch.setattr(select, "poll", Poll)
    moments = iter(range(0, 100, 2))
    monkeypatch.setattr(time, "monotonic", lambda: next(moments))
    assert open_apart("/proc/self/comm", "proc") is Refusal.STUCK
    assert file_helper._Children.waited == 4  # it began at 0, was asked what is left at 2, and was over at 4


@pytest.mark.usefixtures("patience")
def test_so_many_children_may_be_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen; then nothing is asked, and no child is made."""
    file_helper._Children.given_up = 15
    assert isinstance(open_apart("/proc/self/comm", "proc"), HelpedFile)
    assert call_apart(lambda: 1) == 1
    file_helper._Children.helper = None
    file_helper._Children.given_up = 16

    def fork() -> int:
        raise AssertionError("one child too many")

    monkeypatch.setattr(os, "fork", fork)
    assert open_apart("/proc/self/comm", "proc") is Refusal.STUCK
    with pytest.raises(NoAnswer):
        call_apart(lambda: 1)


@pytest.mark.parametrize(("said", "asked"), [(5, 5), (1 << 30, 1 << 30), ((1 << 30) + 1, 1 << 30), (1 << 60, 1 << 30)])
def test_an_answer_has_a_bound(monkeypatch: pytest.MonkeyPatch, said: int, asked: int) -> None:
    """A gibibyte, however much it says that comes."""
    read: list[int] = []

    def piece(_clock: object, most: int) -> bytes:
        read.append(most)
        return said.to_bytes(8, "little") if len(read) == 1 else b""

    monkeypatch.setattr(file_helper._Clock, "read", piece)
    with pytest.raises(EOFError):
        file_helper._receive(0)
    assert read == [8, asked]


@pytest.mark.usefixtures("patience")
def test_where_children_are_reaped_by_the_kernel() -> None:
    """SIGCHLD may be ignored already when we are started: then there is nobody to wait for."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert call_apart(lambda: 1) == 1
        assert isinstance(open_apart("/proc/self/comm", "proc"), HelpedFile)
    finally:
        signal.signal(signal.SIGCHLD, before)


@pytest.mark.parametrize("closed", ["<&-", "<&- 2>&-", "<&- >&- 2>&-", "2>&-"])
def test_a_child_asks_where_the_shell_has_closed_our_streams(closed: str) -> None:
    """Its pipes are the first descriptors then, and it closes all others but them."""
    code = "from procmem.sources.file_helper import call_apart; import os; os._exit(call_apart(lambda: 17))"
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-c", code]
    run = subprocess.run(command, cwd=ROOT, check=False)
    assert run.returncode == 17
