"""What another program's files name is looked at before it is opened, and used only if it is what was meant."""

import os
import shutil
from pathlib import Path

import pytest

from procmem.model.raw import Refusal
from procmem.sources.files import opened_regular
from procmem.sources.object_file import open_file
from tests.programs.build import build
from tests.support.running import procmem, started
from tests.support.simulated_elf_bytes import Load, R, X, elf32


def test_only_a_look_is_taken_of_what_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device may do something when it is opened (a watchdog begins to run, a tape winds back)."""
    flags: list[int] = []
    real_open = os.open

    def watched(path: str | bytes, wanted: int, *rest: int, **named: int) -> int:
        flags.append(wanted)
        return real_open(path, wanted, *rest, **named)

    os.mkfifo(tmp_path / "fifo")
    monkeypatch.setattr(os, "open", watched)
    for path in ("/dev/zero", "/dev/ptmx", str(tmp_path / "fifo"), "/dev", str(tmp_path)):
        assert opened_regular(path) is Refusal.FAILED
        assert open_file(os.fsencode(path)) is None
    assert len(flags) == 10
    assert all(one & os.O_PATH for one in flags)


def test_the_file_that_was_looked_at_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the name leads elsewhere by then."""
    path = tmp_path / "file"
    path.write_bytes(b"meant")
    real_fstat = os.fstat

    def swapped(fd: int) -> os.stat_result:
        found = real_fstat(fd)
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        return found

    monkeypatch.setattr(os, "fstat", swapped)
    fd = opened_regular(str(path))
    monkeypatch.undo()
    assert isinstance(fd, int)
    assert os.read(fd, 9) == b"meant"
    assert not os.get_inheritable(fd)
    os.close(fd)


@pytest.mark.parametrize("interpreter", [b"/dev/zero", b"/dev/ptmx", b"/proc/self/mem", b"/", b"/no\x01such"])
def test_an_interpreter_that_is_no_file_is_none(tmp_path: Path, interpreter: bytes) -> None:
    """``simulate`` says so in one line."""
    program = tmp_path / "program"
    program.write_bytes(elf32([Load(0x8048000, 0x1000, 0x1000, R | X)], interpreter=interpreter))
    program.chmod(0o755)
    run = procmem("simulate", str(program))
    assert (run.status, run.out) == (5, ""), run
    assert run.err.count("\n") == 1
    assert "interpreter" in run.err


@pytest.mark.needs32
def test_a_deleted_program_is_not_looked_for_by_its_name(tmp_path: Path) -> None:
    """Another file has the name that maps shows by now, " (deleted)" and all: it is not taken for the program."""
    program = build("sleeper.c", ("-m32", "-static"), tmp_path)
    with started([str(program)], ready=False) as child:
        program.unlink()
        shutil.copy("/bin/true", f"{program} (deleted)")
        run = procmem("crosscheck", str(child.pid), "--json")
    assert run.status in (0, 7), run
    assert run.json["exact"] is None or run.json["exact"]["inputs"]["stage"] == "exec", run.json
