"""How long procmem takes, as ratios within one run: against pmap, and against Python itself.

    .venv/bin/python tests/benchmarks/ratios.py

Ratios hold from machine to machine, seconds do not; nothing here is a test. Each figure is the best of several
rounds, in which the programs to compare take turns.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence

ROUNDS = 15
PYTHON = [sys.executable, "-c", "pass"]
PROCMEM = [os.path.join(os.path.dirname(sys.executable), "procmem")]
MANY, FEW = 20_000, 200
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
"""An installed program is compiled once, not at every start."""

MAPPER = """
import ctypes, mmap, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
count = int(sys.argv[1]) - sum(1 for _ in open('/proc/self/maps'))
for number in range(count):
    # neighbours with different permissions are never merged
    at = libc.mmap(None, 4096, 1 + 2 * (number % 2), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
    assert at not in (None, ctypes.c_void_p(-1).value)
    if number % 4 == 1:
        ctypes.memset(at, 1, 1)
print(sum(1 for _ in open('/proc/self/maps')), flush=True)
input()
"""


def best(*commands: Sequence[str]) -> list[float]:
    """The shortest time of each command, in seconds."""
    shortest = [float("inf")] * len(commands)
    for _ in range(ROUNDS):
        for at, command in enumerate(commands):
            began = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True, env=ENVIRONMENT)
            shortest[at] = min(shortest[at], time.perf_counter() - began)
    return shortest


def show(what: str, ours: float, theirs: float, goal: float) -> None:
    """One line."""
    ratio = ours / theirs
    verdict = "" if ratio <= goal else "   TOO SLOW"
    print(f"{what:<44} {ours * 1000:8.1f} ms / {theirs * 1000:7.1f} ms = {ratio:5.2f}  (goal {goal}){verdict}")  # noqa: T201


def main() -> None:
    """Measure everything."""
    (version, python) = best([*PROCMEM, "--version"], PYTHON)
    show("--version, to python -c pass", version, python, 2)
    for count in (FEW, MANY):
        child = subprocess.Popen(
            [sys.executable, "-c", MAPPER, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            assert child.stdout is not None
            found = int(child.stdout.readline())
            pid = str(child.pid)
            inspect, pmap, python = best([*PROCMEM, "inspect", pid], ["pmap", "-X", pid], PYTHON)
            if count == FEW:
                show(f"inspect of {found} VMAs, to python -c pass", inspect, python, 5.5)
            else:
                show(f"inspect of {found} VMAs, to pmap -X", inspect, pmap, 0.5)
        finally:
            child.kill()
            child.communicate()


if __name__ == "__main__":
    main()
