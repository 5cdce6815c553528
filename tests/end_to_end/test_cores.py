"""Core files of the kernel and of gdb, beside the process just before: the same ranges, classes and kinds."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.running import procmem, started, state_of, wait_for

PYTHON = """
import threading, time
keep = [bytearray(300_000 + 1000 * n) for n in range(20)]
more = {n: str(n) * 5 for n in range(50_000)}
begun = threading.Barrier(5)
for n in range(4):
    threading.Thread(target=lambda: (begun.wait(), time.sleep(1000)), daemon=True).start()
begun.wait()
time.sleep(0.2)
print("ready", flush=True)
time.sleep(1000)
"""
C = r"""
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void *work(void *arg) { char *p = malloc(5000 + (long)arg * 100); memset(p, 1, 5000); pause(); return p; }
int main(void) {
    pthread_t thread;
    for (long n = 0; n < 6; n++) pthread_create(&thread, 0, work, (void *)n);
    char *p = malloc(100); memset(p, 1, 100);
    sleep(1);
    puts("ready"); fflush(stdout); pause();
}
"""
NOT_IN_A_CORE = {"file-shared"}
"""Whether a file's mapping is shared is not told."""


def _core_by_kernel(process: "subprocess.Popen[bytes]", folder: Path) -> Path:
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    if pattern.startswith("|") or "/" in pattern:
        pytest.skip(f"cores go elsewhere here: {pattern}")
    process.send_signal(signal.SIGABRT)
    process.send_signal(signal.SIGCONT)
    process.wait()
    return next(folder.glob("core*"))


def _core_by_gdb(process: "subprocess.Popen[bytes]", folder: Path) -> Path:
    process.send_signal(signal.SIGCONT)
    command = ["gdb", "-q", "-batch", "-p", str(process.pid), "-ex", f"generate-core-file {folder}/core.gdb"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "core.gdb"


def _program(kind: str, folder: Path) -> list[str]:
    if kind == "python":
        return [sys.executable, "-c", PYTHON]
    source = folder / "threads.c"
    source.write_text(C)
    flags = ["-m32"] if kind == "c32" else []
    subprocess.run(["gcc", *flags, "-pthread", "-o", str(folder / "threads"), str(source)], check=True)
    return [str(folder / "threads")]


def _ranges(document: Any) -> dict[tuple[str, str], Any]:
    return {(row["start"], row["end"]): row for row in document["regions"]}


def _same(live: Any, found: Any) -> bool:
    """Class and kind; where the kind is a guess from how much is resident, which no core tells, the class alone."""
    told = ["class"] if live["certainty"] == "guess" else ["class", "kind"]
    return found is not None and all(live[key] == found[key] for key in told)


@pytest.mark.needs("gcc", "gdb")
@pytest.mark.parametrize("kind", ["python", "c", pytest.param("c32", marks=pytest.mark.needs32)])
@pytest.mark.parametrize("make", [_core_by_kernel, _core_by_gdb])
def test_regions_are_those_of_the_living_process(
    kind: str, make: "Callable[[subprocess.Popen[bytes], Path], Path]", tmp_path: Path
) -> None:
    """But for what no core holds: names of threads, whether a file is shared; gdb leaves out vvar."""
    command = _program(kind, tmp_path)
    limit = resource.getrlimit(resource.RLIMIT_CORE)[1]

    def unlimited() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))
        os.chdir(tmp_path)

    with started(command, preexec_fn=unlimited) as process:
        process.send_signal(signal.SIGSTOP)
        wait_for(lambda: state_of(process.pid) == "T")
        live = _ranges(procmem("inspect", "--regions", "--json", str(process.pid)).json)
        core = make(process, tmp_path)
    run = procmem("inspect", "--regions", "--json", "--from", str(core))
    assert run.status == 0, run
    assert run.json["totals"]["rss"] is None
    found = _ranges(run.json)
    skipped = NOT_IN_A_CORE | ({"vvar", "vsyscall"} if make is _core_by_gdb else set()) | {"loader"}
    missing = {
        place: (was, found.get(place))
        for place, was in live.items()
        if was["kind"] not in skipped and not _same(was, found.get(place))
    }
    assert not missing
    assert len(found) >= len(live) - 4
    threads = procmem("threads", "--json", "--from", str(core)).json
    assert len(threads["threads"]) == (5 if kind == "python" else 7)
    assert "a core file" in run.json["warnings"][0]


@pytest.mark.needs("gcc", "gdb")
def test_deep_reads_the_dumped_pages(tmp_path: Path) -> None:
    """Arenas of malloc are proved by their headers."""
    with started(_program("c", tmp_path)) as process:
        core = _core_by_gdb(process, tmp_path)
    rows = procmem("inspect", "--regions", "--deep", "--json", "--from", str(core)).json["regions"]
    arenas = [row for row in rows if row["kind"] == "glibc-arena"]
    assert len(arenas) == 6
    assert {row["certainty"] for row in arenas} == {"certain"}
