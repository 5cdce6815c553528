"""One thing done with many, by children that take from one queue."""

import marshal
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from procmem.sources import parallel
from procmem.sources.parallel import with_children
from tests.support.open_files import no_file_left_open

COUNT = 40
TWO_PROCESSORS = {0, 1}


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: TWO_PROCESSORS)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Neither a child nor an open file."""
    children = _children()
    with no_file_left_open():
        yield
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


@pytest.mark.parametrize("piece", [1, 3, 4, 5, 20, 1000])
def test_answers_may_come_in_pieces_of_any_size(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not whole yet waits for the rest; several may come at once; the end is told by nothing more."""
    told: list[Any] = [(3, "a"), (70_000, b"x" * 300), (5, None), (6, ["long" * 100, 2.5])]
    written = [marshal.dumps(one) for one in told]
    data = b"".join(len(one).to_bytes(4, "little") + one for one in written)
    pieces = iter([data[at : at + piece] for at in range(0, len(data), piece)] + [b""])
    helping = object.__new__(parallel._Helping)
    helping._answers, other = os.pipe()
    helping._data, helping._open = b"", True
    monkeypatch.setattr(os, "read", lambda _fd, _most: next(pieces))
    assert list(helping.answers(wait=True)) == told
    assert (helping._data, helping._open) == (b"", False)
    os.close(other)
    os.close(helping._answers)


def test_what_is_there_is_taken_without_waiting() -> None:
    """Half an answer is kept; who does not want to wait gets what there is."""
    helping = object.__new__(parallel._Helping)
    helping._answers, other = os.pipe()
    helping._data, helping._open = b"", True
    assert list(helping.answers(wait=False)) == []
    first, second = (len(one).to_bytes(4, "little") + one for one in (marshal.dumps((1, 2)), marshal.dumps((3, 4))))
    os.write(other, first + second[:-1])
    assert list(helping.answers(wait=False)) == [(1, 2)]
    os.write(other, second[-1:])
    assert list(helping.answers(wait=False)) == [(3, 4)]
    assert helping._open
    os.close(other)
    assert list(helping.answers(wait=True)) == []
    os.close(helping._answers)


@pytest.mark.parametrize(
    ("is_live", "by_one", "processors", "helpers"),
    [
        (True, None, 1, 0), (True, None, 3, 2), (True, None, 500, parallel._THREADS_MAX - 1), (True, False, 3, 2),
        (True, True, 3, 0), (False, None, 3, 0),
    ],
)  # fmt: skip
def test_how_many_read(
    is_live: bool, by_one: bool | None, processors: int, helpers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One a processor, for a machine that lives and was not read already."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(processors)))
    marks = {} if by_one is None else {"read_by_one": by_one}
    assert parallel._helpers(SimpleNamespace(is_live=is_live, **marks)) == helpers


def test_tokens_stand_for_so_many_numbers() -> None:
    """The last for what is left."""
    assert parallel._numbers((4).to_bytes(4, "little"), 3, 100) == range(4, 7)
    assert parallel._numbers((98).to_bytes(4, "little"), 3, 100) == range(98, 100)


def test_each_begins_with_numbers_that_follow_one_another() -> None:
    """And helps with those of the next then, until there are none; each number once."""
    queues = [parallel._queue(range(at, at + 6, 2)) for at in (0, 6)]
    try:
        first, second = parallel._taken_from(queues, 2, 11), parallel._taken_from(queues[::-1], 2, 11)
        assert [next(first), next(second), next(second), next(second)] == [0, 6, 7, 8]
        assert [*first] == [1, 2, 3, 4, 5, 10]
        assert [*second] == [9]
    finally:
        for queue in queues:
            os.close(queue)
