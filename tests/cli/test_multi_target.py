"""Doing one thing for several targets: what fails is told, briefly, and does not stop the others."""

import os
import re
import sys

import pytest

from procmem.cli.multi_target import complain_of_ended, for_each
from procmem.errors import AccessRefused, ExitStatus, ProcessGone
from procmem.queries.targets import Selection, TargetRef
from tests.support.running import procmem, started


def refs(*pids: int, is_child: bool) -> list[TargetRef]:
    """Targets of these pids."""
    return [TargetRef(str(pid), None, pid, is_child) for pid in pids]


def look(ref: TargetRef) -> int:
    """Even ones are there, odd ones have ended, 99 may not be read."""
    assert ref.pid is not None
    if ref.pid == 99:
        raise AccessRefused(ref.pid, "nothing-readable")
    if ref.pid % 2:
        raise ProcessGone(ref.pid, "ended")
    return ref.pid


@pytest.mark.parametrize(
    ("pids", "told"),
    [
        ((2, 3), "process 3: it has ended"),
        ((2, 3, 5), "2 processes have ended: 3, 5"),
        ((2, *range(3, 23, 2)), "10 processes have ended: 3, 5, 7, 9, 11, 13, 15, 17 and 2 more"),
    ],
)
def test_children_that_have_ended_are_one_line(
    pids: tuple[int, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """However many they are; the others are answered, and the status tells that some are missing."""
    assert for_each(refs(*pids, is_child=True), look) == ([2], ExitStatus.SOME_MISSING)
    assert capsys.readouterr().err == f"procmem: {told}\n"


def test_who_was_named_has_a_line_of_his_own(capsys: pytest.CaptureFixture[str]) -> None:
    """And so has who may not be read, a child or not."""
    assert for_each(refs(3, 5, 2, is_child=False), look)[1] == ExitStatus.SOME_MISSING
    assert capsys.readouterr().err.count("it has ended") == 2
    answers, status = for_each([*refs(2, is_child=False), *refs(3, 5, 99, is_child=True)], look)
    assert (answers, status) == ([2], ExitStatus.NOT_PERMITTED)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1] for line in lines] == [" process 99", " 2 processes have ended"]
    complain_of_ended([])
    assert capsys.readouterr().err == ""


def test_children_are_known_as_such() -> None:
    """The process that was named is none; its children are."""
    code = "import os, time\nif os.fork():\n    print(flush=True)\ntime.sleep(1000)"
    with started([sys.executable, "-c", code]) as parent:
        found = list(Selection((str(parent.pid),), children=True).refs())
    assert [(ref.pid == parent.pid, ref.is_child) for ref in found] == [(True, False), (False, True)]
    assert not any(ref.is_child for ref in Selection((str(os.getpid()),)).refs())


@pytest.mark.parametrize(
    ("command", "optional"),
    [("swap", True), ("explain", True), ("inspect", False), ("threads", False), ("record", False)],
)
def test_help_says_where_a_target_is_optional(command: str, optional: bool) -> None:
    """Where there is an answer without one: swap is about the machine, explain --glossary about words."""
    usage = procmem(command, "--help").out.splitlines()[0]
    assert re.search(r"\[TARGET\]\.\.\.$" if optional else r" TARGET\.\.\.$", usage), usage
