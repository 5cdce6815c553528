"""What a user names and what is no file: refused at once, in one line, by every command that opens it."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.running import COMMAND, FIXTURES, ROOT, procmem

SLEEP = FIXTURES / "x86_64-6.18-sleep"
READ_A_RECORDING = (
    ("inspect", "PATH"),
    ("inspect", "--from", "PATH"),
    ("explain", "PATH"),
    ("threads", "PATH"),
    ("shared", "PATH"),
    ("account", "PATH"),
    ("swap", "PATH"),
    ("crosscheck", "PATH"),
    ("watch", "PATH"),
    ("pmap", "1", "--from", "PATH"),
    ("system", "--from", "PATH"),
    ("translate", "PATH", "400000"),
    ("diff", str(SLEEP), "PATH"),
    ("record", "PATH", "-o", "/no/such/place"),
)
READ_A_SCRIPT = (
    ("simulate", "--script", "PATH"),
    ("simulate-memory", "--script", "PATH"),
    ("translate", "--sim", "--script", "PATH", "08048400"),
)


@pytest.fixture
def special(tmp_path: Path) -> dict[str, str]:
    """Files that are none, by kind."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(tmp_path / "socket"))
    return {name: str(tmp_path / name) for name in ("fifo", "link", "socket")} | {"zero": "/dev/zero"}


@pytest.mark.parametrize("words", [*READ_A_RECORDING, *READ_A_SCRIPT], ids=" ".join)
def test_special_files_are_refused(words: tuple[str, ...], special: dict[str, str]) -> None:
    """A named pipe that nobody writes to does not hang, a device without an end is not read to it."""
    for name, kind in (
        ("fifo", "a named pipe"),
        ("link", "a named pipe"),
        ("socket", "a socket"),
        ("zero", "a device"),
    ):
        run = procmem(*(word.replace("PATH", special[name]) for word in words))
        assert (run.status, run.out) == (5, ""), run
        assert run.err == f"procmem: {special[name]}: it is {kind}, and no file that could be read\n"


@pytest.mark.parametrize("command", [("simulate",), ("crosscheck", "run")])
def test_programs_that_are_no_files(command: tuple[str, ...], special: dict[str, str]) -> None:
    """The same for ELF files, with their own sentence."""
    for path in special.values():
        run = procmem(*command, path)
        assert (run.status, run.out) == (5, ""), run


def test_pipes_of_the_shell_are_files(tmp_path: Path) -> None:
    """A recording and a script through /dev/stdin; an archive cannot go back there."""
    archive = tmp_path / "sleep.tar.gz"
    subprocess.run(["tar", "czf", archive, "-C", SLEEP, "."], check=True)
    for words, data in (
        (["inspect", "--json", "/dev/stdin"], archive.read_bytes()),
        (["simulate", "--script", "/dev/stdin", "--json"], b"malloc a 100K\n"),
    ):
        done = subprocess.run([*COMMAND, *words], input=data, capture_output=True, check=False, cwd=ROOT)
        assert (done.returncode, done.stderr) == (0, b""), done
        assert done.stdout


def test_what_may_not_be_opened(tmp_path: Path) -> None:
    """A script that is a folder, that is not there, that is no text: the system's own words, and no Python in them."""
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    for path, why in (
        (tmp_path, "it is a folder, and no file that could be read"),
        (tmp_path / "none", "No such file or directory"),
        (tmp_path / "bytes", "it is no text in UTF-8"),
    ):
        run = procmem("simulate", "--script", str(path))
        assert (run.status, run.err) == (5, f"procmem: {path}: {why}\n")


def test_a_tree_without_processes_is_no_empty_table(tmp_path: Path) -> None:
    """An empty folder is no /proc."""
    run = procmem("system", "--procfs", str(tmp_path))
    assert (run.status, run.out) == (3, ""), run
    assert "no process in it" in run.err


@pytest.mark.skipif(not os.access("/proc/kmsg", os.R_OK), reason="needs root")
@pytest.mark.parametrize("words", [("inspect", "/proc/kmsg"), ("simulate", "--script", "/proc/kmsg")], ids=" ".join)
def test_a_stream_of_the_kernel_is_refused(words: tuple[str, ...]) -> None:
    """It looks like a file, has no end, and what is read of it is taken from who reads the log."""
    run = procmem(*words)
    assert (run.status, run.out) == (5, ""), run
    assert run.err == "procmem: /proc/kmsg: it is a stream of the kernel's, and no file that could be read\n"
