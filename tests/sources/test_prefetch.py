"""Files that a child reads: the same bytes, no matter who reads, and every end of it is told."""

import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from procmem.model.raw import Refusal
from procmem.sources import prefetch
from procmem.sources.files import consume
from procmem.sources.live import ProcSource, ProcTarget
from procmem.sources.prefetch import PrefetchedFile, prefetch_process, prefetched_process
from procmem.sources.reading_ahead import Reading
from tests.support.open_files import no_file_left_open
from tests.support.running import started

LARGE = bytes(range(256)) * 8000
MANY_VMAS = """
import mmap
private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
maps = [mmap.mmap(-1, 4096, prot=1 + 2 * (number % 2), flags=private) for number in range(2000)]
print(1, flush=True)
input()
"""


@contextmanager
def folder_of(content: bytes, place: Path) -> Iterator[int]:
    """An open folder with one file named ``smaps``."""
    (place / "smaps").write_bytes(content)
    fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield fd
    finally:
        os.close(fd)


def whole(file: PrefetchedFile) -> bytes:
    """All of its bytes."""
    return file.first + b"".join(file.pieces())


@pytest.mark.parametrize("size", [0, 1, 255_999, 256_000, 256_001, 262_144, 1_000_000, len(LARGE)])
@pytest.mark.parametrize("with_child", [True, False])
def test_all_bytes_come(tmp_path: Path, size: int, with_child: bool) -> None:
    """Around the size from which a child reads, and around its pieces."""
    with folder_of(LARGE[:size], tmp_path) as folder:
        file = PrefetchedFile("smaps", folder, with_child=with_child)
        assert file.errno == 0
        assert whole(file) == LARGE[:size]
        pieces: list[bytes] = []
        again = consume(PrefetchedFile("smaps", folder, with_child=with_child), pieces.append, keep=True)
    assert again == b"".join(pieces) == LARGE[:size]


def test_a_program_that_ignores_its_children(tmp_path: Path) -> None:
    """The kernel reaps them then, and there is nobody to wait for."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with folder_of(LARGE, tmp_path) as folder:
            assert whole(PrefetchedFile("smaps", folder)) == LARGE
    finally:
        signal.signal(signal.SIGCHLD, before)


@pytest.fixture
def pages_alone(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One processor, and a kernel that gives a page at a call; the list holds how many calls there may be."""
    most, read, made = [sys.maxsize], os.read, []

    def a_page(fd: int, _most: int) -> bytes:
        made.append(fd)
        if len(made) > most[0]:
            raise OSError(errno.ESRCH, "gone")
        return read(fd, 4096)

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    monkeypatch.setattr(os, "read", a_page)
    return most


@pytest.mark.usefixtures("pages_alone")
def test_without_a_child_pieces_are_as_large(tmp_path: Path) -> None:
    """What takes them apart is slow with a few records at a time."""
    with folder_of(LARGE, tmp_path) as folder:
        file = PrefetchedFile("smaps", folder)
        pieces = list(file.pieces())
    assert file.first + b"".join(pieces) == LARGE
    assert len(pieces) > 2
    assert all(len(piece) == 256 * 1024 for piece in pieces[:-1])


def test_what_was_read_before_an_error_is_given(tmp_path: Path, pages_alone: list[int]) -> None:
    """Then the error is raised."""
    pages_alone[0] = 200
    pieces: list[bytes] = []
    with folder_of(LARGE, tmp_path) as folder:
        file = PrefetchedFile("smaps", folder)
        with pytest.raises(ProcessLookupError):
            pieces.extend(file.pieces())
    assert file.first + b"".join(pieces) == LARGE[: 200 * 4096]


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    """By its error number, and as a refusal."""
    with folder_of(b"", tmp_path) as folder:
        file = PrefetchedFile("nothing", folder)
        assert file.errno == errno.ENOENT
        assert consume(file, lambda _: None, keep=False) is Refusal.ABSENT


