"""From what users name to processes: pids, ``self``, ``/proc/123``, recordings; what is none of these is told."""

import os

import pytest

from procmem.errors import BadInput, Misuse, NothingMatches, ProcessGone
from procmem.queries.targets import Selection, one_target, other_pids, source_of
from tests.support.running import FIXTURES, pids_in

FORK = FIXTURES / "x86_64-6.18-fork"


@pytest.mark.parametrize("form", ["self", "{pid}", "/proc/{pid}", "/proc/{pid}/", "/proc/self"])
def test_ourselves_by_any_name(form: str) -> None:
    """Each names this very process."""
    assert [ref.pid for ref in Selection((form.format(pid=os.getpid()),)).refs()] == [os.getpid()]


def test_a_recording_takes_the_place_of_a_pid() -> None:
    """One of a single process by its path, one of several with the pid behind a colon."""
    sleep = FIXTURES / "x86_64-6.18-sleep"
    assert one_target(str(sleep)).pid == pids_in(sleep)[0]
    second = pids_in(FORK)[1]
    assert one_target(f"{FORK}:{second}").pid == second
    with pytest.raises(BadInput):
        one_target(str(FORK))


def test_words_keep_their_order() -> None:
    """As they were given."""
    pids = [str(pid) for pid in reversed(pids_in(FORK))]
    assert [str(ref.pid) for ref in Selection(tuple(pids), recording=str(FORK)).refs()] == pids


def test_what_is_no_target_is_told() -> None:
    """By the sort of mistake: no pid, no file, no process, nothing found, nothing named."""
    with pytest.raises(Misuse):
        list(Selection(("no-pid",)).refs())
    with pytest.raises(BadInput):
        list(Selection(("./no-such-recording",)).refs())
    with pytest.raises(ProcessGone):
        list(Selection(("0",)).refs())
    with pytest.raises(NothingMatches):
        list(Selection((), name="no-process-has-this-name").refs())
    with pytest.raises(Misuse):
        list(Selection(()).refs())


def test_other_processes_are_all_but_ourselves() -> None:
    """Of this machine; a recording has all of its own."""
    live = source_of(None, None)
    assert os.getpid() not in other_pids(live)
    assert os.getppid() in other_pids(live)
    assert other_pids(source_of(None, str(FORK))) == pids_in(FORK)
