"""Memory that looks like something else, or changes while it is read: never a certain mistake, never a worse story."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.model.mapping import Mappings
from tests.programs.build import build
from tests.support.running import procmem, started

THREADS = 6


def regions_of(pid: int, *words: str) -> list[dict[str, str]]:
    """What is said of a process, but for loaded objects."""
    document = procmem("inspect", "--regions", "--json", str(pid), *words).json
    return [one for one in document["regions"] if one["class"] not in ("text", "rodata", "data", "bss", "kernel")]


@pytest.mark.needs("gcc")
@pytest.mark.parametrize("words", [(), ("--deep",)], ids=["plain", "deep"])
@pytest.mark.parametrize("sort", ["leak", "little"])
def test_arenas_that_grow_and_arenas_that_are_small(tmp_path: Path, sort: str, words: tuple[str, ...]) -> None:
    """Each time all of them, also while every header changes; nothing of them is called anything else."""
    program = build("traps.c", ("-pthread",), tmp_path)
    with started([str(program), sort]) as child:
        for _ in range(5):
            regions = regions_of(child.pid, *words)
            arenas = {one["owner"] for one in regions if one["kind"] == "glibc-arena"}
            assert len(arenas) == THREADS
            large = [one for one in regions if one["class"] == "mmap" and int(one["rss"] or 0) > 1 << 20]
            assert not large


@pytest.mark.needs("gcc")
def test_code_behind_a_guard_is_no_stack(tmp_path: Path) -> None:
    """Neither by its guard nor by its flags."""
    program = build("traps.c", ("-pthread",), tmp_path)
    with started([str(program), "code"]) as child:
        for words in ((), ("--deep",)):
            found = {(one["class"], one["kind"]) for one in regions_of(child.pid, *words)}
            assert ("jit", "jit") in found
            assert {kind for cls, kind in found if cls == "stack"} == {"main"}


@pytest.mark.needs("gcc")
def test_a_shape_alone_is_a_guess(tmp_path: Path) -> None:
    """A buffer behind a guard may look like a stack; it is not told as one without doubt."""
    program = build("traps.c", ("-pthread",), tmp_path)
    with started([str(program), "buffer"]) as child:
        for words in ((), ("--deep",)):
            stacks = [one for one in regions_of(child.pid, *words) if one["class"] == "stack" and one["kind"] != "main"]
            assert all(one["certainty"] == "guess" for one in stacks)
        page = " ".join(procmem("explain", str(child.pid), "--wide").out.split())
        assert "Probably: " in page


@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), min_size=1, max_size=12))
def test_what_grew_while_it_was_read_is_counted_once(sizes: list[tuple[int, bool]]) -> None:
    """A mapping that comes again, larger, takes the place of the first; all others stay."""
    start, end, whole = [], [], []
    at = 16
    for size, again in sizes:
        if again:
            start.append(at)
            end.append(at + size)
        start.append(at)
        end.append(at + size + 1)
        whole.append((at, at + size + 1))
        at += 20
    count = len(start)
    table = Mappings(
        start=start, end=end, perms=["rw-p"] * count, offset=[0] * count, device=["00:00"] * count,
        inode=[0] * count, name=[b""] * count, usage={"Rss": list(range(count))},
    )  # fmt: skip
    clean = table.without_repeats()
    assert list(zip(clean.start, clean.end, strict=True)) == whole
    assert (clean is table) == (count == len(whole))
    column = clean.column("Rss")
    assert column is not None
    assert len(column) == len(clean)
