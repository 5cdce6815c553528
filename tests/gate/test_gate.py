"""A small part of the gate with a fixed seed; and every check of the law finds the offence it is there for."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from random import Random

import pytest

from tests.gate import command_lines, faults, mutations, races, recordings, signals
from tests.gate.__main__ import main
from tests.gate.faults import lies
from tests.gate.law import denials, offences
from tests.gate.limits import files_at_most
from tests.gate.part import Part, Result, Trial
from tests.gate.parts import PARTS
from tests.gate.runner import Tally, attempt_once, seconds_for, table
from tests.gate.running import Outcome, Surroundings, command_line, in_process, measured, warm_up
from tests.programs.build import build
from tests.support import needs
from tests.support.running import FIXTURES, ROOT

SEED = 14
SLEEP = str(FIXTURES / "x86_64-6.18-sleep")
FEW = {"recordings": 120, "elf": 60, "hostile": 25, "faults": 25, "limits": 60, "races": 60, "signals": 40}
"""How many attempts of each part the tests make."""


def made(**other: object) -> Outcome:
    """A run that holds the law, but for what is said."""
    well = {"status": 0, "out": b"all is well\n", "err": b"", "cpu_seconds": 0.1, "peak_bytes": 1 << 20, "seconds": 0.1}
    return Outcome(**{**well, **other})  # type: ignore[arg-type]


GONE = {"status": 3, "out": b"", "err": b"procmem: process 7: no such process\n"}


@pytest.mark.parametrize(
    ("words", "outcome", "told"),
    [
        (["inspect"], made(status=1, out=b"", err=b"procmem: internal error: KeyError: 7\n"), "a bug of the program"),
        (["inspect"], made(status=-11), "status -11"),
        (["inspect"], made(status=99), "status 99"),
        (["inspect"], made(timed_out=True), "no end"),
        (["inspect"], made(err=b"Traceback (most recent call last):\n"), "traceback"),
        (["inspect"], made(cpu_seconds=2.5), "2.5 s of CPU"),
        (["inspect"], made(peak_bytes=500_000_000), "500 MB"),
        (["inspect"], made(out=b"a\x1b[31mb\n"), "stdout holds a control"),
        (["inspect"], made(out=b"a\rb\n"), "stdout holds a control"),
        (["inspect"], made(out=b"a\xc2\x9bb\n"), "stdout holds a control"),
        (["inspect"], made(out=b"a\x9bb\n"), "no UTF-8"),
        (["inspect"], made(**{**GONE, "err": b"procmem: \x07\n"}), "stderr holds a control"),
        (["inspect"], made(out=b""), "an empty answer"),
        (["inspect"], made(out=b" \n"), "an empty answer"),
        (["inspect"], made(**{**GONE, "err": b""}), "0 lines on stderr"),
        (["inspect"], made(**{**GONE, "err": b"procmem: a\nprocmem: b\n"}), "2 lines on stderr"),
        (["inspect"], made(**{**GONE, "err": b"procmem: note: a\n"}), "0 lines on stderr"),
        (["inspect"], made(status=2, out=b""), "not a line about it"),
        (["inspect", "--json"], made(out=b"{"), "no JSON"),
        (["inspect", "--json"], made(out=b'{"schema": NaN}'), "no JSON"),
        (["inspect", "--json"], made(out=b"[1]"), "without a schema"),
        (["inspect", "--json"], made(out=b'{"schema": "procmem/inspect/1"}'), "schema inspect"),
        (["inspect", "--csv"], made(out=b"a,b\n1\n"), "rows of CSV"),
        (["inspect", "--csv"], made(out=b'a,"b\n'), "no CSV"),
        (["inspect", "--markdown"], made(out=b"| a | b |\n| 1 |\n"), "Markdown"),
    ],
)  # fmt: skip
def test_each_offence_is_found(words: list[str], outcome: Outcome, told: str) -> None:
    """One planted in each answer."""
    found = offences(outcome, words)
    assert len([line for line in found if told in line]) == 1, found


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (["inspect"], made()),
        (["inspect"], made(err=b"procmem: note: a\nprocmem: note: b\n")),
        (["inspect", "--csv"], made(out=b'a,b\n"x,y",1\n')),
        (["inspect", "--markdown"], made(out=b"| a | b |\n| \\| | 1 |\n\n| c |\n")),
        (["record"], made(out=b"", err=b"procmem: recorded 1 process\n")),
        (["inspect"], made(**GONE)),
        (["inspect"], made(**{**GONE, "err": GONE["err"] + b"procmem: note: a\n"})),  # type: ignore[operator]
    ],
)
def test_what_is_right_is_no_offence(words: list[str], outcome: Outcome) -> None:
    """Notes are no trouble, and a cell may hold what parts others."""
    assert offences(outcome, words) == []


def test_denials_of_a_living_process_are_found() -> None:
    """By the status, and by what is said in each language."""
    assert denials(made(**GONE))
    assert denials(made(err=b"procmem: process 7: ended while it was read\n"))
    assert denials(made(status=4, err="procmem: 它已结束\n".encode()))
    assert not denials(made(status=4, err=b"procmem: too many open files in this process\n"))


def test_lies_are_found() -> None:
    """Nothing or zero, where another document of the same process says more; null is none."""
    whole = {"a": {"rss": 5, "rows": [1], "none": 0, "name": "x"}, "list": [{"pss": 7}], "rates": {"x": 1}}
    assert list(lies(whole, whole)) == []
    assert list(lies(whole, {"a": {"rss": None, "rows": None}, "list": [{"pss": 0}], "rates": {"x": 0}})) == []
    found = dict(lies(whole, {"a": {"rss": 0, "rows": [], "none": 0, "name": ""}, "list": []}))
    assert found == {"/a/rss": 0, "/a/rows": [], "/a/name": "", "/list": []}


def document(comm: str, *words: str, sizes: tuple[int, ...], vm_size: int, threads: int) -> dict[str, object]:
    """What ``inspect`` says of a process, as far as races look at it."""
    process = {"comm": comm, "cmdline": list(words), "threads": threads}
    return {"process": process, "regions": [{"size": size} for size in sizes], "totals": {"vm_size": vm_size}}


def test_two_processes_in_one_answer_are_found() -> None:
    """By name and arguments, mappings, size, and threads; one process, at any moment of its life, is none of that."""
    small, large = races.SECOND_BYTES, races.FIRST_BYTES
    for right in (
        document("first", "first", sizes=(4096, large), vm_size=large + 8192, threads=1),
        document("second", "second", sizes=(4096, small), vm_size=small + 8192, threads=3),
        document("races", "second", sizes=(4096,), vm_size=8192, threads=1),
        document("races", "first", sizes=(4096, large), vm_size=large + 8192, threads=1),
    ):
        assert races.mixed(right) is None
    for wrong in (
        document("first", "second", sizes=(4096,), vm_size=8192, threads=1),
        document("first", "first", sizes=(4096, small), vm_size=small + 8192, threads=1),
        document("second", "second", sizes=(large, small), vm_size=large, threads=1),
        document("second", "second", sizes=(4096, small), vm_size=large + 8192, threads=3),
        document("first", "first", sizes=(4096, large), vm_size=small + 8192, threads=1),
        document("first", "first", sizes=(4096, large), vm_size=large + 8192, threads=3),
    ):
        assert races.mixed(wrong) is not None, wrong


@pytest.mark.needs("gcc")
@pytest.mark.needs_root
def test_pids_are_reused(programs_folder: Path) -> None:
    """One process follows another under its pid, and again: the race that is asked about does happen."""
    if not races.can_choose_pids():
        needs.lacking("no process can be given a pid here")
    assert races.count_reuses(build("races.c", (), programs_folder), 20) == 20


def test_scratch_that_is_left_is_found(tmp_path: Path) -> None:
    """Whatever else lies there."""
    (tmp_path / "out.tar.gz").touch()
    assert signals.left_behind(tmp_path) == []
    (tmp_path / ".procmem-x1").mkdir()
    assert signals.left_behind(tmp_path) == ["left behind: .procmem-x1"]


def test_signals_reach_the_command() -> None:
    """One that ends it, and one that it answers."""
    warm_up()
    for number, status in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)):
        words = ["watch", "--interval", "0.05", "self"]
        joined = partial(signals.sending, plan=[number], first=0.2, between=0)
        outcome = in_process(*words, wall_seconds=20, joined=joined)
        assert (outcome.status, outcome.timed_out) == (status, False), outcome


@pytest.mark.needs("strace")
def test_a_fault_reaches_the_command(tmp_path: Path) -> None:
    """Each of its calls, from the first on, and no other process."""
    if (reason := faults.lacking()) is not None:
        needs.lacking(reason)
    warm_up()
    for fault, status in (("inject=openat:error=EMFILE:when=1+", 1), ("inject=openat:error=EMFILE:when=9999", 0)):
        outcome = in_process(
            "inspect", "self", joined=lambda pid, fault=fault: faults.join(pid, fault, tmp_path / "log")
        )
        assert outcome.status == status, outcome


def test_statuses_may_be_narrowed() -> None:
    """A part knows which statuses its question can end with."""
    assert offences(made(**GONE), ["inspect"], statuses={0, 4})


def test_runs_are_measured(tmp_path: Path) -> None:
    """Status, both streams, the input, CPU time, the peak of memory, and an end where there is none."""

    def work() -> None:
        os.write(1, os.read(0, 100))
        os.write(2, b"told")
        kept = bytes(64 << 20).replace(b"\0", b"\1")
        until = time.process_time() + 0.2
        while time.process_time() < until:
            pass
        os._exit(7 if kept else 8)

    outcome = measured(work, Surroundings(given=b"asked"))
    assert (outcome.status, outcome.out, outcome.err, outcome.timed_out) == (7, b"asked", b"told", False)
    assert 0.2 <= outcome.cpu_seconds < 2
    assert 64 << 20 < outcome.peak_bytes < 1 << 30
    assert measured(lambda: time.sleep(100), Surroundings(wall_seconds=0.2)).timed_out
    assert b"ZeroDivisionError" in measured(lambda: print(1 / 0), Surroundings()).err  # noqa: T201
    del tmp_path


def test_both_ways_of_running_give_the_same() -> None:
    """In a fork of this interpreter, and by the command line."""
    warm_up()
    for words in (["inspect", "--json", SLEEP], ["inspect", "no such thing"]):
        forked, started = in_process(*words), command_line(*words)
        assert (forked.status, forked.out, forked.err) == (started.status, started.out, started.err)
    limited = in_process("inspect", SLEEP, before=files_at_most(0))
    assert limited.status != 0


def test_every_command_line_of_the_gate_is_one() -> None:
    """Of what is whole each is answered: attempts that end with a usage error would attack nothing."""
    warm_up()
    for words in (*command_lines.every(command_lines.OF_A_PROCESS), *command_lines.every(command_lines.OF_A_MACHINE)):
        outcome = in_process(*words, "--from", SLEEP)
        assert (outcome.status, offences(outcome, words)) == (0, []), words
    for words in command_lines.styled():
        assert in_process(*words, "--from", SLEEP).status == 0, words
    for words in command_lines.every(command_lines.SIMULATIONS):
        steps = recordings.STEPS_OF_MEMORY if "simulate-memory" in words else recordings.STEPS
        outcome = in_process(*words, "--script", "-", given=steps)
        assert (outcome.status, offences(outcome, words)) == (0, []), (words, outcome.err)


def test_damage_is_repeatable_and_damages() -> None:
    """The same seed spoils in the same way, another in another; little is left as it was."""
    text = Path(SLEEP, "2557", "smaps").read_bytes()
    for spoil in (mutations.spoiled_bytes, mutations.spoiled_text):
        once = [spoil(Random(seed), text) for seed in range(50)]
        assert once == [spoil(Random(seed), text) for seed in range(50)]
        assert len(set(once) - {text}) > 40


def test_a_failure_is_counted_kept_and_can_be_repeated(tmp_path: Path) -> None:
    """By its seed and number, with what it was given; an attempt that could not be made is a failure as well."""

    def attempt(trial: Trial) -> Result:
        (trial.folder / "input").write_text(str(trial.random.random()))
        if trial.number == 1:
            raise RuntimeError("nothing was attacked")
        return Result(commands=["procmem inspect input"], offences=["it broke"] if trial.number else [])

    part = Part(name="planted", what="", full_count=3, attempt=attempt)
    tally = Tally(part="planted")
    for number in range(3):
        tally.count(number, 5, *attempt_once(part, 5, number, shared=tmp_path, keep=tmp_path))
    assert (tally.attempts, [failure.number for failure in tally.failures]) == (3, [1, 2])
    assert "nothing was attacked" in str(tally.failures[0])
    first = (tmp_path / "planted-5-2" / "input").read_text()
    assert "--only planted --seed 5 --number 2" in str(tally.failures[1])
    attempt_once(part, 5, 2, shared=tmp_path, keep=tmp_path)
    assert (tmp_path / "planted-5-2" / "input").read_text() == first
    assert table([tally]).splitlines()[1].split()[:3] == ["planted", "3", "2"]


def test_minutes_are_shared_out() -> None:
    """All of them, and to every part."""
    shares = seconds_for(list(PARTS.values()), 10)
    assert set(shares) == set(PARTS)
    assert sum(shares.values()) == pytest.approx(600)
    assert min(shares.values()) > 0


@pytest.mark.parametrize("name", FEW)
@pytest.mark.machine
def test_a_fixed_part_of_the_gate_holds(name: str, tmp_path: Path, programs_folder: Path) -> None:
    """With a fixed seed, so that what fails here fails everywhere."""
    if (reason := PARTS[name].lacking()) is not None:
        needs.lacking(reason)
    warm_up()
    tally = Tally(part=name)
    for number in range(FEW[name]):
        tally.count(number, SEED, *attempt_once(PARTS[name], SEED, number, shared=programs_folder, keep=tmp_path))
    assert not tally.failures, "\n".join(map(str, tally.failures))
    assert tally.attempts == FEW[name]


def test_the_runner_ends_with_what_it_found() -> None:
    """0 where nothing broke, and a table."""
    words = ["--only", "recordings", "--count", "4", "--seed", "3", "--workers", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.gate", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done
    assert done.stdout.splitlines()[-1].split()[:3] == ["recordings", "4", "0"]


def test_the_runner_fails_where_something_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one attempt that is repeated here breaks."""
    planted = Part(name="planted", what="", full_count=1, attempt=lambda _: Result(offences=["it broke"]))
    monkeypatch.setitem(PARTS, "planted", planted)
    assert main(["--only", "planted", "--seed", "3", "--number", "0"]) == 1


def test_an_answer_may_be_cut_within_a_letter_only_where_there_is_no_room() -> None:
    """As a disk does that is full; anywhere else it is a fault, as is any other byte that is no UTF-8."""
    cut = made(status=6, out="┌─".encode()[:-1], err=b"procmem: output: File too large\n")
    assert offences(cut, ["inspect"], closed_output=True) == []
    assert any("is no UTF-8" in line for line in offences(cut, ["inspect"]))
    broken = made(status=6, out=b"\xff a", err=b"procmem: output: File too large\n")
    assert any("is no UTF-8" in line for line in offences(broken, ["inspect"], closed_output=True))
