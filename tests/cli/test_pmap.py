"""procmem pmap against pmap itself, byte for byte."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.programs.build import VARIANTS, build, start
from tests.support.running import kernel_thread, missing_pid, procmem, started, stopped, zombie

FORMS: tuple[list[str], ...] = (
    [],
    ["-x"],
    ["-X"],
    ["-XX"],
    ["-d"],
    ["-q"],
    ["-x", "-q"],
    ["-XX", "-q"],
    ["-d", "-q"],
    ["-p"],
    ["-x", "-p"],
)
RANGES: tuple[list[str], ...] = (
    ["-A", "7f0000000000,7fffffffffff"],
    ["-x", "-A", "55550000"],
    ["-d", "-A", "8000000,fffffffff000"],
)


def pmap(pid: int, options: list[str]) -> tuple[str, int]:
    """What the real one prints."""
    done = subprocess.run(["pmap", *options, str(pid)], capture_output=True, text=True, check=False)
    return done.stdout, done.returncode


MOVING = ("Pss", "Pss_Dirty", "SwapPss", "Shared_Clean", "Private_Clean")
"""What changes in a process at rest while others map and unmap the same libraries."""


def without_pss(text: str, heads: list[str]) -> list[list[str]]:
    """The words of each line but for those that move.

    ``heads`` are the column heads of -X or -XX; their last figures stand below them in the line of totals.
    """
    drop = {at for at, head in enumerate(heads) if head in MOVING}
    kept = []
    for line in text.split("\n"):
        words = line.split()
        shift = 5 if words[-1:] == ["KB"] else 0  # totals have no address, permissions, offset, device and inode
        if "=" not in line:
            kept.append([word for at, word in enumerate(words) if at + shift not in drop])
    return kept


@pytest.mark.needs("pmap")
@pytest.mark.parametrize("options", [*FORMS, *RANGES], ids=" ".join)
@pytest.mark.parametrize("variant", ["pie", pytest.param("m32-pie", marks=pytest.mark.needs32)])
def test_a_process_with_every_sort_of_memory(
    variant: str, options: list[str], programs_folder: Path, tmp_path: Path
) -> None:
    """A stopped program of our own, which shares only its C library with others."""
    binary = build("manifest.c", VARIANTS[variant], programs_folder)
    own = tmp_path / "a program"
    shutil.copy(binary, own)
    with start(own, "--dir", str(tmp_path), "elf", "brk", "mmap", "shm") as program, stopped(program.pid):
        for _attempt in range(10):
            expected, status = pmap(program.pid, options)
            run = procmem("pmap", *options, str(program.pid))
            if expected == run.out:
                break  # else PSS may have moved: others map and unmap the same C library all the time
        heads = procmem("pmap", *[option for option in options if option != "-q"], str(program.pid)).out.split("\n")[1]
    if not any(option.startswith("-X") for option in options):
        assert run.out == expected
    assert (without_pss(run.out, heads.split()), run.status) == (without_pss(expected, heads.split()), status)


@pytest.mark.needs("pmap")
@pytest.mark.parametrize("options", FORMS, ids=" ".join)
def test_processes_without_memory(options: list[str]) -> None:
    """A zombie, and where there is one a kernel thread."""
    with zombie() as pid:
        assert procmem("pmap", *options, str(pid)).out == pmap(pid, options)[0]
    thread = kernel_thread()
    if thread is not None:
        assert procmem("pmap", *options, str(thread)).out == pmap(thread, options)[0]


def test_a_missing_process_is_42() -> None:
    """The habit of pmap, alone and beside others; the others are printed."""
    assert procmem("pmap", str(missing_pid())).status == 42
    with started(["sleep", "100"], ready=False) as child:
        run = procmem("pmap", str(missing_pid()), f"/proc/{child.pid}")
    assert run.status == 42
    assert run.out.startswith(f"{child.pid}:   sleep 100\n")


def test_a_hostile_name_is_escaped(tmp_path: Path) -> None:
    """The one difference on purpose: a name cannot drive the terminal."""
    hostile = tmp_path / "\x1b[31mred"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", hostile)
    with started([str(hostile), "100"], ready=False) as child:
        run = procmem("pmap", str(child.pid))
    assert "\x1b" not in run.out
    assert "\\x1b[31mred" in run.out
