"""Asking one question: what stands on the first screen of a command's answer, and sizes read back from its words."""

import re
from pathlib import Path

from tests.support.running import procmem

__all__ = ["field", "first_screen", "has", "kib", "private_kib"]

SCREEN = 40
"""Lines of a terminal that is not small."""
_UNITS = {"B": 1 / 1024, "KiB": 1, "MiB": 1 << 10, "GiB": 1 << 20, "TiB": 1 << 30}


def first_screen(*words: object) -> str:
    """What a command answers first, as one line of words; it must have answered."""
    run = procmem(*map(str, words))
    assert run.status == 0, run
    return " ".join(" ".join(run.out.split("\n")[:SCREEN]).split())


def has(screen: str, pattern: str) -> re.Match[str]:
    """A pattern that must be on a screen."""
    found = re.search(pattern, screen)
    assert found is not None, f"{pattern!r} is not in: {screen}"
    return found


def kib(text: str) -> float:
    """KiB of a size such as ``30.6 MiB``."""
    number, unit = text.split()
    return float(number) * _UNITS[unit]


def field(pid: int, key: str, file: str = "status") -> int:
    """A field of a file of a process, in kB, read by hand."""
    text = Path(f"/proc/{pid}/{file}").read_text(errors="replace")
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith(f"{key}:"))


def private_kib(pid: int) -> int:
    """What only this process maps, by hand."""
    return field(pid, "Private_Clean", "smaps_rollup") + field(pid, "Private_Dirty", "smaps_rollup")
