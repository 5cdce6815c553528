"""The live source: one process stays one process, refusals are values, nothing is opened that should not be."""

import errno
import gc
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from procmem.errors import AccessRefused, BadInput, OutOfResources, ProcessGone
from procmem.model.raw import MappedFile, PageState, Refusal
from procmem.queries.examine import examine
from procmem.sources.files import read_whole
from procmem.sources.live import ProcSource
from procmem.sources.parallel import with_every_pid
from procmem.sources.recording.read import RecordedSource
from tests.support.needs import lacking
from tests.support.running import FIXTURES, missing_pid, procmem, python_child, started

SOURCE = ProcSource()


def test_all_pids_are_found() -> None:
    """Ourselves among them, threads not."""
    pids = SOURCE.pids()
    assert os.getpid() in pids
    assert list(pids) == sorted(pids)


def test_a_process_that_ends_stays_gone() -> None:
    """The open folder answers GONE, whoever gets the pid next."""
    with started([sys.executable, "-c", "print(1, flush=True); input()"]) as child:
        target = SOURCE.open(child.pid)
        assert isinstance(target.read("stat"), bytes)
        child.kill()
        child.wait()
        with target:
            assert target.read("stat") is Refusal.GONE
            assert target.read("smaps") in (Refusal.GONE, Refusal.ABSENT)
            with pytest.raises(ProcessGone, match="ended"):
                examine(target)


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.EINVAL])
def test_what_cannot_be_opened_is_not_gone(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only ENOENT and ESRCH say that a process is not there."""

    def refuse(*_words: object, **_options: object) -> int:
        raise OSError(number, os.strerror(number))

    source = ProcSource()
    monkeypatch.setattr("procmem.sources.live.os.open", refuse)
    with pytest.raises(AccessRefused, match=f"cannot be opened: {os.strerror(number)}"):
        source.open(os.getpid())


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM])
def test_a_shortage_is_neither_gone_nor_a_refusal(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is about us: no file, process or folder is told to be missing."""

    def refuse(*_words: object, **_options: object) -> int:
        raise OSError(number, os.strerror(number))

    source = ProcSource()
    with source.open(os.getpid()) as target, monkeypatch.context() as patched:
        patched.setattr("os.open", refuse)
        for ask in (lambda: source.open(1), lambda: target.read("stat"), lambda: target.names("task"), ProcSource):
            with pytest.raises(OutOfResources):
                ask()


def test_nobody_is_gone() -> None:
    """A pid that does not exist, and one that cannot."""
    for pid in (missing_pid(), 1 << 40):
        with pytest.raises(ProcessGone):
            SOURCE.open(pid)


def test_refusals_are_values(tmp_path: Path) -> None:
    """Absent, no regular file, too large: never an exception."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "large").write_bytes(bytes(100))
    (tmp_path / "link").symlink_to("large")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        assert read_whole("none", folder) is Refusal.ABSENT
        assert read_whole("fifo", folder) is Refusal.FAILED
        assert read_whole(".", folder) is Refusal.FAILED
        assert read_whole("large", folder, limit=99) is Refusal.TOO_LARGE
        assert read_whole("large", folder, limit=100) == bytes(100)
        assert isinstance(read_whole("link", folder), bytes)
        assert read_whole("link", folder, follow=False) is Refusal.FAILED
    finally:
        os.close(folder)


def test_where_no_thread_can_be_started_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many processes are read by the threads that there are."""

    def refused(*_: object, **__: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", refused)
    seen: list[int | None] = []
    with_every_pid(SOURCE, range(9), seen.append)
    assert seen == list(range(9))


def test_a_file_that_took_the_name_is_not_read(tmp_path: Path) -> None:
    """A mapped file is opened only if device and inode are those of the mapping."""
    path = tmp_path / "file"
    path.write_bytes(b"the right one")
    found = path.stat()
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}"
    mapped = MappedFile(device, found.st_ino, os.fsencode(path), ())
    with SOURCE.open(os.getpid()) as target:
        reader = target.open_file(mapped)
        assert not isinstance(reader, Refusal)
        assert reader.read_at(4, 5) == b"right"
        del reader
        (tmp_path / "other").write_bytes(b"another one")
        (tmp_path / "other").replace(path)
        assert target.open_file(mapped) is Refusal.ABSENT
        path.unlink()
        os.mkfifo(path)
        assert target.open_file(mapped._replace(inode=path.stat().st_ino)) is Refusal.FAILED
        path.unlink()
        assert target.open_file(mapped) is Refusal.ABSENT


@pytest.mark.parametrize("pages", [64, 2600])
def test_pagemap_sees_what_was_touched(pages: int) -> None:
    """Every other page was written: runs of one page each, all present, in order, none twice."""
    page = os.sysconf("SC_PAGE_SIZE")
    code = (
        "import ctypes, mmap\n"
        f"m = mmap.mmap(-1, {pages} * {page}, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)\n"
        "m.madvise(mmap.MADV_NOHUGEPAGE) if hasattr(mmap, 'MADV_NOHUGEPAGE') else None\n"
        f"for n in range(0, {pages}, 2): m[n * {page}] = 1\n"
        "print(ctypes.addressof(ctypes.c_char.from_buffer(m)), flush=True)\n"
        "input()\n"
    )
    with started([sys.executable, "-c", code], ready=False) as child, SOURCE.open(child.pid) as target:
        assert child.stdout is not None
        start = int(child.stdout.readline())
        middle, end = start + pages // 4 * page, start + pages * page
        runs = target.page_runs([(start, end)], page)
        overlapping = target.page_runs([(middle, end), (start, end), (start, middle)], page)
    assert not isinstance(runs, Refusal)
    assert [run.start for run in runs] == [start + n * page for n in range(0, pages, 2)]
    assert {run.end - run.start for run in runs} == {page}
    assert all(run.state & PageState.PRESENT and not run.state & PageState.SWAPPED for run in runs)
    assert runs == overlapping


def test_a_tree_that_is_none(tmp_path: Path) -> None:
    """--procfs names a folder."""
    with pytest.raises(BadInput, match="No such file"):
        ProcSource(str(tmp_path / "none"))
    run = procmem("inspect", "--procfs", str(tmp_path / "none"), "1")
    assert (run.status, run.out) == (5, "")
    assert procmem("inspect", "--procfs", str(tmp_path), "1").status == 3


def test_reading_leaves_no_descriptors_open() -> None:
    """Not one, over many reports."""
    with python_child("") as pid:
        counts = []
        for _ in range(5):
            with SOURCE.open(pid) as target:
                examine(target)
            counts.append(len(os.listdir("/proc/self/fd")))
    # what an earlier test left to the garbage collector may be closed meanwhile; a leak grows by each report
    assert all(after <= before for before, after in pairwise(counts)), counts


@pytest.mark.needs_root
@pytest.mark.needs_namespaces
@pytest.mark.needs("mount", "unshare", "sh")
@pytest.mark.parametrize("options", ["hidepid=invisible", "subset=pid"])
def test_a_proc_mounted_otherwise(tmp_path: Path, options: str) -> None:
    """One that hides other users' processes, and one without the system's files: both are enough."""
    place = tmp_path / "proc"
    place.mkdir()
    inspect = f"{sys.executable} -m procmem inspect --json --procfs {place}"
    with python_child("") as pid:
        script = f"mount -t proc -o {options} proc {place} && exec {inspect} {pid}"
        run = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False)
    if run.returncode == 32:
        lacking(f"no /proc can be mounted with {options} here")
    assert run.returncode == 0, run.stderr
    report = json.loads(run.stdout)
    assert report["totals"]["rss"] == report["totals"]["vm_rss"]
    assert report["process"]["page_size"] == os.sysconf("SC_PAGE_SIZE")


def test_nothing_stays_open() -> None:
    """Who watches for days opens sources again and again; a target lives on without its source."""
    before = len(os.listdir("/proc/self/fd"))
    fixture = str(FIXTURES / "x86_64-6.18-sleep")
    for _ in range(20):
        with ProcSource().open(os.getpid()) as target:
            assert isinstance(target.read_system("uptime"), bytes)
        recorded = RecordedSource(fixture)
        with recorded.open(recorded.pids()[0]) as other:
            assert isinstance(other.read("stat"), bytes)
    del target, other, recorded
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before
