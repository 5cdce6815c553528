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

from procmem.errors import BadInput, NothingMatches, OutOfResources
from procmem.model.raw import Refusal
from procmem.sources import file_helper
from procmem.sources.file_helper import HelpedFile, call_apart, open_apart
from procmem.sources.files import NoAnswer
from tests.support.open_files import no_file_left_open
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


@pytest.mark.parametrize(
    ("mounts", "is_asked"),
    [
        (b"1 1 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:5 / /p rw - proc p rw\n3 1 0:6 / /t rw - tmpfs x rw\n", False),
        *(
            (b"1 1 8:1 / / rw - ext4 /dev/sda1 rw\n2 1 0:5 / /m rw shared:2 - %s server:/x rw\n" % kind, True)
            for kind in (
                *(b"fuse", b"fuse.sshfs", b"fuseblk", b"nfs", b"nfs4", b"cifs", b"smb3", b"9p", b"ceph", b"afs"),
                *(b"autofs", b"overlay"),
            )
        ),
        (Refusal.DENIED, True),
    ],
    ids=str,
)  # fmt: skip
def test_a_child_is_asked_first_where_something_could_keep_one_waiting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mounts: bytes | Refusal, is_asked: bool
) -> None:
    """By what is mounted; where that is not known, too."""
    asked: list[object] = []
    monkeypatch.setattr(file_helper, "read_whole", lambda _name, _folder: mounts)
    monkeypatch.setattr(file_helper, "call_apart", lambda work: asked.append(work()))
    file_helper.need_answer(str(tmp_path))
    assert asked == [None] * is_asked

    def stuck(_work: object) -> None:
        raise NoAnswer

    monkeypatch.setattr(file_helper, "call_apart", stuck)
    if is_asked:
        with pytest.raises(BadInput) as caught:
            file_helper.need_answer(str(tmp_path))
        assert (caught.value.code, caught.value.fields) == ("no-answer", {"path": str(tmp_path)})
    else:
        file_helper.need_answer(str(tmp_path))


def test_what_a_child_asks_of_a_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder is listed, a file's first byte read; streams and pipes are not touched, errors are passed over."""
    done: list[object] = []
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "empty").touch()
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.setattr(os, "listdir", done.append)
    monkeypatch.setattr(os, "open", lambda path, flags: done.append((path, flags)))
    monkeypatch.setattr(os, "pread", lambda *words: done.append(words))
    for name in (".", "file", "empty", "fifo", "none", "\0"):
        file_helper._touch(str(tmp_path / name))
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    assert done == [str(tmp_path / "."), (str(tmp_path / "file"), flags), (None, 1, 0)]


@pytest.mark.usefixtures("patience")
def test_a_reader_after_its_child_was_lost(tmp_path: Path) -> None:
    """The next child opens the file again; where that is another one by now, nothing is read of it."""
    path = tmp_path / "file"
    path.write_bytes(b"a" * 100_000)
    reader = open_apart(str(path), "device")
    assert isinstance(reader, HelpedFile)
    assert reader.read_at(90_000, 3) == b"aaa"
    first = file_helper._Children.helper
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    os.waitpid(first.pid, 0)
    assert reader.read_at(16_383, 3) == b"aaa"
    assert first.is_lost
    assert file_helper._Children.given_up == 1
    assert file_helper._Children.helper is not first
    second = file_helper._Children.helper
    assert second is not None
    assert reader.read_at(50_000, 2) == b"aa"
    assert file_helper._Children.helper is second
    os.kill(second.pid, signal.SIGKILL)
    (tmp_path / "other").write_bytes(b"b" * 100_000)
    (tmp_path / "other").replace(path)
    assert reader.read_at(10, 3) == b"aaa"  # of the beginning that came along when it was opened
    with pytest.raises(NoAnswer):
        reader.read_at(16_383, 3)


@pytest.mark.usefixtures("patience")
def test_reading_ends_where_the_file_does(tmp_path: Path) -> None:
    """What was taken along at opening is not asked for again; a file that cannot be read gives nothing."""
    path = tmp_path / "file"
    path.write_bytes(b"0123456789" * 2000)
    reader = open_apart(str(path), "device")
    assert isinstance(reader, HelpedFile)
    assert reader.found == (path.stat().st_dev, path.stat().st_ino, 20_000)
    asked: list[tuple[object, ...]] = []
    helper = file_helper._Children.helper
    assert helper is not None
    real = helper.ask

    def ask(key: str, *question: object) -> object:
        asked.append((key, *question))
        return real(key, *question)

    helper.ask = ask  # type: ignore[method-assign]
    assert reader.read_at(0, 16_384)[-4:] == b"0123"
    assert asked == []
    assert reader.read_at(16_380, 8) == b"01234567"
    assert reader.read_at(19_999, 8) == b"9"
    assert reader.read_at(20_000, 8) == reader.read_at(1 << 63, 8) == b""
    number = asked[0][2]
    assert asked == [("device", "read", number, at, 8) for at in (16_380, 19_999, 20_000, 1 << 63)]
    helper.ask = lambda *_: errno.EIO  # type: ignore[method-assign]
    assert reader.read_at(19_999, 1) == b""


