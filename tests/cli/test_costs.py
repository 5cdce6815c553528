"""What a command asks of the kernel and of Python, counted: costs that a clock would only show on a quiet machine."""

import re
import subprocess
import sys
import tracemalloc
from collections import Counter
from operator import sub
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from procmem.analyse import freed
from procmem.analyse.explain import EXPLAIN_KEYS
from procmem.classify import classifier
from procmem.classify.evidence import REGION_KEYS
from procmem.classify.rules import kernel_names
from procmem.model import vma_names
from procmem.model.mapping import Mappings
from procmem.model.memo import Memo
from procmem.parse.numa_maps import parse_nodes
from procmem.parse.smaps import SmapsReader
from procmem.queries.explain import explain
from procmem.queries.inspect import InspectOptions, inspect
from procmem.queries.targets import source_of
from procmem.render.formats.text import page_text
from procmem.render.pages.explain import ExplainChoice, explain_page
from procmem.render.style import Style
from procmem.text import block_texts
from procmem.text import kinds as kind_words
from tests.support import needs
from tests.support.running import COMMAND, ROOT, python_child, started
from tests.support.smaps_text import KEYS_6_18, Record, smaps

MAPPER = [sys.executable, str(ROOT / "tests" / "benchmarks" / "mapper.py")]
WALKS = ("smaps", "smaps_rollup", "numa_maps")
"""Files for which the kernel walks the page tables of the whole process."""


