"""procmem shared: sharers by pid, private against shared, and what would be freed."""

import mmap
import os
import subprocess
from pathlib import Path

import pytest

from tests.programs.build import build_alone, start
from tests.support.running import COMMAND, ROOT, procmem, python_child, stopped

MAPPER = """
import mmap, os, sys, time
fd = os.open({path!r}, os.O_RDWR)
shared = mmap.mmap(fd, 1 << 20)
for page in range(0, 1 << 20, 4096):
    shared[page] = 1
anonymous = mmap.mmap(-1, 2 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for page in range(0, 2 << 20, 4096):
    anonymous[page] = 1
"""


@pytest.mark.machine
def test_two_processes_that_map_one_file(tmp_path: "os.PathLike[str]") -> None:
    """Both are told of each other; the file's pages are shared, and nobody would free them."""
    path = os.path.join(tmp_path, "shared file")
    with open(path, "wb") as file:
        file.truncate(1 << 20)
    code = MAPPER.format(path=path)
    with python_child(code) as first, python_child(code) as second:
        answer = procmem("shared", str(first), "--json").json
    [item] = [item for item in answer["objects"] if item["name"] == path]
    assert [sharer["pid"] for sharer in item["sharers"]] == [second]
    assert (item["rss"], item["private"], item["freed"]) == (1 << 20, 0, 0)
    assert item["pss"] == 1 << 19
    [anonymous] = [item for item in answer["objects"] if item["sort"] == "anonymous"]
    assert anonymous["freed"] >= 2 << 20


@pytest.mark.needs("gcc")
@pytest.mark.machine
def test_sums_are_the_process(tmp_path: Path) -> None:
    """All objects together are what inspect says of the process, whose files nobody else maps."""
    program = build_alone("manifest.c", tmp_path, "alone")
    with start(program, "--dir", str(tmp_path), "all") as running, stopped(running.pid) as pid:
        objects = procmem("shared", str(pid), "--json").json["objects"]
        totals = procmem("inspect", str(pid), "--json").json["totals"]
    assert sum(item["virt"] for item in objects) == totals["virt"]
    assert sum(item["rss"] for item in objects) == totals["rss"]
    assert sum(item["private"] for item in objects) == totals["uss"]


@pytest.mark.machine
def test_we_are_never_among_the_sharers() -> None:
    """It maps libc too, while it looks; it leaves itself out."""
    shared = mmap.mmap(-1, 4096)
    assert shared is not None
    words = [*COMMAND, "shared", str(os.getpid()), "--all"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT, text=True) as looking:
        page, _ = looking.communicate()
    assert looking.returncode == 0
    assert f"{os.getppid()}(" in page
    assert f"{looking.pid}(" not in page