@pytest.mark.usefixtures("patience")
def test_a_child_closes_what_nobody_has_any_more(tmp_path: Path) -> None:
    """With the next question; its numbers are given again, and never two files have one."""
    path = tmp_path / "file"
    path.write_bytes(b"a" * 40_000)
    readers = [open_apart(str(path), "device") for _ in range(3)]
    helper = file_helper._Children.helper
    assert helper is not None

    def opened() -> int:
        links = [os.readlink(one) for one in Path(f"/proc/{helper.pid}/fd").iterdir()]
        return links.count(str(path))

    numbers = [reader._number for reader in readers if isinstance(reader, HelpedFile)]
    assert (len(set(numbers)), opened()) == (3, 3)
    del readers[1]
    for _ in range(2):
        readers.append(open_apart(str(path), "device"))
    numbers = [reader._number for reader in readers if isinstance(reader, HelpedFile)]
    assert (len(set(numbers)), opened()) == (4, 4)
    assert all(reader.read_at(30_000, 1) == b"a" for reader in readers if isinstance(reader, HelpedFile))
    readers.clear()
    assert open_apart(str(tmp_path / "none"), "device") is Refusal.ABSENT
    assert opened() == 0


def test_messages_of_any_length() -> None:
    """A pipe takes 64 KiB at a time; what is longer comes in pieces."""
    value = [b"x" * 3_000_000, ("a", 1, None)]
    read_end, write_end = os.pipe()
    pid = os.fork()
    if not pid:
        file_helper._send(write_end, value)
        os._exit(0)
    os.close(write_end)
    try:
        assert file_helper._receive(read_end) == value
        with pytest.raises(EOFError):
            file_helper._receive(read_end)
    finally:
        os.close(read_end)
        os.waitpid(pid, 0)


def test_a_child_that_does_not_die_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty times a millisecond; its pipes are closed, and it is sent SIGKILL."""
    sent: list[tuple[int, int]] = []
    tried: list[tuple[int, int]] = []
    slept: list[float] = []
    ends = os.pipe()

    def wait(pid: int, how: int) -> tuple[int, int]:
        tried.append((pid, how))
        return (pid if len(tried) == 23 else 0), 0

    monkeypatch.setattr(os, "kill", lambda *words: sent.append(words))
    monkeypatch.setattr(os, "waitpid", wait)
    monkeypatch.setattr(time, "sleep", slept.append)
    file_helper._leave(77, *ends)
    assert sent == [(77, signal.SIGKILL)]
    assert tried == [(77, os.WNOHANG)] * 20
    assert slept == [0.001] * 20
    for fd in ends:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(fd)
    file_helper._leave(77)
    assert len(tried) == 23


@pytest.mark.parametrize("kept", [(3, 5), (0, 1), (0, 5), (1, 2), (5, 3), (7, 8)])
def test_all_descriptors_but_those(monkeypatch: pytest.MonkeyPatch, kept: tuple[int, int]) -> None:
    """Each below, between and beyond is closed once, and none that is kept."""
    closed: list[int] = []
    monkeypatch.setattr(os, "closerange", lambda low, high: closed.extend(range(low, high)))
    monkeypatch.setattr(os, "sysconf", {"SC_OPEN_MAX": 12}.__getitem__)
    file_helper._close_all_but(*kept)
    assert closed == [fd for fd in range(12) if fd not in kept]


def test_no_pipe_is_left_where_no_child_can_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the four ends is closed, or the two that there are."""
    with no_file_left_open():
        real = os.pipe2
        made: list[int] = []

        def second_fails(flags: int) -> tuple[int, int]:
            made.append(flags)
            if len(made) == 2:
                raise OSError(errno.ENOMEM, "no memory")
            return real(flags)

        def refused() -> int:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

        with monkeypatch.context() as patched:
            patched.setattr(os, "pipe2", second_fails)
            with pytest.raises(OutOfResources):
                file_helper._child(lambda _questions, _answers: None)
        monkeypatch.setattr(os, "fork", refused)
        with pytest.raises(OutOfResources):
            file_helper._child(lambda _questions, _answers: None)
    assert made == [os.O_CLOEXEC] * 2