def opened(tmp_path: Path, *words: str) -> Counter[str]:
    """How often files of the process were opened by a command, and pagemap was scanned; by strace."""
    log = tmp_path / "calls"
    command = [needs.program("strace"), "-f", "-o", str(log), "-e", "trace=openat,ioctl", *COMMAND, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if b"ptrace" in done.stderr:
        needs.lacking("strace may not attach here")
    assert done.returncode == 0, done
    text = log.read_text(errors="replace")
    counts = Counter(re.findall(r'openat\(\d+, "(?:/proc/\d+/)?(\w+)"', text))
    counts["PAGEMAP_SCAN"] = len(re.findall(r"ioctl\(\d+, (?:PAGEMAP_SCAN|_IOC\([^)]*0x66, 0x10, 0x60\))", text))
    return counts


@pytest.mark.parametrize(
    ("command", "walks"),
    [("inspect", 1), ("explain", 1), ("threads", 1), ("pmap", 1), ("account", 2)],
)
def test_page_tables_are_walked_so_often(tmp_path: Path, command: str, walks: int) -> None:
    """Once where one file says all; the account compares two. Where a machine has several nodes, it reads a third."""
    with started([*MAPPER, "300"]) as process:
        counts = opened(tmp_path, command, str(process.pid))
    several = len(parse_nodes(Path("/proc/buddyinfo").read_bytes())) > 1
    once = walks + (several and command == "account")
    # where figures moved meanwhile, the account reads all again, and the rollup before as well as behind
    again = counts["smaps"] - 1 if command == "account" else 0
    assert sum(counts[name] for name in WALKS) == once + again * (once + 1), counts
    assert counts["smaps"] == 1 + again


def test_pagemap_is_asked_for_few_ranges(tmp_path: Path) -> None:
    """Not for each of many mappings: single pages are read, neighbours are scanned together."""
    with started([*MAPPER, "2000"]) as process:
        counts = opened(tmp_path, "inspect", str(process.pid))
    assert counts["pagemap"] <= 2
    assert counts["PAGEMAP_SCAN"] <= 20, counts


def test_labels_are_made_for_sorts_not_for_mappings() -> None:
    """Of many mappings that differ in place, size, offset and figures, few things are different."""
    with started([*MAPPER, "3000"]) as process, source_of(None, None).open(process.pid) as target:
        report = inspect(target, InspectOptions())
    regions = report.regions
    assert regions is not None
    assert len(regions) >= 3000
    assert len(regions.mappings.one_of_each_sort()) < 0.3 * len(regions)
    assert len({id(label) for label in regions.label}) < 0.5 * len(regions)


def test_an_explanation_tells_once_what_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a kind is, is told once for each label; each object is looked at once; no counter is read without a use."""
    told: Counter[str] = Counter()

    def counted(module: ModuleType, name: str) -> None:
        original = getattr(module, name)

        def counting(*args: Any, **named: Any) -> Any:
            told[name] += 1
            return original(*args, **named)

        monkeypatch.setattr(module, name, counting)

    counted(kind_words, "owner_text")
    counted(block_texts, "kind_sentences")
    counted(block_texts, "held_sentences")
    counted(block_texts, "use_sentence")
    counted(freed, "_use")
    with started([*MAPPER, "3000"]) as process, source_of(None, None).open(process.pid) as target:
        report = explain(target, deep=False)
        text = page_text(explain_page(report, ExplainChoice()), Style())
    regions = report.inspection.regions
    assert regions is not None
    assert len(report.blocks) >= 2900
    assert 0 < told["owner_text"] <= len({(label, label.certainty) for label in regions.label}) * 2 < len(regions)
    assert text.count("\n") > 2 * len(report.blocks)
    sorts = {(id(label), regions.mappings.sort[row]) for label, row in zip(regions.label, regions.vma, strict=True)}
    assert told["kind_sentences"] <= len(sorts) + len({id(label) for label in regions.label})
    sizes = map(sub, regions.end, regions.start)
    held = set(zip(sizes, regions.rss, regions.uss, regions.swap, map(id, regions.label), strict=True))
    assert told["held_sentences"] <= len(held) < len(regions)
    assert told["use_sentence"] <= len({block.use for block in report.blocks if block.use is not None})
    assert told["_use"] == len(freed.objects_of(regions.mappings))
    assert regions.mappings.usage.keys() <= REGION_KEYS | set(EXPLAIN_KEYS)


def test_names_of_files_are_read_once_for_all_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that map the same files: the second one brings hardly a name that is not known by then."""
    names, labels = Memo(vma_names._read, 4096), Memo(kernel_names.label_of, 4096)
    monkeypatch.setattr(vma_names, "_READ", names)
    monkeypatch.setattr(classifier, "label_of", labels.__getitem__)
    with python_child("") as first, python_child("") as second:
        for pid in (first, second):
            before = len(names), len(labels)
            with source_of(None, None).open(pid) as target:
                seen = inspect(target, InspectOptions())
            new = len(names) - before[0], len(labels) - before[1]
    assert seen.regions is not None
    assert min(before) > 10
    assert max(new) < 0.2 * len(seen.regions.mappings)


def test_classes_of_all_processes_need_no_names(tmp_path: Path) -> None:
    """No file is opened of which the classes say nothing."""
    with python_child("") as pid:
        counts = opened(tmp_path, "system", "--classes", "--name", Path(f"/proc/{pid}/comm").read_text().strip())
    assert counts["limits"] >= 1
    assert counts["uptime"] == 0


def records(count: int) -> bytes:
    """A text of so many records that differ in all their figures."""
    return smaps(
        [
            Record(
                0x7F00_0000_0000 + at * 0x100_0000,
                0x7F00_0000_1000 + at * 0x100_0000 + at % 900 * 4096,
                offset=at * 4096,
                counters=tuple((key, at * (3 + number) % 90_000) for number, key in enumerate(KEYS_6_18)),
            )
            for at in range(count)
        ]
    )


def test_a_mapping_takes_little_memory() -> None:
    """While smaps is read, beyond one part of the text; what differs in every record is a number or two."""
    data = records(20_000)

    def read() -> Mappings:
        reader = SmapsReader(keys=REGION_KEYS)
        for at in range(0, len(data), 1 << 16):
            reader.feed(data[at : at + (1 << 16)])
        return reader.close()

    tracemalloc.start()
    try:
        table = read()
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(table) == 20_000
    assert kept / len(table) < 1200
    assert peak - kept < 20 << 20
