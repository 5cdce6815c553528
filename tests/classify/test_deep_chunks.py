"""What malloc keeps: in use, free between blocks, free at the top, as malloc's own statistics have it."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.running import procmem, started

KEEPS = """
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static pthread_barrier_t ready;
static void allocate(int count, int size, int keep_one_of)
{
    char **blocks = calloc(count, sizeof *blocks);
    for (int i = 0; i < count; i++)
        memset(blocks[i] = malloc(size), 1, size);
    for (int i = 0; i < count - 1; i++)
        if (i % keep_one_of)
            free(blocks[i]);
}
static void *work(void *nothing)
{
    allocate(20000, 1000, 4);
    pthread_barrier_wait(&ready);
    for (;;)
        pause();
    return nothing;
}
int main(void)
{
    pthread_t thread;
    pthread_barrier_init(&ready, NULL, 2);
    allocate(10000, 2000, 2);
    pthread_create(&thread, NULL, work, NULL);
    pthread_barrier_wait(&ready);
    malloc_stats();
    puts("ready");
    fflush(stdout);
    for (;;)
        pause();
}
"""


@pytest.mark.needs("gcc")
@pytest.mark.parametrize("flags", [(), pytest.param(("-m32",), marks=pytest.mark.needs32)], ids=["64", "32"])
def test_the_walk_agrees_with_mallocs_own_statistics(flags: tuple[str, ...], tmp_path: Path) -> None:
    """In use to 1 %, and the three parts fill the heap: main arena and the thread's, whatever number of heaps."""
    program = tmp_path / "keeps"
    command = ["gcc", "-O0", "-pthread", *flags, "-x", "c", "-", "-o", str(program)]
    subprocess.run(command, input=KEEPS, text=True, check=True, capture_output=True)
    with (tmp_path / "stats").open("w+") as stats, started([str(program)], stderr=stats) as child:
        told = procmem("inspect", "--deep", "--json", "--regions", str(child.pid)).json["regions"]
        stats.seek(0)
        in_use = [int(number) for number in re.findall(r"in use bytes += +(\d+)", stats.read())[:2]]
    sums = {"brk": [0, 0, 0], "glibc-arena": [0, 0, 0]}
    sizes = dict.fromkeys(sums, 0)
    for region in told:
        match = re.search(
            r"(\d+) KiB in use, (\d+) KiB free between them, (\d+) KiB free at its top", region["evidence"]
        )
        if region["kind"] in sums and match:
            sums[region["kind"]] = [a + int(b) for a, b in zip(sums[region["kind"]], match.groups(), strict=True)]
            sizes[region["kind"]] += region["size"]
    for kind, said in zip(("brk", "glibc-arena"), in_use, strict=True):
        used, free, top = sums[kind]
        assert used * 1024 == pytest.approx(said, rel=0.01)
        assert free > used / 2
        assert (used + free + top) * 1024 == pytest.approx(sizes[kind], rel=0.01)
