"""The small sources: control groups, what we may do, a field of status, scripts, and standard output."""

import contextlib
import io
import os
import stat
import sys
import time
from pathlib import Path

import pytest

from procmem.errors import BadInput, CannotWrite, Misuse
from procmem.model.proc_keys import StatusKey
from procmem.model.raw import Refusal
from procmem.sources import abilities, files, script_file, streams
from procmem.sources.cgroups import read_cgroup, read_limits
from procmem.sources.script_file import read_script
from procmem.sources.status_field import status_field
from tests.support.open_files import no_file_left_open

OF_VERSION_2 = ["memory.current", "memory.max", "memory.swap.current", "memory.swap.max", "memory.pressure"]
OF_VERSION_1 = [
    "memory.usage_in_bytes", "memory.limit_in_bytes", "memory.memsw.usage_in_bytes", "memory.memsw.limit_in_bytes",
]  # fmt: skip


def test_files_of_control_groups(tmp_path: Path) -> None:
    """Those of the version, as far as they are there; groups without any are left out."""
    for path in ("a", "a/b", "empty"):
        (tmp_path / path).mkdir()
    for name in (*OF_VERSION_2, *OF_VERSION_1, "memory.stat", "cpu.max"):
        (tmp_path / "a" / name).write_bytes(name.encode())
    (tmp_path / "a" / "b" / "memory.max").write_bytes(b"max\n")
    mount = os.fsencode(tmp_path)
    groups = [b"/a", b"/a/b", b"/empty", b"/none"]
    assert read_limits(mount, groups, 2) == [
        (b"/a", {name: name.encode() for name in OF_VERSION_2}),
        (b"/a/b", {"memory.max": b"max\n"}),
    ]
    assert read_limits(mount, groups, 1) == [(b"/a", {name: name.encode() for name in OF_VERSION_1})]
    assert set(read_cgroup(mount, b"/a")) == {
        *OF_VERSION_2[:3], "memory.stat", *OF_VERSION_1[:3],
    }  # fmt: skip
    assert read_cgroup(mount, b"a/b", ["memory.max", "cpu.max"]) == {"memory.max": b"max\n"}


def test_what_we_may_do_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the kernel tells it; reading our own smaps takes the time in the middle of five."""
    moments = iter([0.0, 9.0, 10.0, 11.0, 20.0, 24.0, 30.0, 32.0, 40.0, 43.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(moments))
    found = abilities.read_abilities()
    assert found.smaps_seconds == 3.0
    assert next(moments, None) is None
    assert (found.user, found.release) == (os.geteuid(), os.uname().release)
    assert found.pid_namespace == os.stat("/proc/self/ns/pid").st_ino
    assert isinstance(found.smaps, bytes)
    assert b"Rss:" in found.smaps
    assert isinstance(found.mountinfo, bytes)
    assert found.settings["vm/max_map_count"] == int(Path("/proc/sys/vm/max_map_count").read_text())
    assert set(found.settings) == {
        "kernel/yama/ptrace_scope", "kernel/randomize_va_space", "vm/max_map_count", "vm/overcommit_memory",
    }  # fmt: skip
    assert "self/smaps" in found.readable
    assert found.readable <= {
        "self/smaps", "self/smaps_rollup", "self/numa_maps", "self/pagemap", "pressure/memory", "kpageflags",
    }  # fmt: skip


def test_what_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is there; nothing stays open. Without /proc/self/ns the namespace is unknown."""
    with no_file_left_open():
        (tmp_path / "file").touch()
        assert abilities._opens(str(tmp_path / "file"))
        assert not abilities._opens(str(tmp_path / "none"))

    def refused(_path: str) -> os.stat_result:
        raise FileNotFoundError

    monkeypatch.setattr(os, "stat", refused)
    assert abilities._namespace() is None


def test_a_field_of_status() -> None:
    """By its whole key, at the beginning of a line; with all that stands behind it."""
    status = b"Name:\ta b\tUid:\t9\nTgid:\t4\nUid:\t1\t2\nNUid:\t5\n"
    assert status_field(status, StatusKey.NAME) == b"a b\tUid:\t9"
    assert status_field(status, StatusKey.UID) == b"1\t2"
    assert status_field(status, "Pid") == status_field(b"", StatusKey.UID) == b""


