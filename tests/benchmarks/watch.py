"""How much ``procmem watch`` slows a process of 2 GiB that maps and unmaps all the time.

    .venv/bin/python tests/benchmarks/watch.py [OPTION OF WATCH ...]

The process counts its pairs of mmap() and munmap(); the watcher is stopped and continued by turns, and the rates of
neighbouring windows are compared: their median drop is what watching costs.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time

WINDOWS = 24
SECONDS = 1.0
PROCMEM = os.path.join(os.path.dirname(sys.executable), "procmem")
GOAL = 0.02
MAPPER = r"""
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
static volatile unsigned long *count;
int main(int argc, char **argv)
{
    size_t size = 2UL << 30;
    char *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    FILE *file = fopen(argv[1], "r+");
    madvise(block, size, MADV_NOHUGEPAGE);
    memset(block, 1, size);
    count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    puts("ready");
    fflush(stdout);
    for (;; ++*count) {
        char *page = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *page = 1;
        munmap(page, 65536);
    }
}
"""


def main() -> None:
    """Measure, and say how many per cent."""
    with tempfile.TemporaryDirectory() as folder:
        program, counter = os.path.join(folder, "mapper"), os.path.join(folder, "counter")
        subprocess.run(["gcc", "-O1", "-x", "c", "-o", program, "-"], input=MAPPER.encode(), check=True)
        with open(counter, "wb") as empty:
            empty.truncate(4096)
        mapper = subprocess.Popen([program, counter], stdout=subprocess.PIPE)
        assert mapper.stdout is not None
        mapper.stdout.readline()
        watcher = subprocess.Popen([PROCMEM, "watch", str(mapper.pid), *sys.argv[1:]], stdout=subprocess.DEVNULL)
        try:
            time.sleep(SECONDS)
            drops = []
            with open(counter, "rb", buffering=0) as file:

                def rate() -> float:
                    file.seek(0)
                    first, began = int.from_bytes(file.read(8), "little"), time.perf_counter()
                    time.sleep(SECONDS)
                    file.seek(0)
                    return (int.from_bytes(file.read(8), "little") - first) / (time.perf_counter() - began)

                for window in range(WINDOWS):
                    rates = {}
                    for watched in (True, False) if window % 2 else (False, True):
                        os.kill(watcher.pid, signal.SIGCONT if watched else signal.SIGSTOP)
                        rates[watched] = rate()
                    drops.append(1 - rates[True] / rates[False])
        finally:
            for process in (watcher, mapper):
                process.kill()
                process.communicate()
    drop = statistics.median(drops)
    verdict = "" if drop < GOAL else "   TOO MUCH"
    print(  # noqa: T201  # this is what the script is for
        f"mmap rate drops by {drop:.2%} (median of {WINDOWS}, quartiles"
        f" {' to '.join(f'{value:.2%}' for value in statistics.quantiles(drops)[::2])}; goal {GOAL:.0%}){verdict}"
    )


if __name__ == "__main__":
    main()
