"""A command line that is as long as its process says: a gigabyte of memory that nobody ever used."""

import resource
import subprocess
from pathlib import Path

import pytest

from procmem.model.raw import CMDLINE_BYTES_MAX
from tests.programs.build import build
from tests.support.needs import lacking
from tests.support.running import procmem, started


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """The program, where prctl(2) lets it do so."""
    program = build("long_cmdline.c", (), tmp_path)
    with subprocess.Popen([program], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        first = child.stdout.readline()
        child.kill()
    return program if first == "ready\n" else lacking("PR_SET_MM_MAP is refused here (CONFIG_CHECKPOINT_RESTORE)")


@pytest.mark.needs("gcc")
@pytest.mark.parametrize(
    "words",
    [
        ("inspect", "PID"), ("explain", "PID"), ("account", "PID"), ("threads", "PID"), ("pmap", "PID"),
        ("crosscheck", "PID"), ("record", "PID", "-o", "OUT"), ("inspect", "--name", "fifteen-letters"),
        ("system", "--name", "fifteen-letters"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_no_command_reads_all_of_it(hostile: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Little memory of ours, little of the target's, and the page says that it is cut."""
    with started([str(hostile)]) as child:
        command = [{"PID": str(child.pid), "OUT": str(tmp_path / "out")}.get(word, word) for word in words]
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        run = procmem(*command)
        grown = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        held = Path(f"/proc/{child.pid}/statm").read_text().split()[1]
    assert run.status == 0, run
    assert grown <= max(before, 200 * 1024), "KiB of the largest child"
    assert int(held) < 2000, "pages of the target"
    if words[0] == "inspect":
        assert "the first 64 KiB are read and shown" in run.out + run.err
        assert len(run.out) < CMDLINE_BYTES_MAX * 2