def test_a_child_that_is_killed_is_an_error_not_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text without its end must never look whole."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one processor: no child reads")
    monkeypatch.setattr(prefetch, "_copy", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    with folder_of(LARGE, tmp_path) as folder:
        assert consume(PrefetchedFile("smaps", folder), lambda _: None, keep=True) is Refusal.FAILED


def test_a_child_that_is_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first byte or behind the last one: nobody waits for ever, and no byte is missing."""
    copy = prefetch._copy

    def stopped_before(*fds: int) -> None:
        os.kill(os.getpid(), signal.SIGSTOP)
        copy(*fds)

    def stopped_behind(*fds: int) -> None:
        copy(*fds)
        os.kill(os.getpid(), signal.SIGSTOP)

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(prefetch, "_PATIENCE_MS", 1)
    for stopped in (stopped_before, stopped_behind):
        monkeypatch.setattr(prefetch, "_copy", stopped)
        with folder_of(LARGE, tmp_path) as folder, no_file_left_open():
            assert whole(PrefetchedFile("smaps", folder)) == LARGE


def folders_of(place: Path, count: int) -> Reading:
    """So many folders with one file each, which are to be read."""
    for number in range(count):
        (place / str(number)).mkdir()
        (place / str(number) / "comm").write_text(f"{number}\n")
    return Reading(str(place), ("comm",))


def test_one_that_reads_ahead_and_is_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it took is not lost."""
    parent, take = os.getpid(), Reading.take

    def stopped_in_a_child(reading: Reading) -> object:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGSTOP)
        return take(reading)

    monkeypatch.setattr(Reading, "take", stopped_in_a_child)
    with no_file_left_open():
        reading = folders_of(tmp_path, 5)
        reading.add_child()
        assert [reading.files_of(number) for number in range(5)] == [{"comm": (b"%d\n" % at, 0)} for at in range(5)]


def test_nobody_reads_on_for_who_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child whose parent was killed takes nothing any more."""
    monkeypatch.setattr(os, "getppid", lambda: 1)
    reading = folders_of(tmp_path, 5)
    reading.add_child()
    (child,) = reading.children
    os.waitid(os.P_PID, child._pid, os.WEXITED | os.WNOWAIT)
    assert child.tell(reading.files) == 0
    assert reading.files_of(4) == {"comm": (b"4\n", 0)}
    reading.finish()


def test_who_is_finished_has_nothing_more_read(tmp_path: Path) -> None:
    """What nobody has begun is left: the children of an interrupted command end soon."""
    reading = folders_of(tmp_path, 5)
    queue = os.dup(reading.queue)
    reading.finish()
    assert os.read(queue, 4) == b""
    os.close(queue)
    assert reading.files == {}


def test_an_error_while_the_child_reads_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ends meanwhile answers ESRCH."""

    def refuse(*_: object) -> int:
        raise OSError(errno.ESRCH, "gone")

    monkeypatch.setattr(os, "readv", refuse)
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one processor: no child reads")
    with folder_of(LARGE, tmp_path) as folder:
        assert consume(PrefetchedFile("smaps", folder), lambda _: None, keep=False) is Refusal.GONE


def test_without_children_we_read_it_ourselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there may be no more processes, or no shared memory."""

    def refuse(*_: object) -> int:
        raise OSError(errno.EAGAIN, "no more")

    for call in ("fork", "memfd_create"):
        with monkeypatch.context() as patch, folder_of(LARGE, tmp_path) as folder:
            patch.setattr(os, call, refuse)
            assert whole(PrefetchedFile("smaps", folder)) == LARGE


def test_nothing_stays_behind(tmp_path: Path) -> None:
    """No descriptor and no child, read to the end or given up in the middle."""
    children = {child.pid for child in psutil.Process().children()}
    with folder_of(LARGE, tmp_path) as folder, no_file_left_open():
        whole(PrefetchedFile("smaps", folder))
        pieces = PrefetchedFile("smaps", folder).pieces()
        next(pieces)
        pieces.close()  # type: ignore[attr-defined]  # it is a generator
        PrefetchedFile("nothing", folder)
    assert {child.pid for child in psutil.Process().children()} <= children


def test_a_begun_process_is_taken_over_once() -> None:
    """Who opens it finds what was read; the next one opens it anew."""
    with started([sys.executable, "-c", MANY_VMAS]) as child:
        prefetch_process(child.pid)
        texts = []
        for _ in range(2):
            with ProcSource().open(child.pid) as target:
                pieces: list[bytes] = []
                assert isinstance(target.read("auxv"), bytes)
                target.read_pieces("smaps", pieces.append, keep=False)
                texts.append(b"".join(pieces))
        assert texts[0].count(b"VmFlags:") == texts[1].count(b"VmFlags:") > 2000
        assert prefetched_process(child.pid) is None
    prefetch_process(os.getpid())
    prefetch_process(1 << 30)
    assert prefetched_process(os.getpid()) is None
    assert prefetched_process(1 << 30) is None


MANY_THREADS = """
import threading
stop = threading.Event()
for _ in range(100):
    threading.Thread(target=stop.wait, daemon=True).start()
