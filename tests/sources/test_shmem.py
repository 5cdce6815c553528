"""Files of shared memory: on a tmpfs, and those that only an open descriptor leads to."""

import ctypes
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from procmem.parse.mountinfo import MEMORY_TYPES, mount_ids_of_type
from procmem.sources import shmem
from procmem.sources.abilities import _opens
from procmem.sources.shmem import open_files, swapped_bytes, tmpfs_files
from tests.support.open_files import no_file_left_open

SHM = Path("/dev/shm")  # the tmpfs that every Linux has
PROCESS = b"/proc/self"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder on a tmpfs."""
    with tempfile.TemporaryDirectory(dir=SHM) as path:
        yield Path(path)


def found_in(folder: Path) -> set[str]:
    """The files of this folder that are found, by their names in it."""
    start = os.fsencode(folder) + b"/"
    files = [file for file in tmpfs_files(os.fsencode(SHM)) if file.path.startswith(start)]
    for file in files:
        seen = os.stat(file.path)
        assert file.inode == seen.st_ino
        assert file.device == f"{os.major(seen.st_dev):02x}:{os.minor(seen.st_dev):02x}"
    return {file.path.removeprefix(start).decode() for file in files}


def test_files_of_a_tmpfs(folder: Path) -> None:
    """Regular ones that hold something, in folders too; links are not followed, others are not opened."""
    (folder / "a").write_bytes(b"x")
    (folder / "empty").write_bytes(b"")
    (folder / "inner").mkdir()
    (folder / "inner" / "b").write_bytes(b"y" * 9000)
    (folder / "link").symlink_to("a")
    (folder / "away").symlink_to("/etc")
    os.mkfifo(folder / "fifo")
    assert found_in(folder) == {"a", "inner/b"}


def test_so_many_files_are_looked_at(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no more: a tmpfs may hold millions."""
    for number in range(4):
        (folder / str(number)).write_bytes(b"x")
    for most in (2, 3):
        monkeypatch.setattr(shmem, "_FILES_MAX", most)
        assert len(list(tmpfs_files(os.fsencode(SHM)))) == most


def test_a_mount_that_is_not_there() -> None:
    """Holds nothing."""
    assert list(tmpfs_files(b"/no/such/place")) == []


def test_files_that_only_a_descriptor_leads_to(folder: Path) -> None:
    """A memfd and a deleted file; not one that has its name, nor what lies on another file system."""
    mounts = mount_ids_of_type(Path("/proc/self/mountinfo").read_bytes(), MEMORY_TYPES)
    (folder / "named").write_bytes(b"x")
    (folder / "gone").write_bytes(b"x")
    memory = os.memfd_create("procmem-test")
    os.write(memory, b"x")
    opened = [os.open(path, os.O_RDONLY) for path in (folder / "named", folder / "gone", Path(__file__))]
    try:
        os.unlink(folder / "gone")
        found = dict(open_files(PROCESS, mounts))
        inodes = {file.inode for file in found.values()}
        assert {os.fstat(memory).st_ino, os.fstat(opened[1]).st_ino} <= inodes
        assert not {os.fstat(opened[0]).st_ino, os.fstat(opened[2]).st_ino} & inodes
        assert any(b"procmem-test" in name for name in found)
        assert all(os.stat(file.path).st_ino == file.inode for file in found.values())
    finally:
        for number in (memory, *opened):
            os.close(number)
    assert list(open_files(b"/proc/999999999", mounts)) == []


def test_what_of_a_file_is_in_swap(folder: Path) -> None:
    """Nothing of one that was just written, where the kernel can tell; of what is no file, or not there, unknown."""
    (folder / "a").write_bytes(b"x")
    assert swapped_bytes(os.fsencode(folder / "a")) in (0, None)
    assert swapped_bytes(os.fsencode(folder)) is None
    assert swapped_bytes(os.fsencode(folder / "none")) is None
    os.mkfifo(folder / "fifo")
    assert swapped_bytes(os.fsencode(folder / "fifo")) is None


def test_whether_a_file_opens(tmp_path: Path) -> None:
    """Without waiting for whoever writes to it, and nothing stays open."""
    with no_file_left_open():
        (tmp_path / "a").write_bytes(b"")
        os.mkfifo(tmp_path / "fifo")
        assert [_opens(str(tmp_path / name)) for name in ("a", "fifo", "none")] == [True, True, False]


@pytest.mark.parametrize(("refused", "swapped"), [(0, 3), (-1, None)])
def test_how_the_kernel_is_asked(
    folder: Path, refused: int, swapped: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cachestat() of the whole file: the fourth figure is pages that are not in memory any more."""

    class Library:
        """The C library."""

        def __init__(self, *_: object, **__: object) -> None: ...

        def syscall(self, number: int, fd: int, span: list[int], counts: list[int], flags: int) -> int:
            assert (number, list(span), len(counts), flags) == (451, [0, 0], 5, 0)
            assert os.fstat(fd).st_size == 1
            counts[:] = [9, 9, 9, 3, 9]
            return refused

    monkeypatch.setattr(ctypes, "CDLL", Library)
    (folder / "a").write_bytes(b"x")
    page = os.sysconf("SC_PAGE_SIZE")
    assert swapped_bytes(os.fsencode(folder / "a")) == (None if swapped is None else swapped * page)


def test_places_of_proc(tmp_path: Path) -> None:
    """By names of the kernel's."""
    assert shmem.process_folder("/proc", 7) == b"/proc/7"
    assert shmem.root_of(b"/proc/7") == b"/proc/7/root"
    assert shmem.map_file(b"/proc/7", 0x1000, 0xFF000) == b"/proc/7/map_files/1000-ff000"
    for text, mount in ((b"pos:\t0\nmnt_id:\t25\n", 25), (b"pos:\t0\n", -1), (b"xmnt_id:\t25\n", -1)):
        (tmp_path / "fdinfo").write_bytes(text)
        assert shmem._mount_id(os.fsencode(tmp_path / "fdinfo")) == mount
