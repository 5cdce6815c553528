"""Processes by name: the kernel keeps 15 bytes of it, and a longer one is told by the command line."""

import os
import signal
import threading
import time

import pytest

from procmem.errors import AccessRefused, Misuse, SystemFailed
from procmem.model.raw import Refusal
from procmem.sources import find


@pytest.mark.parametrize(
    ("name", "called", "full"),
    [
        (b"a-name-of-15-by", b"/bin/a-name-of-15-bytes-and-more\0x", b"a-name-of-15-bytes-and-more"),
        (b"a-name-of-15-by", b"a-name-of-15-by\0", b"a-name-of-15-by"),
        (b"a-name-of-15-by", b"/bin/python3\0a-name-of-15-bytes", b"a-name-of-15-by"),
        (b"a-name-of-14-b", b"a-name-of-14-bytes\0", b"a-name-of-14-b"),
        (b"", b"something\0", b""),
    ],
)
def test_a_name_of_15_bytes_may_be_longer(
    monkeypatch: pytest.MonkeyPatch, name: bytes, called: bytes, full: bytes
) -> None:
    """A shorter one is whole, whatever its command line begins with."""
    monkeypatch.setattr(find, "read_start", lambda *_: called)
    assert find._full_name("7", name) == full


def test_an_error_of_the_system_is_no_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that is gone is passed over; of one whose name cannot be read, or is hidden, nobody knows who it is."""
    for refusal in (Refusal.GONE, Refusal.ABSENT):
        monkeypatch.setattr(find, "read_start", lambda *_, refusal=refusal: refusal)
        assert find.processes_named("x", None) == []
    monkeypatch.setattr(find, "read_start", lambda *_: Refusal.DENIED)
    with pytest.raises(AccessRefused) as refused:
        find.processes_named("x", None)
    assert refused.value.code == "none-may-be-read"
    monkeypatch.setattr(find, "read_start", lambda *_: Refusal.IO_ERROR)
    with pytest.raises(SystemFailed) as raised:
        find.processes_named("x", None)
    assert raised.value.code == "file-failed"
    assert raised.value.fields["reason"] == "Input/output error"


@pytest.mark.parametrize("pattern", ["((((a*)*)*)*)*b", "(a|a)*" * 10 + "b", "(.*)*x"])
def test_a_pattern_that_takes_for_ever_is_stopped(pattern: str) -> None:
    """Names are what processes say of themselves, so that anybody could keep who looks for them busy."""
    wanted = find.wanted_processes(pattern, None)
    began = time.process_time()
    with pytest.raises(Misuse) as raised:
        wanted(b"a" * 4000, 0)
    assert raised.value.code == "slow-pattern"
    assert time.process_time() - began < 5
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0, 0)
    assert signal.getsignal(signal.SIGVTALRM) is signal.SIG_DFL


def test_a_good_pattern_has_time_for_all() -> None:
    """The bound is on the work, and not on how often it is asked."""
    wanted = find.wanted_processes("s.*p|b+", None)
    assert all(wanted(b"sleep", 0) and not wanted(b"x" * 4000, 0) for _ in range(5000))


@pytest.mark.parametrize("pattern", ["(" * 5000 + ")" * 5000, "a{" + "9" * 30 + "}"])
def test_a_pattern_beyond_what_can_be_made_is_no_bug(pattern: str) -> None:
    """It is told as what it is."""
    with pytest.raises(Misuse) as raised:
        find.wanted_processes(pattern, None)
    assert raised.value.code == "large-pattern"


def test_elsewhere_than_in_the_main_thread_a_pattern_works() -> None:
    """There no signal can be set up."""
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(find.wanted_processes("s.*", None)(b"sleep", 0)))
    thread.start()
    thread.join()
    assert found == [True]


def test_who_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """In order of pids, with name and user; without kernel threads, and without those that end meanwhile."""
    told = {
        "7": b"Name:\tx y\nUid:\t5\t6\t7\t8\nVmSize:\t 4 kB\n",
        "12": b"Name:\tkthread\nUid:\t0\t0\t0\t0\n",
        "30": Refusal.GONE,
        "101": b"Name:\tz\nVmSize:\t 4 kB\n",
    }
    monkeypatch.setattr(os, "listdir", lambda _: ["101", "self", "30", "7", "12", "7x"])
    monkeypatch.setattr(find, "read_start", lambda path, _folder, _most: told[path.split("/")[2]])
    assert list(find.living()) == [(7, b"x y", 5), (101, b"z", None)]


def test_names_of_users() -> None:
    """By the list of users, or the number."""
    assert find.user_name(0) == find.user_name(0) == "root"
    assert find.user_name(4_000_000_000) == "4000000000"
