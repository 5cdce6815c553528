"""A process that ran another program, or ended, while it was read: read again, and never told as one."""

from collections import Counter
from collections.abc import Callable
from typing import cast

import pytest

from procmem.model.note import Note, note
from procmem.model.ports import Target
from procmem.model.raw import FileContent, Machine, RawProcess, Refusal
from procmem.queries.read import take


class Changing:
    """A process of this machine that has become another when it is looked at again, ``times`` in a row.

    ``after`` are the files that have another content then.
    """

    pid = 7
    notes: tuple[Note, ...] = ()
    is_live = True
    machine = Machine(page_size=4096)

    def __init__(self, after: dict[str, FileContent], *, times: int) -> None:
        self.files: dict[str, FileContent] = {"stat": stat(), "status": b"Name:\ttrue\n", "auxv": b"\x03" + b"\0" * 15}
        self.after = after
        self.times = times
        self.asked: Counter[str] = Counter()

    def read(self, name: str) -> FileContent:
        """The second reading of a file is the later one."""
        self.asked[name] += 1
        later = self.asked[name] % 2 == 0 and self.asked[name] // 2 <= self.times
        return self.after.get(name, self.files.get(name, Refusal.ABSENT)) if later else self.files.get(name, b"")

    def read_pieces(self, name: str, use: Callable[[bytes], None], *, keep: bool) -> FileContent:
        """No mappings."""
        del use, keep
        return self.read(name)

    def read_system(self, name: str) -> FileContent:
        """Nothing is known of the machine."""
        del name
        return Refusal.ABSENT

    def link(self, name: str) -> bytes | Refusal:
        """Nor of links."""
        del name
        return Refusal.ABSENT

    def names(self, folder: str) -> tuple[str, ...] | Refusal:
        """No threads."""
        del folder
        return ()


def stat(state: str = "S", starttime: int = 5) -> bytes:
    """A line of stat."""
    fields = ["0"] * 53
    fields[3], fields[22] = state, str(starttime)
    return f"7 (true) {' '.join(fields[3:])}\n".encode()


def taken(target: Changing) -> RawProcess:
    """What is read of it, and how often."""
    raw, _ = take(cast("Target", target), ("auxv", "smaps"), ())
    return raw


@pytest.mark.parametrize(
    ("after", "code"),
    [
        ({"auxv": b"\x03" + b"\0" * 14 + b"\1"}, "executed"),
        ({"auxv": Refusal.GONE}, "executed"),
        ({"stat": stat(starttime=6)}, "ended"),
        ({"stat": stat(state="Z")}, "ended"),
        ({"stat": stat(state="X")}, "ended"),
        ({"stat": Refusal.GONE}, "ended"),
        ({"stat": Refusal.ABSENT}, "ended"),
        ({"stat": Refusal.UNRECORDED}, "ended"),
    ],
)
def test_two_processes_are_never_mixed(after: dict[str, FileContent], code: str) -> None:
    """What ran another program, or ended, while it was read, is read again, three times at most, and told then."""
    for times in (1, 2):
        target = Changing(after, times=times)
        assert taken(target).unstable is None
        assert target.asked["smaps"] == times + 1
    target = Changing(after, times=3)
    assert taken(target).unstable == note(code)
    assert target.asked["smaps"] == 3


@pytest.mark.parametrize(
    "after", [{}, {"stat": Refusal.DENIED}, {"stat": Refusal.FAILED}, {"stat": stat(state="R")}, {"status": b""}]
)
def test_what_may_change_in_one_process_is_no_other(after: dict[str, FileContent]) -> None:
    """Its state, and what may not be read of it any more."""
    target = Changing(after, times=3)
    assert taken(target).unstable is None
    assert target.asked["smaps"] == 1


def test_a_zombie_stays_one() -> None:
    """It has not ended while it was read."""
    target = Changing({"stat": stat(state="X")}, times=3)
    target.files["stat"] = stat(state="Z")
    assert taken(target).unstable is None
    target = Changing({"auxv": b"x"}, times=3)
    target.files["auxv"] = b""
    assert taken(target).unstable is None, "an empty auxv says nothing"


def test_of_a_changed_process_nothing_before_is_kept() -> None:
    """The second reading is a whole one: what the first program had is not in it."""
    target = Changing({"auxv": b"\x04" * 16}, times=1)
    first = taken(target)
    assert first.files["auxv"] == target.files["auxv"]
    assert {target.asked[name] for name in ("status", "smaps")} == {2}
    assert {target.asked[name] for name in ("stat", "auxv")} == {4}


class TakenOver(Changing):
    """A process whose first thread has ended; later another of its threads runs a program, in the place of the first.

    Its auxv tells nothing of that, since it was empty before.
    """

    def __init__(self, *, times: int) -> None:
        super().__init__({"stat": stat()}, times=times)
        self.files |= {
            "stat": stat(state="Z"),
            "status": b"Name:\ttrue\nState:\tZ (zombie)\nThreads:\t2\n",
            "auxv": b"",
            "task/7/stat": stat(state="Z"),
            "task/8/stat": stat(),
        }
        self.seen_through: list[int] = []

    def names(self, folder: str) -> tuple[str, ...] | Refusal:
        """Both threads."""
        return ("7", "8") if folder == "task" else ()

    def look_through(self, tid: int) -> None:
        """The memory is that of a thread."""
        self.seen_through.append(tid)


def test_a_dead_leader_that_lives_again_is_another_program() -> None:
    """What was read of its threads is of both, so all is read again."""
    for times in (0, 1, 2, 3):
        target = TakenOver(times=times)
        assert taken(target).unstable == (note("executed") if times == 3 else None)
        assert target.seen_through == [8] * min(times + 1, 3)
