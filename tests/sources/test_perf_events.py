"""Page faults as the kernel counts and samples them: held against the counter of stat, thread by thread."""

import os
import struct
import subprocess
import sys
import time

import pytest

from procmem.errors import ProcessGone
from procmem.model.perf_records import FaultSample, RecordForm, ThreadName
from procmem.parse.perf_records import parse_records
from procmem.sources.perf_events import FaultEvents, faults_allowed, online_processors
from tests.support.growing import need_faults
from tests.support.open_files import no_file_left_open
from tests.support.running import started

TOUCHING = """
import mmap, sys, threading
def touch(pages):
    held = mmap.mmap(-1, pages * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    held.madvise(15)
    for at in range(0, len(held), 4096):
        held[at] = 1
    return held
old = threading.Event()
kept = []
def waiting():
    old.wait()
    kept.append(touch(700))
first = threading.Thread(target=waiting, name="old one")
first.start()
print("ready", flush=True)
sys.stdin.readline()
kept.append(touch(500))
new = threading.Thread(target=lambda: kept.append(touch(300)))
new.start(); new.join()
old.set(); first.join()
print("done", flush=True)
sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def _faults_can_be_watched() -> None:
    need_faults()


def faults_of(pid: int) -> int:
    """Minflt and majflt of stat."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        words = file.read().rpartition(b")")[2].split()
    return int(words[7]) + int(words[9])


@pytest.mark.parametrize("period", [1, 3])
def test_counts_are_those_of_stat(period: int) -> None:
    """Of threads that were there, and of one that starts later; every n-th is sampled."""
    with started([sys.executable, "-c", TOUCHING]) as child, FaultEvents(child.pid, RecordForm()) as events:
        assert child.stdin is not None
        assert child.stdout is not None
        events.sample(period)
        before, counted = faults_of(child.pid), events.count()
        child.stdin.write(b"\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"done\n"
        after, counted_after = faults_of(child.pid), events.count()
        found = [one for piece in events.take() for one in parse_records(piece, events.form)]
    assert after - before >= 1500
    assert abs((counted_after - counted) - (after - before)) <= 0.02 * (after - before)
    samples = [one for one in found if isinstance(one, FaultSample)]
    assert len(samples) * period == pytest.approx(counted_after - counted, rel=0.03)
    assert len({one.tid for one in samples}) == 3
    assert {one.pid for one in samples} == {child.pid}
    assert not any(isinstance(one, ThreadName) and one.pid != child.pid for one in found)


def test_another_period_loses_nothing_that_was_sampled() -> None:
    """What lies in the ring is kept to be taken."""
    with started([sys.executable, "-c", TOUCHING]) as child, FaultEvents(child.pid, RecordForm()) as events:
        assert child.stdin is not None
        assert child.stdout is not None
        events.sample(1)
        child.stdin.write(b"\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"done\n"
        events.sample(1021)
        assert events.period == 1021
        found = [one for piece in events.take() for one in parse_records(piece, events.form)]
        assert sum(isinstance(one, FaultSample) for one in found) >= 1500
        again = [one for piece in events.take() for one in parse_records(piece, events.form)]
        assert not any(isinstance(one, FaultSample) for one in again)  # the end of a thread may be told by now


def test_nothing_stays_open() -> None:
    """However often; and a failure gives back what was opened before it."""
    with started(["sleep", "60"], ready=False) as child, no_file_left_open():
        for _ in range(3):
            with FaultEvents(child.pid, RecordForm(0xFF01FF, 8192)) as events:
                events.sample(1)
                events.sample(7)
        with pytest.raises(ProcessGone):
            FaultEvents(4_194_304, RecordForm())


def test_what_is_refused() -> None:
    """A process that has ended."""
    done = subprocess.Popen(["true"])
    done.wait()
    with pytest.raises(ProcessGone):
        FaultEvents(done.pid, RecordForm())


def test_what_is_allowed_is_found_by_doing_it() -> None:
    """As root all; and the processors are those that run."""
    assert faults_allowed()[0] == "all"
    assert set(online_processors()) >= os.sched_getaffinity(0)


def test_waiting_has_an_end() -> None:
    """A process without faults wakes nobody."""
    with started(["sleep", "60"], ready=False) as child, FaultEvents(child.pid, RecordForm()) as events:
        events.sample(1)
        began = time.monotonic()
        events.wait(0.05)
        assert time.monotonic() - began < 30


def test_a_thread_that_a_followed_one_starts_is_followed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By inheritance: its start is told once, and it is on the list of threads from then on."""
    fork = struct.pack("=IHH", 7, 0, 40) + struct.pack("=4IQ", 7, 7, 9, 7, 0) + bytes(8)
    records = [[], [fork], [], []]
    lists = [[7], [7, 8, 9], [7, 8, 9]]
    sampled: list[int] = []
    with started(["sleep", "60"], ready=False) as child, FaultEvents(child.pid, RecordForm()) as events:
        monkeypatch.setattr(events, "_records", lambda: records.pop(0))
        monkeypatch.setattr(events, "_threads", lambda: lists.pop(0))
        monkeypatch.setattr(events, "_sample_thread", lambda tid, _period: sampled.append(tid))
        events.sample(1)
        monkeypatch.undo()
    assert sampled == [7, 8]
