"""Reading one process: again while it moves, a few times at most; and what was read last says so."""

from collections.abc import Callable
from typing import Any

import pytest

from procmem.errors import AccessRefused, NothingMatches, ProcmemError, ReadFailed, SystemFailed
from procmem.model.ports import Target
from procmem.model.raw import FileContent, Machine, Refusal
from procmem.queries import examine as module
from procmem.queries.all_processes import SystemOptions, machine_classes, system
from procmem.queries.pmap import read_maps
from procmem.queries.read import FILES_TO_INSPECT, TRIES, read_consistently, take
from procmem.sources.live import ProcSource, ProcTarget
from tests.support.running import FIXTURES

STAT = b"7 (%s) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 1 1 1 1 1 " + b"1 " * 27 + b"\n"


class Executing:
    """A process that runs another program after so many reads of its files; each says of which of the two it is."""

    pid = 7
    notes = ()
    machine = Machine(page_size=4096)

    def __init__(self, reads: int) -> None:
        self.reads = reads

    def read(self, name: str) -> FileContent:
        """One file of the program that runs now."""
        self.reads -= 1
        which = b"first" if self.reads >= 0 else b"second"
        texts: dict[str, FileContent] = {
            "stat": STAT % which,
            "status": b"Name:\t%s\nPid:\t7\n" % which,
            "smaps": b"00400000-00401000 r-xp 00000000 08:01 1 /%s\nSize: 4 kB\n" % which,
            "limits": Refusal.ABSENT,
        }
        return texts.get(name, which)

    def read_pieces(self, name: str, use: Callable[[bytes], None], *, keep: bool) -> FileContent:
        """The same."""
        content = self.read(name)
        assert isinstance(content, bytes)
        use(content)
        return content if keep else b""

    def link(self, name: str) -> bytes:
        """The same."""
        content = self.read(name)
        assert isinstance(content, bytes)
        return content

    def names(self, folder: str) -> tuple[str, ...]:
        """Its one thread."""
        assert folder == "task"
        return ("7",)

    def read_system(self, name: str) -> FileContent:
        """Nothing of the machine."""
        del name
        return Refusal.ABSENT


@pytest.mark.parametrize("reads", range(25))
def test_two_programs_of_one_process_are_never_mixed(reads: int) -> None:
    """Whenever it calls execve: all that was read is of one of the two."""
    raw, _ = take(Executing(reads), FILES_TO_INSPECT, keep=True)  # type: ignore[arg-type]  # all that is asked of it
    texts = [*raw.files.values(), *raw.links.values()]
    said = [{word for word in (b"first", b"second") if word in text} for text in texts if isinstance(text, bytes)]
    assert len(set(map(frozenset, said))) == 1, raw
    shown = read_maps(Executing(reads), 7)  # type: ignore[arg-type]  # the same
    assert shown.lines is not None
    assert shown.lines[0].name == b"/" + (b"first" if b"first" in shown.title else b"second")


class Readings:
    """A process that gives one answer after another."""

    def __init__(self, *answers: int) -> None:
        self.left = list(answers)
        self.count = 0

    def read(self) -> int:
        """The next answer."""
        self.count += 1
        return self.left.pop(0)


def test_what_agrees_is_read_once() -> None:
    """And counts as settled."""
    readings = Readings(1, 2)
    assert read_consistently(readings.read, lambda _: False) == (1, True)
    assert readings.count == 1


def test_what_moves_is_read_until_it_agrees() -> None:
    """The answer is the first that does."""
    readings = Readings(1, 2, 3, 4)
    assert read_consistently(readings.read, lambda answer: answer < 3) == (3, True)
    assert readings.count == 3


def test_what_never_rests_is_read_a_few_times() -> None:
    """The last answer, and that it did not settle."""
    readings = Readings(*range(100))
    assert read_consistently(readings.read, lambda _: True) == (TRIES - 1, False)
    assert readings.count == TRIES


def test_the_number_of_tries_can_be_given() -> None:
    """It is the number of readings."""
    readings = Readings(*range(100))
    assert read_consistently(readings.read, lambda _: True, 2) == (1, False)
    assert readings.count == 2


def test_only_those_asked_for_are_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    """``system --classes --name`` looks at nobody else's pages; one process that cannot be read at all is counted."""
    walked: list[int | None] = []
    real = module.examine

    def watched(target: Target, **more: Any) -> Any:
        walked.append(target.pid)
        if len(walked) == 2:
            raise ReadFailed(target.pid, "read-failed", refusal=Refusal.IO_ERROR)
        return real(target, **more)

    monkeypatch.setattr(module, "examine", watched)
    recording = str(FIXTURES / "x86_64-6.18-fork")
    everybody = machine_classes(SystemOptions(recording=recording))
    assert (len(walked), everybody.processes, everybody.unreadable) == (2, 1, 1)
    walked.clear()
    machine_classes(SystemOptions(recording=recording, name="no such name"))
    assert walked == []


@pytest.mark.parametrize(
    ("content", "error"),
    [(Refusal.IO_ERROR, SystemFailed), (Refusal.DENIED, AccessRefused), (Refusal.GONE, NothingMatches)],
)
def test_an_error_of_the_system_is_no_absence(
    content: Refusal, error: type[ProcmemError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``system --name`` does not say that there is none where it could not read who is there."""
    monkeypatch.setattr(ProcTarget, "read", lambda *_, **__: content)
    with pytest.raises(error):
        system(SystemOptions(name="no such name"))


def test_a_process_that_cannot_be_opened_is_no_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where its folder cannot be opened."""

    def refused(*_: object) -> None:
        raise AccessRefused(7, "cannot-open", reason="Input/output error")

    monkeypatch.setattr(ProcSource, "open", refused)
    with pytest.raises(SystemFailed) as raised:
        system(SystemOptions(name="no such name"))
    assert raised.value.fields["reason"] == "Input/output error"
