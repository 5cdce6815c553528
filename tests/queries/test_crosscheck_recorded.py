"""What a recording says of how its process was started is believed only where a kernel could have said it."""

import shutil
from pathlib import Path

import pytest

from tests.support.running import ROOT, procmem

SLEEP = ROOT / "fixtures" / "x86_64-6.18-sleep"


@pytest.mark.parametrize("digits", ["100000000", "33", "9" * 5000])
def test_more_random_bits_than_there_can_be_count_for_nothing(digits: str, tmp_path: Path) -> None:
    """vm.mmap_rnd_bits is 32 at most; one shifted by such a number would fill memory."""
    shutil.copytree(SLEEP, tmp_path / "recording")
    for path in (tmp_path / "recording").rglob("mmap_rnd_bits"):
        path.write_text(digits + "\n")
    run = procmem("crosscheck", "--json", "--from", str(tmp_path / "recording"))
    assert run.status in (0, 5), run
    if run.status == 0 and run.json["exact"] is not None:
        assert run.json["exact"]["kernel"]["mmap_rnd_bits"] <= 32


def test_strings_that_no_exec_has_made_are_not_made_again(tmp_path: Path) -> None:
    """Arguments that begin at address 0 would be as long as the address space."""
    shutil.copytree(SLEEP, tmp_path / "recording")
    for path in (tmp_path / "recording").rglob("stat"):
        head, _, tail = path.read_text().rpartition(")")
        words = tail.split()
        if len(words) > 48:
            words[45] = "0"  # arg_start
            path.write_text(f"{head}) {' '.join(words)}\n")
    run = procmem("crosscheck", "--json", "--from", str(tmp_path / "recording"))
    assert run.status == 0, run
    assert run.json["exact"] is None
