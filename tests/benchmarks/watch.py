"""What ``procmem watch`` costs the process that it watches: the rate of mmap and munmap beside 2 GiB of memory.

    .venv/bin/python tests/benchmarks/watch.py [SECONDS]

The process runs on one processor, the watcher on another. The watcher is stopped and continued every second, so that
both states meet the same noise; medians and best deciles of many short windows are compared. Nothing here is a test.
"""

import os
import signal
import statistics
import subprocess
import sys
import time

SECONDS = 60.0
WINDOWS = 4
GOAL_PERCENT = 2
PROCMEM = os.path.join(os.path.dirname(sys.executable), "procmem")
MAPPER = """
import mmap, time
private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
big = mmap.mmap(-1, 2 << 30, flags=private)
for at in range(0, 2 << 30, 4096):
    big[at] = 1
while True:
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < 0.25:
        for _ in range(200):
            mmap.mmap(-1, 65536, flags=private).close()
        count += 200
    print(count / (time.perf_counter() - began), flush=True)
"""


def rates(seconds: float) -> dict[bool, list[float]]:
    """Rates of mapping a second, by whether the watcher ran."""
    mapper = subprocess.Popen(["taskset", "-c", "0", sys.executable, "-c", MAPPER], stdout=subprocess.PIPE, text=True)
    assert mapper.stdout is not None
    mapper.stdout.readline()
    watcher = subprocess.Popen(["taskset", "-c", "1", PROCMEM, "watch", str(mapper.pid)], stdout=subprocess.DEVNULL)
    found: dict[bool, list[float]] = {True: [], False: []}
    watched = True
    try:
        time.sleep(1)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            watcher.send_signal(signal.SIGCONT if watched else signal.SIGSTOP)
            mapper.stdout.readline()  # a window that saw both states
            found[watched] += [float(mapper.stdout.readline()) for _ in range(WINDOWS)]
            watched = not watched
    finally:
        for process in (watcher, mapper):
            process.kill()
            process.wait()
        mapper.stdout.close()
    return found


def main() -> None:
    """Measure, and say by how much the rate drops."""
    found = rates(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
    drops = [
        100 * (1 - measure(found[True]) / measure(found[False]))
        for measure in (statistics.median, lambda values: statistics.quantiles(values, n=10)[-1])
    ]
    print(f"mmap rate drops by {drops[0]:.2f} % (medians), {drops[1]:.2f} % (best deciles); goal {GOAL_PERCENT} %")  # noqa: T201


if __name__ == "__main__":
    main()