print("ready", flush=True)
input()
"""


def test_files_of_many_threads_are_read_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are what is read later; each is given once, and then read anew. Nobody is left behind."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    wanted = ("stat", "status", "syscall")
    children = {child.pid for child in psutil.Process().children()}
    with started([sys.executable, "-c", MANY_THREADS]) as child, no_file_left_open():
        prefetch_process(child.pid, wanted)
        with ProcSource().open(child.pid) as target:
            assert isinstance(target, ProcTarget)
            assert target._threads is not None
            tids = target.names("task")
            assert len(tids) == 101  # type: ignore[arg-type]  # they can be listed
            for tid in map(str, tids):  # type: ignore[arg-type]  # the same
                folder = Path(f"/proc/{child.pid}/task/{tid}")
                for _ in range(2):
                    assert all(target.read(f"task/{tid}/{name}") == (folder / name).read_bytes() for name in wanted)
                assert target._threads.files[int(tid)] == {}
            assert target.read(f"task/{child.pid}/comm") == target.read("comm")
            assert target.read("task/1/stat") == Refusal.ABSENT
        del target  # it holds /proc open
        assert {one.pid for one in psutil.Process().children()} - {child.pid} <= children


@pytest.mark.parametrize("call", ["fork", "memfd_create", "pipe", "listdir"])
def test_where_threads_cannot_be_read_ahead_they_are_read(monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """No more processes, files or memory: then there is nobody to help, and nothing is left open."""

    def refuse(*_: object) -> int:
        raise OSError(errno.EAGAIN, "no more")

    with started([sys.executable, "-c", MANY_THREADS]) as child, no_file_left_open():
        with monkeypatch.context() as patch:
            patch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
            patch.setattr(os, call, refuse)
            prefetch_process(child.pid, ("stat",))
        with ProcSource().open(child.pid) as target:
            assert isinstance(target, ProcTarget)
            assert target._threads is None
            assert target.read(f"task/{child.pid}/status") == target.read("status")
        del target  # it holds /proc open


def test_what_is_closed_is_not_closed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its numbers may be others' by then."""
    for with_child in (True, False):
        with folder_of(LARGE, tmp_path) as folder:
            file = PrefetchedFile("smaps", folder, with_child=with_child)
            assert whole(file) == LARGE
            with monkeypatch.context() as patch:
                closed: list[int] = []
                patch.setattr(os, "close", closed.append)
                with pytest.raises(OSError, match="Bad file descriptor"):
                    list(file.pieces())
                assert closed == []


def test_at_once_nothing_is_read_before_there_is_a_child(tmp_path: Path) -> None:
    """All bytes come through the child, however few."""
    (tmp_path / "file").write_bytes(b"few bytes\n")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        begun = PrefetchedFile("file", folder, at_once=True)
        assert (begun.first, begun.is_whole, begun.errno) == (b"", False, 0)
        assert b"".join(begun.pieces()) == b"few bytes\n"
    finally:
        os.close(folder)


@pytest.mark.parametrize(
    ("status", "number"),
    [
        (b"Name:\tx\nVmHWM:\t     900 kB\nVmRSS:\t     512 kB\nRssAnon:\t 1 kB\n", 512),
        (b"Name:\tx\nState:\tZ (zombie)\n", 0),
        (b"Name:\tx\nVmRSS:\t none kB\n", 0),
        (b"Name:\tx\nVmRSS:\t" + b"9" * 5000 + b" kB\n", 0),
        (b"Name:\tx\nVmRSS:\t", 0),
        (b"", 0),
    ],
)
def test_a_number_in_a_status(status: bytes, number: int) -> None:
    """By the one line, whatever else there is."""
    assert prefetch._number_in(status, b"\nVmRSS:\t") == number
