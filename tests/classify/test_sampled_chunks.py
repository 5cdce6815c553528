"""Heaps of very many blocks: samples of their chunks, held against malloc's own account."""

import random
import re
import struct
import subprocess
from pathlib import Path

import pytest

from procmem.classify.target_memory.glibc_chunks import HeapContents, heap_contents
from procmem.classify.target_memory.words import TargetWords
from procmem.model.note import note
from tests.support.made_memory import MadeMemory
from tests.support.running import procmem, started

KIB, MIB = 1 << 10, 1 << 20
AT = 0x1000_0000
IN_USE = 1


@pytest.fixture(scope="module")
def freer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that frees three of four of its blocks."""
    program = tmp_path_factory.mktemp("freer") / "freer"
    source = Path(__file__).parents[1] / "programs" / "freer.c"
    subprocess.run(["gcc", "-O1", "-pthread", "-o", program, source], check=True)
    return program


def told_by_malloc(child: "subprocess.Popen[bytes]", heap: int) -> tuple[int, int]:
    """What malloc_info says of a heap: bytes free, and bytes in all."""
    assert child.stdout is not None
    text = b""
    while (line := child.stdout.readline()) != b"ready\n":
        assert line
        text += line
    [part] = re.findall(rb'<heap nr="%d">.*?</heap>' % heap, text, re.DOTALL)
    free = sum(int(size) for size in re.findall(rb'<total type="(?:fast|rest)" count="\d+" size="(\d+)"/>', part))
    [whole] = re.findall(rb'<system type="current" size="(\d+)"/>', part)
    return free, int(whole)


@pytest.mark.needs("gcc")
@pytest.mark.parametrize("where", [(), ("thread",)], ids=["heap", "arena"])
@pytest.mark.parametrize(("count", "size", "sampled"), [(40_000, 1200, False), (400_000, 400, True)])
def test_what_was_freed_is_what_malloc_says(
    freer: Path, where: tuple[str, ...], count: int, size: int, sampled: bool
) -> None:
    """Exact where all chunks are walked, within 3 % where there are more than 50,000 in a block; arenas as a whole."""
    with started([str(freer), str(count), str(size), *where], ready=False) as child:
        free, whole = told_by_malloc(child, 1 if where else 0)
        answer = procmem("explain", str(child.pid), "--findings", "--deep", "--json").json
        page = " ".join(procmem("explain", str(child.pid), "--findings", "--deep").out.split())
    [found] = [one for one in answer["findings"] if one["name"].startswith("freed-in")]
    figures = found["figures"]
    assert found["name"] == f"freed-in-{'arena' if where else 'heap'}{'-sampled' if sampled else ''}"
    room = 0.03 * whole if sampled else 64 * KIB
    assert abs(figures["free_bytes"] + figures["top_bytes"] - free) <= room
    assert abs(figures["used_bytes"] - (whole - free)) <= room
    assert figures["held_bytes"] <= free + room
    assert figures["held_bytes"] >= free - room - 256 * KIB
    assert ("only samples were looked at" in page) == sampled
    assert "malloc_trim(0)" in page


def laid_out(sizes: list[int]) -> tuple[MadeMemory, int]:
    """A heap with these size fields, and where it ends; free chunks repeat their size behind them."""
    memory = MadeMemory()
    at = AT
    memory.present(AT, AT + sum(size & ~7 for size in sizes))
    for field, after in zip(sizes, [*sizes[1:], IN_USE], strict=True):
        memory.put(at + 8, field)
        at += field & ~7
        if not after & IN_USE:
            memory.put(at, field & ~7)
    return memory, at


def test_samples_of_chunks_that_are_all_alike() -> None:
    """One of four is free: exactly that share, and the top is not known."""
    pattern = [64 | IN_USE, 64 | IN_USE, 64 | IN_USE, 64]  # the bit says it of the one before
    memory, end = laid_out([*pattern * 20_000, 4096 | IN_USE])
    found = heap_contents(TargetWords(memory, 64), AT, end)
    assert found is not None
    assert found.seen is not None
    assert found.top == 0
    assert 50_000 * 64 < found.seen < end - AT
    assert found.free == pytest.approx((end - AT) / 4, rel=0.01)
    assert found.used == pytest.approx((end - AT) * 3 / 4, rel=0.01)


def test_a_large_free_chunk_that_is_met_counts_whole() -> None:
    """It fills many parts, in which old headers may lie: none of them is taken for a chunk in use."""
    large = 16 * MIB
    memory, end = laid_out([*[64 | IN_USE] * 50_010, large | IN_USE, 64, *[64 | IN_USE] * 20_000])
    inside = AT + 50_010 * 64 + MIB
    for at in range(inside, inside + 32 * 64, 64):
        memory.put(at + 8, 64 | IN_USE)
    found = heap_contents(TargetWords(memory, 64), AT, end)
    assert found is not None
    assert found.unknown == 0
    assert abs(found.free - large) <= 64 * KIB
    assert abs(found.used - 70_011 * 64) <= 64 * KIB


def test_what_is_not_met_is_not_known() -> None:
    """A large chunk that no sample reaches leaves its parts unknown: it is taken neither for free nor for in use."""
    memory, end = laid_out([*[64 | IN_USE] * 60_000, (16 * MIB) | IN_USE, 64, *[64 | IN_USE] * 20_000])
    found = heap_contents(TargetWords(memory, 64), AT, end)
    assert found is not None
    assert 15 * MIB < found.unknown <= 16 * MIB + 256 * KIB
    assert found.free < MIB
    assert found.used + found.free + found.unknown == pytest.approx(end - AT, rel=0.02)


def test_what_is_no_chunk_is_not_taken_for_one() -> None:
    """Random bytes behind the chunks that were walked: nothing is known of the whole."""
    memory, end = laid_out([64 | IN_USE] * 50_100)
    dice = random.Random(7)
    low = AT + 50_000 * 64
    memory.present(low, end + 4 * MIB)
    for at in range(low + 64, end + MIB, 4096):
        memory.put(at, *struct.unpack("<512Q", dice.randbytes(4096)))
    assert heap_contents(TargetWords(memory, 64), AT, end + 4 * MIB) is None


def test_samples_are_told() -> None:
    """How much was looked at stands beside what is estimated."""
    seen = note("heap-from", start_brk=AT)
    assert HeapContents(2047, 3072, 0, 4096, 5120).told(seen) == note(
        "with-sampled-chunks", evidence=seen, used_kib=1, free_kib=3, seen_kib=4, unknown_kib=5
    )
