"""A program held still at known stops, and always ended."""

import os
import signal

import pytest

from procmem.tracing.tracee import CannotStart, Started, Tracee, how_ended
from tests.support.needs import lacking

TRUE = Started(b"/bin/true", (b"true",))


def traced(how: Started) -> Tracee:
    """A tracee, where this machine lets us trace our own children."""
    try:
        return Tracee(how).__enter__()
    except CannotStart as error:
        lacking(f"tracing is forbidden here: {error}")


def test_it_stands_at_its_first_instruction_and_is_gone_afterwards() -> None:
    """Its map has the program and a stack, and no process is left behind."""
    child = traced(TRUE)
    try:
        assert child.alive
        maps = child.proc_file("maps")
        assert b"/true" in maps
        assert b"[stack]" in maps
        pid = int(child.proc_file("stat").split()[0])
    finally:
        child.__exit__(None, None, None)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_exec_refuses_never_runs() -> None:
    """There is nothing to look at, and that is said."""
    child = traced(Started(b"/no/such/program", (b"x",)))
    try:
        assert not child.alive
        assert child.refused
    finally:
        child.__exit__(None, None, None)


def test_how_a_child_ended_is_a_note() -> None:
    """By a signal, with a status, or nobody knows."""
    killed, failed, unknown = (how_ended(status) for status in (signal.SIGKILL, 3 << 8, None))
    assert len({killed.code, failed.code, unknown.code}) == 3


def test_a_place_where_nothing_is_mapped_is_never_reached() -> None:
    """Damaged headers may name one: the program ends by itself, and that is no error of reading."""
    child = traced(TRUE)
    try:
        assert not child.run_to(0x10)
        assert how_ended(child.ended).code == "status"
    finally:
        child.__exit__(None, None, None)
