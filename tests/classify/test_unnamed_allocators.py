"""Allocators that no file name and no symbol tells of: by their messages, and by how they map memory."""

import os
import shutil
from pathlib import Path

import pytest

from tests.programs.build import build
from tests.support.running import procmem, started

MESSAGE = '-DMESSAGE="<jemalloc>"'


def large_of(*words: str) -> set[tuple[str, str, str]]:
    """Class, kind and certainty of what is anonymous and holds 4 MiB or more."""
    document = procmem("inspect", "--regions", "--json", *words).json
    return {
        (one["class"], one["kind"], one["certainty"])
        for one in document["regions"]
        if one["class"] not in ("text", "rodata", "data", "bss") and int(one["rss"] or 0) >= 4 << 20
    }


@pytest.mark.needs("gcc")
@pytest.mark.parametrize("flags", [(), ("-Wl,-z,noseparate-code",), ("-m32",)], ids=["pie", "old-linker", "m32"])
def test_messages_tell_whose_memory_it_is(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """The same with and without --deep, and in a recording, which keeps the place where the message stood."""
    program = build("traps.c", ("-pthread", *flags, MESSAGE), tmp_path)
    with started([str(program), "noreserve"]) as child:
        plain, deep = large_of(str(child.pid)), large_of(str(child.pid), "--deep")
        recording = tmp_path / "kept.tar.gz"
        procmem("record", str(child.pid), "-o", str(recording))
    assert {found[:2] for found in plain} == {("heap", "jemalloc")}
    assert plain == deep == large_of("--from", str(recording))
    assert recording.stat().st_size < 1 << 20


@pytest.mark.needs("gcc")
def test_memory_that_reserves_no_swap_is_an_allocators(tmp_path: Path) -> None:
    """One that nobody knows, as long as it is used; both are guesses, and the same with and without --deep."""
    program = build("traps.c", ("-pthread",), tmp_path)
    with started([str(program), "noreserve"]) as child:
        for words in ((), ("--deep",)):
            assert large_of(str(child.pid), *words) == {("heap", "allocator-unknown", "guess")}
    with started([str(program), "lazy"]) as child:
        for words in ((), ("--deep",)):
            document = procmem("inspect", "--regions", "--json", str(child.pid), *words).json
            assert ("mmap", "anon-private") in {(one["class"], one["kind"]) for one in document["regions"]}
            assert "allocator-unknown" not in {one["kind"] for one in document["regions"]}


@pytest.mark.needs("gcc")
def test_executable_and_writable_memory_is_code_or_a_heap(tmp_path: Path) -> None:
    """Code is a guess where nothing is known of the program; where its heap is known to hold code, it is the heap."""
    program = build("traps.c", ("-pthread",), tmp_path)
    scheme = tmp_path / "mit-scheme-x86-64-12.1"
    shutil.copy(program, scheme)
    for path, expected in ((program, ("jit", "jit", "guess")), (scheme, ("heap", "mit-scheme", "guess"))):
        with started([str(path), "executable"]) as child:
            for words in ((), ("--deep",)):
                assert large_of(str(child.pid), *words) == {expected}


@pytest.mark.needs("gcc")
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="its system calls are those of x86-64")
def test_a_static_program_without_a_known_library_has_an_allocator_of_its_own(tmp_path: Path) -> None:
    """What such a program holds in memory is most often its heap."""
    program = build("bare.c", ("-nostdlib", "-static", "-ffreestanding"), tmp_path)
    with started([str(program)]) as child:
        for words in ((), ("--deep",)):
            assert large_of(str(child.pid), *words) == {("heap", "allocator-unknown", "guess")}
        page = " ".join(procmem("explain", str(child.pid), "--wide", "--why").out.split())
        assert "without a C library that is known" in page
