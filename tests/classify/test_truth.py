"""The classifier against programs that know their own memory.

Each program prints what its ranges are by construction; what procmem says is scored against that, averaged over
kinds so that a missed guard page weighs as much as a missed heap. Some truths cannot be seen from outside (a
signal stack that nothing runs on, memory mapped and touched just like a coroutine's stack): they are in the
programs too, and are the reason why the bars are below 1.
"""

from itertools import pairwise
from pathlib import Path

import pytest

from procmem.queries.examine import examine
from procmem.sources.live import ProcSource
from procmem.text.evidence import evidence_text
from tests.programs.build import GAPPED_LIBRARY_FLAGS, VARIANTS, RunningProgram, build, start
from tests.support.scoring import SaidRange, Score, report, score

PLAIN_BAR, PLAIN_KIND_BAR, DEEP_BAR, DEEP_KIND_BAR = 0.9575, 0.94, 0.985, 0.97
"""Half a per cent below the worst that was seen: which mappings the kernel merges differs from run to run."""
_IN_32_BITS = [pytest.mark.needs32]


def _variants() -> list[object]:
    return [pytest.param(name, marks=_IN_32_BITS if name.startswith("m32") else []) for name in VARIANTS]


def _seen(program: RunningProgram, *, deep: bool) -> Score:
    with ProcSource().open(program.pid) as target:
        regions = examine(target, deep=deep).regions
    assert regions is not None
    said = [
        SaidRange(
            start=region.start,
            end=region.end,
            cls=region.label.cls.value,
            kind=region.label.kind,
            certainty=region.label.certainty.value,
            evidence=evidence_text(region.label.evidence),
        )
        for region in regions
    ]
    return score(program.ranges, said)


@pytest.mark.parametrize("deep", [False, True], ids=["plain", "deep"])
@pytest.mark.parametrize("variant", _variants())
def test_every_sort_of_memory(variant: str, programs_folder: Path, tmp_path: Path, *, deep: bool) -> None:
    """All scenarios in one process: bars by class and kind, and not one byte certain and wrong."""
    binary = build("manifest.c", VARIANTS[variant], programs_folder)
    with start(binary, "--dir", str(tmp_path), "all") as program:
        result = _seen(program, deep=deep)
    assert not result.wrong_certain, report(result)
    assert result.by_class >= (DEEP_BAR if deep else PLAIN_BAR), report(result)
    assert result.by_kind >= (DEEP_KIND_BAR if deep else PLAIN_KIND_BAR), report(result)


@pytest.mark.parametrize("deep", [False, True], ids=["plain", "deep"])
@pytest.mark.parametrize("scenario", ["fork", "zombie"])
def test_a_forked_child_and_a_dead_leader(scenario: str, programs_folder: Path, tmp_path: Path, *, deep: bool) -> None:
    """Inherited stacks of threads that the child has not, and memory read through a live thread."""
    binary = build("manifest.c", VARIANTS["pie"], programs_folder)
    with start(binary, "--dir", str(tmp_path), scenario, "all") as program:
        result = _seen(program, deep=deep)
    # one page that was mapped just where brk ends cannot be told from the heap without reading malloc's chunks
    wrong = [miss for miss in result.wrong_certain if miss.truth.name != "in the way of brk"]
    assert not wrong, report(result)
    assert result.by_class >= (DEEP_BAR if deep else PLAIN_BAR), report(result)


_ALONE = (
    "elf", "kernel", "main-stack", "main-tls", "brk", "chunks", "arenas", "arenas-full", "brk-blocked",
    "threads-default", "threads-odd", "threads-guards", "threads-user", "threads-marked", "threads-dead", "clone",
    "sigaltstack", "coroutines", "spin", "mmap", "shm", "jit", "fake-arena", "fake-stack", "fake-chunk", "odd-names",
    "own-elf", "behind-bss", "merged", "dlmopen", "partly-unmapped", "anonymous-text", "text-twice",
)  # fmt: skip


@pytest.mark.parametrize("scenario", _ALONE)
def test_each_scenario_alone(scenario: str, programs_folder: Path, tmp_path: Path) -> None:
    """With its own words read, a process that does one thing is never named wrongly with certainty."""
    library = build("gapped_library.c", GAPPED_LIBRARY_FLAGS, programs_folder)
    binary = build("manifest.c", VARIANTS["pie"], programs_folder)
    with start(binary, "--dir", str(tmp_path), "--lib", str(library), "library", "elf", scenario) as program:
        result = _seen(program, deep=True)
    assert not result.wrong_certain, report(result)


@pytest.mark.parametrize("prefix", [("setarch", "-R"), ("setarch", "-X"), ("setarch", "-L")], ids=lambda p: p[1])
def test_other_personalities(prefix: tuple[str, ...], programs_folder: Path, tmp_path: Path) -> None:
    """Without randomisation, with everything executable, with the legacy layout: the same program, the same truth."""
    binary = build("manifest.c", VARIANTS["pie"], programs_folder)
    with start(binary, "--dir", str(tmp_path), "all", prefix=prefix) as program:
        result = _seen(program, deep=True)
    assert not result.wrong_certain, report(result)
    assert result.by_class >= PLAIN_BAR, report(result)


def test_sums_stand_with_every_trap(programs_folder: Path, tmp_path: Path) -> None:
    """However mappings are split, the parts add up to the kernel's figures to the kB."""
    binary = build("manifest.c", VARIANTS["pie"], programs_folder)
    with start(binary, "--dir", str(tmp_path), "all") as program, ProcSource().open(program.pid) as target:
        seen = examine(target, deep=True)
    assert seen.regions is not None
    table = seen.regions.mappings
    for row in range(len(table)):
        parts = [region for region in seen.regions if region.vma == row]
        assert [parts[0].start, parts[-1].end] == [table.start[row], table.end[row]]
        assert all(a.end == b.start for a, b in pairwise(parts))
        for field, key in (("rss", "Rss"), ("pss", "Pss"), ("swap", "Swap")):
            column = table.column(key)
            assert column is not None
            assert sum(getattr(part, field) for part in parts) == column[row], (table[row], field)
