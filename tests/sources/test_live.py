"""The live source: one process stays one process, refusals are values, nothing is opened that should not be."""

import errno
import gc
import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from procmem.errors import AccessRefused, BadInput, OutOfResources, ProcessGone
from procmem.model.raw import Machine, MappedFile, PageState, Refusal
from procmem.queries.examine import examine
from procmem.sources import files as files_module
from procmem.sources import live
from procmem.sources.files import read_record, read_whole
from procmem.sources.live import ProcSource
from procmem.sources.machine import own_pid
from procmem.sources.parallel import with_every_pid
from procmem.sources.recording.read import RecordedSource
from tests.support.needs import lacking
from tests.support.open_files import no_file_left_open
from tests.support.running import FIXTURES, ROOT, missing_pid, procmem, python_child, started, stopped

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
    with no_file_left_open():
        fixture = str(FIXTURES / "x86_64-6.18-sleep")
        for _ in range(20):
            with ProcSource().open(os.getpid()) as target:
                assert isinstance(target.read_system("uptime"), bytes)
            recorded = RecordedSource(fixture)
            with recorded.open(recorded.pids()[0]) as other:
                assert isinstance(other.read("stat"), bytes)
        del target, other, recorded
        gc.collect()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A proc tree that was copied: one process, and files of the machine."""
    for folder in ("7/task/9", "7/map_files", "12", "12x", "\u0663", "sys"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "7" / "stat").write_bytes(b"7 (x) S")
    (tmp_path / "uptime").write_bytes(b"1.0 2.0\n")
    return tmp_path


def test_a_copied_tree(tree: Path) -> None:
    """Its folders of ASCII digits are processes; nothing of this machine's facts or rights is told of it."""
    source = ProcSource(str(tree))
    assert (source.is_live, source.is_kernel, source.pids()) == (False, False, (7, 12))
    with source.open(7) as target:
        assert not target.is_live
        assert target.machine == Machine(clock_ticks=100)
        assert target.read("stat") == b"7 (x) S"
        assert target.names("task") == ("9",)
        assert target.names("fd") is Refusal.ABSENT
        assert target.read_system("uptime") == b"1.0 2.0\n"
        assert target.missing_right() is target.missing_right(to_attach=True) is None
        assert target.memory() is Refusal.ABSENT
        assert target.link("exe") is Refusal.ABSENT
    with pytest.raises(ProcessGone) as caught:
        source.open(8)
    assert (caught.value.code, caught.value.fields["source"]) == ("no-folder", str(tree))
    with pytest.raises(ProcessGone) as caught:
        SOURCE.open(missing_pid())
    assert caught.value.code != "no-folder"


def test_facts_of_this_machine() -> None:
    """As uname(2) and sysconf(3) tell them."""
    with SOURCE.open(os.getpid()) as target:
        system = os.uname()
        assert target.machine == Machine(
            machine=system.machine,
            kernel=system.release,
            page_size=os.sysconf("SC_PAGE_SIZE"),
            clock_ticks=os.sysconf("SC_CLK_TCK"),
            cpus=os.cpu_count(),
        )
        assert target.is_live
        memory = target.memory()
        assert not isinstance(memory, Refusal)


