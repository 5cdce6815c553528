"""Lessons: the whole theory, commands that exist, a process of one's own, and what Enter does."""

import os
import pty
import shlex
import subprocess
import sys
import time

import click
import pytest

from procmem.cli.learn import commands_of
from procmem.cli.main import cli
from procmem.lab.catalogue import experiments
from procmem.text.lessons import LESSONS
from tests.support.running import ROOT, procmem, started

SENTENCES = 53


def test_every_sentence_of_the_theory_has_its_command() -> None:
    """Each of the sentences, and each of the twenty topics, once and in order."""
    told = {number for lesson in LESSONS for point in lesson.points for number in point.sentences}
    assert told == set(range(1, SENTENCES + 1))
    assert [lesson.row for lesson in LESSONS] == [f"M{number}" for number in range(1, 21)]
    assert len({lesson.name for lesson in LESSONS}) == len(LESSONS)


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda lesson: lesson.name)
def test_the_commands_of_a_lesson_are_some(lesson: object) -> None:
    """Every command line is understood: the command, its options, the experiment."""
    known = {one.name for one in experiments()}
    for line in commands_of(lesson, "self"):  # type: ignore[arg-type]
        name, *rest = shlex.split(line)
        command = cli.get_command(click.Context(cli), name)
        assert command is not None, line
        if name == "lab":
            assert set(rest) <= known, line
        else:
            context = command.make_context(name, rest, resilient_parsing=True)
            assert isinstance(command, click.Group) or not context.args, line


def test_lessons_by_name_topic_and_number_of_processes() -> None:
    """Lessons in the order of the theory, whatever the order of the words; one process at most."""
    both = procmem("learn", "stack", "M2", "--json")
    assert [one["lessons"][0]["name"] for one in both.json] == ["demand-paging", "stack"]
    everything = procmem("learn", "--all", "--json")
    assert len(everything.json) == len(LESSONS)
    assert procmem("learn").out == procmem("learn", "--list").out
    with started([sys.executable, "-c", "print('ready', flush=True); input()"]) as child:
        own = procmem("learn", str(child.pid), "--json").json
        commands = [point["command"] for one in own for lesson in one["lessons"] for point in lesson["points"]]
        assert commands
        assert all(str(child.pid) in shlex.split(command) for command in commands)
    for words in (("learn", "no-such"), ("learn", "1", "2"), ("learn", "--all", "heap")):
        wrong = procmem(*words)
        assert (wrong.status, wrong.out) == (2, ""), wrong


def test_the_commands_run_and_one_that_fails_stops_nothing() -> None:
    """What they print stands below the lesson, behind the command line itself."""
    ran = procmem("learn", "pmap", "virt-and-res", "--run")
    assert ran.status == 0
    assert "$ procmem account self" in ran.out
    assert "$ procmem explain self" in ran.out
    assert ran.out.index("Lesson 8 of 20") < ran.out.index("Lesson 9 of 20") < ran.out.index("[stack]")


def test_on_a_terminal_enter_runs_the_next_command() -> None:
    """N goes on to the next lesson, q ends; nothing runs by itself."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(PYTHONPATH=str(ROOT), TERM="dumb", COLUMNS="80", LINES="24", LC_ALL="C.UTF-8")
        os.execv(sys.executable, [sys.executable, "-m", "procmem", "learn", "pmap", "heap"])
    seen = _until(terminal, b"q: end")
    assert b"Lesson 9 of 20" in seen
    assert b"VIRT is" not in seen
    os.write(terminal, b"\n")
    assert b"[stack]" in _until(terminal, b"q: end")
    os.write(terminal, b"n\n")
    assert b"Lesson 15 of 20" in _until(terminal, b"q: end")
    os.write(terminal, b"q\n")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)


def _until(terminal: int, text: bytes) -> bytes:
    seen, end = b"", time.monotonic() + 30
    while text not in seen and time.monotonic() < end:
        seen += os.read(terminal, 1 << 16)
    return seen


def test_a_broken_pipe_ends_it() -> None:
    """Nobody reads any more: no traceback."""
    command = f"{sys.executable} -m procmem learn --all | head -1"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert done.stdout == "Lesson 1 of 20: A private address space for each process\n"
