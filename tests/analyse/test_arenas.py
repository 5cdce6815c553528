"""Arenas and their blocks, counted apart, against what malloc itself says of them (malloc_info(3))."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from procmem.analyse.arenas import arenas_of
from procmem.model import kinds, owners
from procmem.model.region import Regions
from tests.support.made_processes import labelled, made, record
from tests.support.running import procmem, started

SOURCE = Path(__file__).resolve().parent.parent / "programs" / "arenas.c"
GLIBC = "7f32ce000000-7f32ce17a000 r-xp 00000000 08:01 1401 /lib64/libc-2.31.so"


class Told(NamedTuple):
    """What the program says of itself: pid, its threads' ids, and bytes and heaps of each arena but the main one."""

    pid: int
    tids: list[int]
    arenas: list[tuple[int, int]]


@pytest.fixture(params=[pytest.param("-m64", id="64-bit"), pytest.param("-m32", id="32-bit")])
def program(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Told]:
    """The program, whose first thread has an arena of several blocks."""
    made_at = tmp_path / "arenas"
    command = ["gcc", request.param, "-O1", "-pthread", "-o", str(made_at), str(SOURCE)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("no compiler for this word size")
    with started([str(made_at), "200" if request.param == "-m64" else "6"], ready=False) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line.decode().split())
            if lines[-1] == ["end"]:
                break
        arenas = [(int(words[1]), int(words[3])) for words in lines[1:-1]]
        yield Told(process.pid, [int(word) for word in lines[0][1:]], [one for one in arenas if one[1]])


def asked(command: str, pid: int, *more: str) -> Any:
    """One document of a command."""
    return json.loads(procmem(command, "--json", *more, str(pid)).out)


@pytest.mark.needs("gcc")
def test_each_thread_has_its_arena_with_all_its_blocks(program: Told) -> None:
    """As many blocks and bytes as malloc says, each arena with the thread that uses it."""
    document = asked("threads", program.pid, "--deep")
    rows = {row["tid"]: row for row in document["threads"]}
    found = [(rows[tid]["arena_resident"], rows[tid]["arena_blocks"]) for tid in program.tids]
    assert len({rows[tid]["arena"] for tid in program.tids}) == len(program.tids)
    assert found[0][1] == max(blocks for _, blocks in program.arenas) > 1
    assert sorted(blocks for _, blocks in found) == sorted(blocks for _, blocks in program.arenas)
    for (resident, _), (size, _) in zip(sorted(found), sorted(program.arenas), strict=True):
        assert 0 <= size - resident <= 256 * 1024  # what was asked of the kernel at the end and not yet used
    totals = document["totals"]
    assert (totals["arenas"], totals["arena_blocks"]) == (len(program.arenas), sum(one[1] for one in program.arenas))


@pytest.mark.needs("gcc")
def test_without_deep_blocks_are_known_and_arenas_have_bounds(program: Told) -> None:
    """No number of arenas is made up; the true one lies between the bounds."""
    blocks = sum(one[1] for one in program.arenas)
    totals = asked("threads", program.pid)["totals"]
    assert (totals["arenas"], totals["arena_blocks"]) == (None, blocks)
    findings = {item["name"]: item["figures"] for item in asked("explain", program.pid)["findings"]}
    if blocks >= 8:
        found = findings["many-arena-blocks"]
        assert found["at_least"] <= len(program.arenas) <= found["at_most"] == blocks
    assert "many-arenas" not in findings


@pytest.mark.needs("gcc")
def test_one_large_arena_is_told_with_its_thread(program: Told) -> None:
    """Not as many arenas."""
    findings = {item["name"]: item["figures"] for item in asked("explain", program.pid, "--deep")["findings"]}
    found = findings["large-arena"]
    assert found["threads"] == str(program.tids[0])
    assert found["count"] == max(blocks for _, blocks in program.arenas)
    assert "many-arena-blocks" not in findings


def regions_of(*lines: str) -> Regions:
    """The regions of a process of which only maps is known."""
    _, regions = made({"maps": "".join(f"{line}\n" for line in lines).encode()}, machine=None)
    assert regions is not None
    return regions


def test_full_blocks_in_one_mapping_are_counted_each() -> None:
    """Neighbours that are full are one mapping; with the one above them that is not, they may be one arena or four."""
    found = arenas_of(
        regions_of(
            "7f3240000000-7f324c021000 rw-p 00000000 00:00 0",
            "7f324c021000-7f3250000000 ---p 00000000 00:00 0",
            GLIBC,
        ),
        64,
    )
    assert (found.blocks, found.known, found.at_least, found.at_most) == (4, None, 1, 4)
    assert found.virt == 256 << 20
    assert found.rss is None


def test_nothing_is_nothing() -> None:
    """A process without arenas has none, and that is known."""
    found = arenas_of(regions_of(GLIBC), 64)
    assert (found.blocks, found.known, found.at_least, found.at_most) == (0, 0, 0, 0)


def test_the_largest_arena_comes_first() -> None:
    """By memory, then by address space; what is unknown counts as nothing."""
    size = 64 << 20
    rows = [
        (record(at * size, at * size + 0x10000, Rss=rss), kinds.GLIBC_ARENA, owners.Arena(at))
        for at, rss in ((16, 4), (17, 12), (18, 8))
    ]
    found = arenas_of(labelled(*rows), 64)
    assert [one.arena.address for one in found.arenas] == [17, 18, 16]
    assert (found.rss, found.virt, found.loose) == (24 << 10, 3 * 0x10000, 0)