def test_command_lines_are_cut_and_other_files_are_refused_where_they_are_too_long(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a thread's command line too; a file of just the bound is read."""
    monkeypatch.setattr("procmem.sources.live.FILE_BYTES_MAX", 100)
    monkeypatch.setattr("procmem.sources.live.CMDLINE_BYTES_MAX", 10)
    for name in ("cmdline", "task/9/cmdline", "maps", "status"):
        (tree / "7" / name).write_bytes(b"x" * (100 if name == "status" else 101))
    (tree / "meminfo").write_bytes(b"x" * 101)
    with ProcSource(str(tree)).open(7) as target:
        assert target.read("cmdline") == target.read("task/9/cmdline") == b"x" * 10
        assert target.read("maps") is target.read_system("meminfo") is Refusal.TOO_LARGE
        assert target.read("status") == b"x" * 100


def test_words_of_pages_and_frames(tree: Path) -> None:
    """The word at an index, by the size of a page; the frame is in its lower bits where the page is in memory."""
    words = [0, 1 << 63 | 1 << 62 | 5, 1 << 63, 1 << 62 | 5, 1 << 63 | (1 << 56) - 1]
    (tree / "7" / "pagemap").write_bytes(b"".join(word.to_bytes(8, "little") for word in words) + b"half")
    (tree / "kpageflags").write_bytes(bytes(8) + (9).to_bytes(8, "little"))
    with ProcSource(str(tree)).open(7) as target:
        assert [target.page_word(16384 * at + 16383, 16384) for at in range(5)] == words
        assert target.page_word(5 * 4096, 4096) is target.page_word(50 * 4096, 4096) is Refusal.ABSENT
        frames = [target.page_frame(4096 * at, 4096) for at in range(6)]
        assert frames == [None, 5, Refusal.DENIED, None, (1 << 55) - 1, Refusal.ABSENT]
        assert target.frame_word("kpageflags", 1) == 9
        assert target.frame_word("kpageflags", 2) is target.frame_word("kpagecount", 0) is Refusal.ABSENT


def test_mapped_files_of_a_copied_tree(tree: Path) -> None:
    """By the links of map_files, then exe of the program, then by path below root, and only the same file there."""
    (tree / "7" / "map_files" / "1000-2000").write_bytes(b"by range")
    (tree / "7" / "exe").write_bytes(b"by exe")
    (tree / "7" / "root").mkdir()
    (tree / "7" / "root" / "a\nb").write_bytes(b"by path")
    found = (tree / "7" / "root" / "a\nb").stat()
    device = f"{os.major(found.st_dev):02x}:{os.minor(found.st_dev):02x}"

    def head(mapped: MappedFile) -> bytes | Refusal:
        with ProcSource(str(tree)).open(7) as target:
            reader = target.open_file(mapped)
            return reader if isinstance(reader, Refusal) else reader.read_at(0, 20)

    here = MappedFile(device, found.st_ino, b"/a\\012b (deleted)", ())
    assert head(here._replace(ranges=((0x9000, 0xA000), (0x1000, 0x2000)), is_program=True)) == b"by range"
    assert head(here._replace(ranges=((0x9000, 0xA000),), is_program=True)) == b"by exe"
    assert head(here) == b"by path"
    assert head(here._replace(inode=here.inode + 1)) is Refusal.ABSENT


def test_links_that_are_denied_are_asked_once(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all mapped files together; the program's own link is another one, and is asked."""
    asked: list[str] = []

    def refused(name: str, _folder: int) -> Refusal:
        asked.append(name)
        return Refusal.DENIED

    monkeypatch.setattr("procmem.sources.live.open_regular", refused)
    mapped = MappedFile("00:00", 1, b"/none", ((0x1000, 0x2000), (0x3000, 0x4000)), is_program=True)
    with ProcSource(str(tree)).open(7) as target:
        assert target.open_file(mapped) is target.open_file(mapped) is Refusal.ABSENT
    assert asked == ["map_files/1000-2000", "exe", "exe"]


@pytest.mark.parametrize(
    ("device", "inode", "shown", "mapped", "same"),
    [
        (os.makedev(8, 17), 5, "08:11", 5, True),
        (os.makedev(8, 17), 5, "08:11", 6, False),
        (os.makedev(8, 17), 5, "08:12", 5, False),
        (os.makedev(259, 2), 5, "103:02", 5, True),
        (os.makedev(0, 30), 5, "00:31", 5, True),
        (os.makedev(0, 30), 6, "00:31", 5, False),
        (os.makedev(0, 30), 5, "08:01", 5, False),
        (os.makedev(8, 1), 5, "00:31", 5, False),
    ],
)
def test_whether_a_file_is_the_one_that_is_mapped(device: int, inode: int, shown: str, mapped: int, same: bool) -> None:
    """By inode always, and by device where both have real ones."""
    assert live._is_mapped(device, inode, MappedFile(shown, mapped, b"/x", ())) is same


def test_a_folder_is_the_kernels_by_what_is_mounted_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system of type proc with its device number; where nothing tells, it is none."""
    proc, other = (os.open(path, os.O_RDONLY) for path in ("/proc", tmp_path))
    try:
        assert live._is_proc_mount(proc)
        assert not live._is_proc_mount(other)
        device = os.fstat(other).st_dev
        number = f"{os.major(device)}:{os.minor(device)}"
        for line, expected in (
            (f"22 1 {number} / /x rw - proc proc rw", True),
            (f"22 1 {number} / /x rw shared:3 master:4 - proc proc rw", True),
            (f"22 1 {number} / /x rw - procx proc rw", False),
            (f"22 1 {number}1 / /x rw - proc proc rw", False),
            (f"22 {number}", False),
            ("", False),
            (None, False),
        ):
            told = Refusal.DENIED if line is None else f"1 1 8:1 / / rw - ext4 x rw\n{line}\n".encode()
            monkeypatch.setattr(live, "read_whole", lambda _name, _folder, told=told: told)
            assert live._is_proc_mount(other) is expected, line
    finally:
        os.close(proc)
        os.close(other)


def test_memory_is_taken_through_a_thread(tree: Path) -> None:
    """What belongs to the memory, by the folder of a living thread; by the process's own where that is gone."""
    with no_file_left_open():
        (tree / "9").mkdir()
        (tree / "9" / "exe").symlink_to("/nine")
        (tree / "7" / "exe").symlink_to("/seven")
        with ProcSource(str(tree)).open(7) as target:
            assert target.link("exe") == b"/seven"
            target.look_through(9)
            assert target.link("exe") == b"/nine"
            assert target.read("stat") == b"7 (x) S"
            target.look_through(9)
            target.look_through(10)
            assert target.link("exe") == b"/seven"
            target.look_through(9)
        del target
        gc.collect()


def test_a_process_without_rights_to_its_folder(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with hidepid: told with its pid."""
    source = ProcSource(str(tree))
    real = os.open

    def refused(name: str, flags: int, **more: Any) -> int:
        if name == "7":
            raise PermissionError(errno.EPERM, "Operation not permitted")
        return real(name, flags, **more)

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(AccessRefused) as caught:
        source.open(7)
    assert caught.value.code == "hidepid"


def test_what_was_read_ahead_is_given_once() -> None:
    """Who asks again wants to know how it is now."""
    command = [sys.executable, "-c", "print(1, flush=True); input()"]
    with started(command) as child, SOURCE.open(child.pid) as target:
        early = target.read("status")
        assert isinstance(early, bytes)
        child.kill()
        child.wait()
        assert target.read("status") is Refusal.GONE


@pytest.mark.needs_root
@pytest.mark.needs("unshare")
def test_we_are_who_proc_says() -> None:
    """In a pid namespace of our own, but with the /proc of the outer one, our pid there is another one's."""
    command = ["unshare", "-pf", sys.executable, "-m", "procmem", "inspect", "--json", "self"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if "unshare:" in run.stderr:
        lacking("no pid namespace can be made here")
    process = json.loads(run.stdout)["process"]
    assert process["pid"] != 1
    assert "procmem" in process["cmdline"], process


def test_where_proc_does_not_know_us(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then we are who the system says."""
    assert own_pid() == os.getpid()

    def refused(_path: str) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(os, "readlink", refused)
    assert own_pid() == os.getpid()


def test_a_record_is_read_whole_whatever_its_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By one call where it has room; else by more, and the last one says that there are no more."""
    monkeypatch.setattr(files_module, "_RECORD_BYTES", 8)
    calls = []
    read = os.read

    def counted(fd: int, count: int) -> bytes:
        calls.append(count)
        return read(fd, count)

    monkeypatch.setattr(os, "read", counted)
    for length, least in ((0, 1), (7, 1), (8, 2), (9, 2), (23, 3), (24, 4)):
        path = tmp_path / str(length)
        path.write_bytes(bytes(range(length)))
        calls.clear()
        assert read_record(str(path), None) == bytes(range(length))
        assert len(calls) == least
    assert read_record(str(tmp_path / "none"), None) is Refusal.ABSENT


@pytest.mark.parametrize("name", sorted(live._RECORDS))
def test_what_a_kernel_gives_by_one_call_is_the_whole_file(name: str) -> None:
    """Of a process that stands still."""
    with python_child("x = 1") as pid, stopped(pid), SOURCE.open(pid) as target:
        assert target.read(name) == read_whole(f"/proc/{pid}/{name}", None)
