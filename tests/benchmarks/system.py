"""How long ``procmem system`` takes over many processes, as ratios within one run: against smem, ps_mem, smemstat, ps.

    sudo .venv/bin/python tests/benchmarks/system.py [PROCESSES]

Starts that many small Python programs, lets the readers take turns, and keeps the best time of each. What is not
installed is left out (``apt-get install smem smemstat``, ``pip install ps_mem``).
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence

ROUNDS = 7
PROCESSES = 300
PROCMEM = [os.path.join(os.path.dirname(sys.executable), "procmem"), "system"]
PEERS: tuple[tuple[float, Sequence[str]], ...] = (
    (0.8, ("ps_mem",)),
    (0.3, ("smem",)),
    (0.7, ("smemstat",)),
    (1.3, ("ps", "axo", "pid,rss,pss,uss,comm")),
)
"""At most this share of the time of these programs."""
SLEEPER = "import json, decimal; keep = bytearray(2_000_000); print(flush=True); input()"


def timed(command: Sequence[str]) -> float:
    """Seconds of one run."""
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - began


def main() -> None:
    """Measure everything."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else PROCESSES
    path = os.pathsep.join([os.environ["PATH"], os.path.dirname(sys.executable)])
    peers = [(goal, [found, *words[1:]]) for goal, words in PEERS if (found := shutil.which(words[0], path=path))]
    children = [
        subprocess.Popen([sys.executable, "-c", SLEEPER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(count)
    ]
    try:
        for child in children:
            assert child.stdout is not None
            child.stdout.readline()
        commands = [PROCMEM, *(words for _, words in peers)]
        best = [
            min(times) for times in zip(*([timed(words) for words in commands] for _ in range(ROUNDS)), strict=True)
        ]
    finally:
        for child in children:
            child.kill()
        for child in children:
            child.communicate()
    for (goal, words), seconds in zip(peers, best[1:], strict=True):
        name, ratio = os.path.basename(words[0]), best[0] / seconds
        verdict = "" if ratio <= goal else "   TOO SLOW"
        print(  # noqa: T201  # this is what the script is for
            f"{count} processes: {best[0] * 1000:7.1f} ms / {name:<9}{seconds * 1000:7.1f} ms = {ratio:5.2f}"
            f"  (goal {goal}){verdict}"
        )


if __name__ == "__main__":
    main()
