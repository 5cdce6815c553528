"""The limits of text, rodata, data, RELRO and BSS are those that ``readelf`` prints, to the byte.

Every allocated section of every ELF object in the process is looked up among the regions: each of its bytes must have
the class that its flags say. The load bias is worked out here from maps alone.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.programs.build import GAPPED_LIBRARY_FLAGS, VARIANTS, build, start
from tests.support.elf_text import Header, program_headers, sections
from tests.support.running import maps_of, procmem, started

pytestmark = pytest.mark.needs("gcc", "readelf")
PAGE = 4096
KINDS = {"relro": "data", "data": "data", "bss": "bss", "text": "text", "rodata": "rodata"}
EVERY_VARIANT = [
    pytest.param(flags, id=name, marks=[pytest.mark.needs32] if "m32" in name else [])
    for name, flags in {**VARIANTS, "lazy": ("-Wl,-z,lazy",)}.items()
]


def report_of(pid: int) -> list[dict[str, Any]]:
    """All regions, from low to high."""
    run = procmem("inspect", "--json", "--regions", str(pid))
    assert run.status == 0, run
    regions: list[dict[str, Any]] = run.json["regions"]
    for region in regions:
        region["low"], region["high"] = int(region["start"], 16), int(region["end"], 16)
    return regions


def biases(pid: int, name: str, headers: list[Header]) -> set[int]:
    """Where a file lies in memory: each executable mapping of it gives away one bias."""
    found = set()
    for words in maps_of(pid):
        if len(words) == 6 and words[5] == name and "x" in words[1]:
            low, offset = int(words[0].split("-")[0], 16), int(words[2], 16)
            load = next(
                h
                for h in headers
                if h.type == "LOAD" and "E" in h.flags and h.offset // PAGE * PAGE <= offset < h.offset + h.filesz
            )
            found.add(low - (load.vaddr - load.offset + offset))
    return found


def expected(file: Path) -> Iterator[tuple[int, int, str, str]]:
    """Address range (without bias), kind and name of each part of each allocated section."""
    headers = program_headers(file)
    relro = next(((h.vaddr, h.vaddr + h.memsz) for h in headers if h.type == "GNU_RELRO"), (0, 0))
    for section in sections(file).values():
        if "A" not in section.flags or not section.size or ("T" in section.flags and section.name == ".tbss"):
            continue
        low, high = section.addr, section.addr + section.size
        plain = "text" if "X" in section.flags else "rodata" if "W" not in section.flags else "data"
        ends = [h.vaddr + h.filesz for h in headers if h.type == "LOAD" and h.vaddr <= low < h.vaddr + h.memsz]
        if ends and low >= ends[0]:
            plain = "bss"
        for begin, end, kind in ((low, relro[0], plain), (relro[0], relro[1], "relro"), (relro[1], high, plain)):
            first, last = max(begin, low), min(end, high)
            if first < last:
                yield first, last, kind, section.name


def check(pid: int, name: str, file: Path, role: str, regions: list[dict[str, Any]]) -> set[int]:
    """Every section of one object, at each place where it lies; gives the biases."""
    found = biases(pid, name, program_headers(file))
    assert found, f"{name} is not mapped executable"
    for bias in found:
        parts = list(expected(file))
        assert {kind for _, _, kind, _ in parts} >= {"text"}
        for low, high, kind, section in parts:
            over = [r for r in regions if r["low"] < bias + high and bias + low < r["high"]]
            said = {(r["class"], r["kind"]) for r in over}
            assert said == {(KINDS[kind], f"{role}-{kind}")}, f"{section} of {name} at {bias + low:#x}-{bias + high:#x}"
            assert over[0]["low"] <= bias + low
            assert bias + high <= over[-1]["high"]
        check_edges(bias, file, role, regions)
    return found


def check_edges(bias: int, file: Path, role: str, regions: list[dict[str, Any]]) -> None:
    """Data ends, and BSS begins, at the very byte where the file's bytes end, also within a page."""
    edges = {(r["low"], r["kind"]) for r in regions}
    ends = {(r["high"], r["kind"]) for r in regions}
    relro = next(((h.vaddr, h.vaddr + h.memsz) for h in program_headers(file) if h.type == "GNU_RELRO"), (0, 0))
    for header in program_headers(file):
        padding = relro[0] <= header.vaddr + header.filesz < relro[1]  # lld and mold fill RELRO up to its page's end
        if header.type == "LOAD" and header.memsz > header.filesz and not padding:
            assert (bias + header.vaddr + header.filesz, f"{role}-bss") in edges
        if header.type == "GNU_RELRO":
            first = bias + header.vaddr  # what lies before it in its page belongs to no segment, and goes with it
            assert {(first, f"{role}-relro"), (first // PAGE * PAGE, f"{role}-relro")} & edges
            assert (bias + header.vaddr + header.memsz, f"{role}-relro") in ends


def executable_files(pid: int) -> set[str]:
    """The files of which something may be executed, by the names in maps."""
    return {words[5] for words in maps_of(pid) if len(words) == 6 and "x" in words[1] and words[5].startswith("/")}


def check_all(pid: int, program: Path, *, name: str | None = None, role: str = "exe") -> list[dict[str, Any]]:
    """The program, and every library of it that lies on this machine's disk under its own name."""
    regions = report_of(pid)
    check(pid, name or str(program), program, role, regions)
    others = executable_files(pid)
    for other in others - {name or str(program)}:
        if Path(other).is_file():
            check(pid, other, Path(other), "ld" if "/ld-" in other else "lib", regions)
    return regions


@pytest.mark.parametrize("flags", EVERY_VARIANT)
def test_every_way_to_link(flags: tuple[str, ...], programs_folder: Path) -> None:
    """PIE and not, static, without RELRO, without separate code, all in one segment; 64 and 32 bit."""
    program = build("manifest.c", flags, programs_folder)
    with start(program, "elf") as running:
        regions = check_all(running.pid, program)
    certain = {r["kind"] for r in regions if r["kind"].startswith("exe-") and r["certainty"] == "certain"}
    assert {"exe-text", "exe-data", "exe-bss"} <= certain


@pytest.mark.parametrize(
    "linker",
    [pytest.param(name, marks=pytest.mark.needs(f"ld.{name}")) for name in ("lld", "gold")]
    + [pytest.param("mold", marks=pytest.mark.needs("mold"))],
)
def test_every_linker(linker: str, tmp_path: Path) -> None:
    """They order segments, pad RELRO and place .bss each in its own way; the limits are the file's."""
    program = build("sleeper.c", (f"-fuse-ld={linker}",), tmp_path)
    with started([str(program)]) as child:
        regions = check_all(child.pid, program)
    assert {"exe-text", "exe-rodata", "exe-data", "exe-relro", "exe-bss"} <= {r["kind"] for r in regions}


@pytest.mark.needs("patchelf")
def test_a_program_that_patchelf_grew(tmp_path: Path) -> None:
    """A second writable segment, at the end, holds its headers and dynamic strings: data, as its flags say."""
    program = build("sleeper.c", (), tmp_path)
    subprocess.run(["patchelf", "--set-rpath", "/" + "x" * 5000, str(program)], check=True)
    assert sum(1 for header in program_headers(program) if header.type == "LOAD" and "W" in header.flags) > 1
    last = [header for header in program_headers(program) if header.type == "LOAD"][-1]
    with started([str(program)]) as child:
        regions = report_of(child.pid)
        (bias,) = biases(child.pid, str(program), program_headers(program))
    said = {
        region["kind"]
        for region in regions
        if region["low"] < bias + last.vaddr + last.filesz and bias + last.vaddr < region["high"]
    }
    assert said == {"exe-data"}
    assert {"exe-text", "exe-relro", "exe-bss"} <= {region["kind"] for region in regions}


BARE = """
#include <sys/syscall.h>
const char words[] = "ready\\n";
volatile int data[100] = {7};
volatile int zeros[5000];
static long call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}
void _start(void)
{
    zeros[4999] = data[0];
    call(SYS_write, 1, (long)words, 6);
    for (;;)
        call(SYS_pause, 0, 0, 0);
}
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="its system calls are those of x86-64")
@pytest.mark.parametrize("flags", [(), ("-Wl,-N",), ("-Wl,-n",), ("-Wl,-z,noseparate-code",)], ids=str)
def test_a_program_without_a_library(flags: tuple[str, ...], tmp_path: Path) -> None:
    """With -N all of it is one segment that may be read, written and executed: the sections tell its parts apart."""
    program = tmp_path / "bare"
    command = ["gcc", "-O1", "-nostdlib", "-static", "-fno-pie", "-no-pie", *flags, "-x", "c", "-", "-o", str(program)]
    subprocess.run(command, input=BARE, text=True, check=True, capture_output=True)
    with started([str(program)]) as child:
        check_all(child.pid, program)


def test_data_and_bss_share_a_page(programs_folder: Path) -> None:
    """The claim of this file would be empty if no program here had such a page."""
    program = build("manifest.c", (), programs_folder)
    last = [h for h in program_headers(program) if h.type == "LOAD"][-1]
    assert (last.vaddr + last.filesz) % PAGE
    assert last.memsz > last.filesz


def test_a_deleted_executable(programs_folder: Path, tmp_path: Path) -> None:
    """Its name is gone, or another file's; its headers are still read."""
    original = build("manifest.c", (), programs_folder)
    program = tmp_path / "gone"
    shutil.copy(original, program)
    with start(program, "elf") as running:
        program.unlink()
        program.write_bytes(b"another file of this name")
        if os.geteuid() == 0:
            check_all(running.pid, original, name=f"{program} (deleted)")
        else:
            regions = report_of(running.pid)
            check(running.pid, f"{program} (deleted)", original, "exe", regions)


def test_a_program_started_through_the_linker(programs_folder: Path) -> None:
    """The kernel then believes that ld.so is the program."""
    program = build("manifest.c", (), programs_folder)
    text = subprocess.check_output(["readelf", "-lW", str(program)], text=True)
    linker = text.split("interpreter: ", 1)[1].split("]", 1)[0]
    with start(linker, str(program), "elf") as running:
        check_all(running.pid, program)


def test_a_library_mapped_twice(programs_folder: Path) -> None:
    """By dlmopen(): two copies of libc at two places, each with its own data."""
    program = build("manifest.c", (), programs_folder)
    with start(program, "elf", "dlmopen") as running:
        regions = check_all(running.pid, program)
        twice = [name for name, found in places(running.pid).items() if len(found) > 1 and ".so" in name]
    assert twice, "nothing was loaded twice"
    for name in twice:
        starts = {r["low"] for r in regions if r["path"] == name and r["kind"] == "lib-relro"}
        assert len(starts) >= 2


def places(pid: int) -> dict[str, set[int]]:
    """The biases of each file."""
    found = {}
    for name in executable_files(pid):
        if Path(name).is_file():
            found[name] = biases(pid, name, program_headers(Path(name)))
    return found


def test_a_library_with_holes(programs_folder: Path) -> None:
    """Built for large pages: between its segments lies inaccessible address space, which is no guard."""
    program = build("manifest.c", (), programs_folder)
    library = build("gapped_library.c", GAPPED_LIBRARY_FLAGS, programs_folder)
    with start(program, "--lib", str(library), "elf", "library") as running:
        regions = check_all(running.pid, program)
        check(running.pid, str(library), library, "lib", regions)
    holes = [r for r in regions if r["kind"] == "elf-gap" and r["perms"] == "---p"]
    assert holes
    assert {r["class"] for r in holes} == {"reserved"}
