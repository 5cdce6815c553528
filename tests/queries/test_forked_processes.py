"""Processes alike: what is found out of the first is taken over for the next, and nothing but that."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from procmem.classify import classifier
from procmem.classify import partition as partition_module
from procmem.model.raw import MappedFile
from procmem.queries.examine import Examination, KnownObjects, examine
from procmem.sources.live import ProcSource, ProcTarget
from tests.support.running import started, stopped

FAMILY = """
import os, sys
keep = [bytes(5000)]
for number in range(3):
    if os.fork() == 0:
        keep += [bytes(60_000) for _ in range(40 * number)]  # another heap, and other mappings
        break
os.write(1, b"%d\\n" % os.getpid())
sys.stdin.read()
"""


@contextlib.contextmanager
def family() -> Iterator[list[int]]:
    """A parent and three children that stand still."""
    with started([sys.executable, "-c", FAMILY], ready=False) as parent:
        assert parent.stdout is not None
        pids = sorted(int(parent.stdout.readline()) for _ in range(4))
        with contextlib.ExitStack() as stack:
            for pid in pids:
                stack.enter_context(stopped(pid))
            try:
                yield pids
            finally:
                for pid in pids[1:]:
                    os.kill(pid, signal.SIGKILL)


def _lines(seen: Examination) -> list[object]:
    """What mappings say, and what of it only the process itself changes: others may come to share its pages."""
    table = seen.snapshot.mappings
    assert table is not None
    return [*table, table.flags, table.column("Rss"), table.column("Swap"), table.column("Anonymous")]


def test_what_is_remembered_changes_no_answer() -> None:
    """Each process of a family, asked by itself and after the others."""
    source, known = ProcSource(), KnownObjects()
    with family() as pids:
        for pid in [*pids, *pids]:
            with source.open(pid) as target:
                alone = examine(target)
            with source.open(pid) as target:
                after = examine(target, known=known)
            assert alone.regions is not None
            assert after.regions is not None
            assert [region[:4] for region in after.regions] == [region[:4] for region in alone.regions]
            assert [region.rss for region in after.regions] == [region.rss for region in alone.regions]
            assert _lines(after) == _lines(alone)


def test_the_next_process_of_a_family_opens_no_object(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor are its objects' claims made anew; of its mappings those alone are cut that are not as before."""
    opened: list[MappedFile] = []
    made: list[object] = []
    cut: list[object] = []
    open_file = ProcTarget.open_file

    def counted_open(target: ProcTarget, mapped: MappedFile, *, is_local: bool = False) -> object:
        opened.append(mapped)
        return open_file(target, mapped, is_local=is_local)

    def counted(work: Callable[..., Any], calls: list[object]) -> Callable[..., Any]:
        def counting(*given: object) -> object:
            calls.append(given)
            return work(*given)

        return counting

    monkeypatch.setattr(ProcTarget, "open_file", counted_open)
    monkeypatch.setattr(classifier, "_claims_of_object", counted(classifier._claims_of_object, made))
    monkeypatch.setattr(partition_module, "_resolve", counted(partition_module._resolve, cut))
    source, known = ProcSource(), KnownObjects()
    steps = []
    with family() as pids:
        for pid in [*pids, *pids]:
            before = len(opened), len(made), len(cut)
            with source.open(pid) as target:
                examine(target, known=known)
            steps.append((len(opened) - before[0], len(made) - before[1], len(cut) - before[2]))
    assert min(steps[0]) > 0
    if any(mapped.device.startswith("00:") for mapped in opened):
        pytest.skip("programs lie on a file system whose device may show several trees")
    assert [step[:2] for step in steps[1:]] == [(0, 0)] * 7
    assert max(step[2] for step in steps[4:]) <= steps[0][2] // 3