def test_a_script_is_read_whole_or_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a file or of standard input; its bound counts characters."""
    path = tmp_path / "script"
    path.write_text("mmap ä 4K\n", encoding="utf-8")
    assert read_script(str(path)) == "mmap ä 4K\n"
    assert script_file._CHARACTERS_MAX == 16 << 20
    monkeypatch.setattr(script_file, "_CHARACTERS_MAX", 10)
    assert read_script(str(path)) == "mmap ä 4K\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO("0123456789"))
    assert read_script("-") == "0123456789"
    monkeypatch.setattr(script_file, "_CHARACTERS_MAX", 9)
    monkeypatch.setattr(sys, "stdin", io.StringIO("0123456789"))
    for name in (str(path), "-"):
        with pytest.raises(BadInput) as caught:
            read_script(name)
        assert (caught.value.code, caught.value.fields) == ("text-too-large", {"name": name, "most": 9})
    path.write_bytes(b"\xff")
    for name, code in ((str(path), "no-text"), (str(tmp_path / "none"), "unreadable-text")):
        with pytest.raises(BadInput) as caught:
            read_script(name)
        assert caught.value.code == code


class Output(io.StringIO):
    """A standard output with a descriptor, and maybe a terminal."""

    encoding = "utf-8"

    def __init__(self, fd: int, *, is_terminal: bool = False) -> None:
        super().__init__()
        self._number, self._is_terminal = fd, is_terminal

    def fileno(self) -> int:
        """Where it leads."""
        return self._number

    def isatty(self) -> bool:
        """Whether somebody looks at it."""
        return self._is_terminal


def test_standard_output_for_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not on a terminal, nor where it is closed; the descriptor stays open."""
    fd = os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT)
    try:
        monkeypatch.setattr(sys, "stdout", Output(fd))
        with streams.binary_output() as output:
            output.write(b"\x00\xff")
        assert stat.S_ISREG(os.fstat(fd).st_mode)
        text = streams.buffered(Output(fd))  # type: ignore[arg-type]
        text.write("ä")
        text.close()
        assert (tmp_path / "out").read_bytes() == b"\x00\xff" + "ä".encode()
        assert stat.S_ISREG(os.fstat(fd).st_mode)
    finally:
        os.close(fd)
    monkeypatch.setattr(sys, "stdout", Output(1, is_terminal=True))
    with pytest.raises(Misuse) as caught:
        streams.binary_output()
    assert caught.value.code == "archive-to-terminal"
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(CannotWrite) as closed:
        streams.binary_output()
    assert closed.value.fields["reason"] == "Bad file descriptor"


def test_an_output_that_nobody_takes_is_dropped() -> None:
    """What is written to it later goes nowhere."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if not pid:
        with contextlib.suppress(BaseException):
            os.dup2(write_end, 1)
            os.write(1, b"before")
            streams.drop_output()
            os.write(1, b"after")
        os._exit(0)
    os.close(write_end)
    os.waitpid(pid, 0)
    assert os.read(read_end, 100) == b"before"
    os.close(read_end)


def test_an_input_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be read, or is no text: which of the two is told."""

    class Failing(io.StringIO):
        def read(self, _size: int | None = -1) -> str:
            raise OSError(21, "Is a directory")

    monkeypatch.setattr(sys, "stdin", Failing())
    with pytest.raises(BadInput) as caught:
        streams.input_text()
    assert (caught.value.code, caught.value.fields["reason"]) == ("unreadable-text", "Is a directory")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff"), encoding="utf-8"))
    with pytest.raises(BadInput) as caught:
        streams.input_text()
    assert caught.value.code == "no-text"


@pytest.mark.parametrize("most", [0, 1, 5, 9, 10, 11, 65_536, 65_537, 200_000])
def test_no_more_is_read_than_is_asked_for(tmp_path: Path, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may have no end, and each read of some takes from it."""
    real = os.read
    asked: list[int] = []

    def noted(fd: int, size: int) -> bytes:
        asked.append(size)
        return real(fd, min(size, 3000))

    data = os.urandom(100_000)
    (tmp_path / "file").write_bytes(data)
    (tmp_path / "short").write_bytes(data[:10])
    monkeypatch.setattr(os, "read", noted)
    assert files.read_start(str(tmp_path / "file"), None, most) == data[:most]
    left = most
    for size in asked:
        assert size == min(left, 65_536)
        left -= min(3000, size, 100_000 - (most - left))
    assert left == max(most - 100_000, 0)
    assert files.read_start(str(tmp_path / "short"), None, most) == data[: min(most, 10)]
    assert files.read_start(str(tmp_path / "none"), None, most) is Refusal.ABSENT


def test_writing_once(tmp_path: Path) -> None:
    """To a file that is there; why not, where it is not."""
    (tmp_path / "file").write_bytes(b"old text")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        assert files.write_once("file", folder, b"new") is None
        assert (tmp_path / "file").read_bytes() == b"new text"
        assert files.write_once("none", folder, b"new") is Refusal.ABSENT
    finally:
        os.close(folder)
    assert not (tmp_path / "none").exists()
