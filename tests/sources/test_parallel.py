"""One thing done with many, by children that take from one queue."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from procmem.sources.parallel import with_children

COUNT = 40
TWO_PROCESSORS = {0, 1}


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: TWO_PROCESSORS)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Neither a child nor an open file."""
    files, children = set(os.listdir("/proc/self/fd")), _children()
    yield
    assert set(os.listdir("/proc/self/fd")) == files
    assert _children() == children


def _children() -> set[str]:
    """Other tests may have left theirs."""
    return set(Path("/proc/thread-self/children").read_text().split())


def _who(number: int) -> tuple[int, int]:
    return number * number, os.getpid()


@pytest.mark.parametrize("count", [0, 1, 7, 8, COUNT, 1023, 1024, 1025, 3000])
def test_each_number_is_done_once(count: int) -> None:
    answers = list(with_children(count, _who))
    assert sorted((number, square) for number, (square, _) in answers) == [(at, at * at) for at in range(count)]


def test_a_child_does_its_part() -> None:
    """And we ours: each waits until the other did something."""
    by_child, by_us = os.pipe(), os.pipe()
    ours = os.getpid()

    def slow(_: int) -> int:
        own, other = (by_us, by_child) if os.getpid() == ours else (by_child, by_us)
        os.write(own[1], b"x")
        os.read(other[0], 1)
        os.write(other[1], b"x")
        return os.getpid()

    try:
        pids = {pid for _, pid in with_children(COUNT, slow)}
    finally:
        for end in (*by_child, *by_us):
            os.close(end)
    assert len(pids) == len(TWO_PROCESSORS)


def test_few_are_done_here() -> None:
    assert {pid for _, (_, pid) in with_children(7, _who)} == {os.getpid()}


def test_alone_makes_no_child() -> None:
    assert {pid for _, (_, pid) in with_children(COUNT, _who, alone=True)} == {os.getpid()}


def test_one_processor_makes_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    assert {pid for _, (_, pid) in with_children(COUNT, _who)} == {os.getpid()}


def test_what_a_killed_child_left_is_done_here() -> None:
    ours = os.getpid()

    def fatal(number: int) -> int:
        if os.getpid() != ours:
            os.kill(os.getpid(), signal.SIGKILL)
        return -number

    assert sorted(with_children(COUNT, fatal)) == [(at, -at) for at in range(COUNT)]


def test_what_a_child_cannot_do_is_done_here() -> None:
    ours = os.getpid()

    def only_here(number: int) -> int:
        if os.getpid() != ours:
            raise ValueError(number)
        return -number

    assert sorted(with_children(COUNT, only_here)) == [(at, -at) for at in range(COUNT)]


def test_an_error_is_raised_here() -> None:
    def refused(number: int) -> int:
        raise PermissionError(number)

    with pytest.raises(PermissionError):
        list(with_children(COUNT, refused))


def test_large_answers_come_whole() -> None:
    for number, text in with_children(COUNT, lambda number: bytes([number]) * 300_000):
        assert text == bytes([number]) * 300_000


def test_who_stops_asking_leaves_nothing() -> None:
    answers = with_children(COUNT, _who)
    next(answers)
    answers.close()


@pytest.mark.parametrize("call", ["fork", "pipe2"])
def test_without_a_child_all_is_done_here(call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(11, "none left")

    monkeypatch.setattr(os, call, refused)
    assert {pid for _, (_, pid) in with_children(COUNT, _who)} == {os.getpid()}


def test_numbers_are_few_enough_for_the_smallest_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    write = os.write

    def counting(fd: int, data: bytes) -> int:
        written.append(len(data))
        return write(fd, data)

    monkeypatch.setattr(os, "write", counting)
    with_two = with_children(100_000, lambda _: None)
    next(with_two)
    with_two.close()
    assert 0 < max(written) <= 4096
