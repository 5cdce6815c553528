"""The machine is as it was, whatever ends an experiment: errors, signals, SIGKILL; and who holds it is told."""

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from procmem.cli.lab import lab
from procmem.lab import children, machine_state, root_folder, scratch, undo
from procmem.model.note import note
from procmem.model.reports.lab import Holder, Restored, RestoreOutcome, Skipped
from procmem.render.formats import format_named, write
from procmem.render.pages.lab import restored_line, restored_page, waiting_line
from procmem.render.style import Style
from procmem.sources import signals
from procmem.text.lab import reason_text
from tests.gate import lab_signals
from tests.render.test_schemas import check
from tests.support import needs
from tests.support.machine import machine_for_us
from tests.support.running import COMMAND, ROOT, procmem, started, wait_for

POOL = Path("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")

pytestmark = [pytest.mark.machine]


def _traces() -> set[str]:
    """Whatever an experiment could leave behind: swap files, folders, groups."""
    found = _swaps()
    with contextlib.suppress(Skipped):
        root, _version = undo.group_root()
        found |= {name for name in os.listdir(root) if name.startswith(scratch.PREFIX)}
    return found | set(scratch.abandoned_folders())


@pytest.mark.needs_root
def test_nothing_is_left_when_an_experiment_fails() -> None:
    """Swap is off again, the group gone, the pool of huge pages as it was; all under the lock that others wait for."""

    @contextlib.contextmanager
    def everything() -> Iterator[None]:
        with machine_state.swap_file(4 << 20), machine_state.memory_group() as group, children.child() as subject:
            group.add(subject.pid)
            with machine_state.huge_pages(1) if POOL.exists() else contextlib.nullcontext():
                yield

    journal = Path(root_folder.FOLDER, "lab.journal")
    with machine_for_us():
        before = POOL.read_text() if POOL.exists() else None
        try:
            with everything():
                assert _traces()
                assert journal.stat().st_size
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        except Skipped as why:
            pytest.skip(reason_text(why.reason))
        assert _traces() == set()
        assert journal.stat().st_size == 0
        assert (POOL.read_text() if POOL.exists() else None) == before


@pytest.mark.needs_root
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_interrupted_experiment_puts_things_back(number: signal.Signals) -> None:
    """A signal in the middle of swapping, and another at once: 130, and nothing is left."""
    with lab_signals.only_killer():
        with started([*COMMAND, "lab", "swappiness"], ready=False, cwd=ROOT) as run:
            wait_for(lambda: run.poll() is not None or _has_swap(run.pid), 120)
            for _ in range(3):
                run.send_signal(number)
            assert run.wait(60) in (130, 0)
        with lab_signals.exclusive():
            assert _traces() == set()


def _swaps() -> set[str]:
    """The swap files of laboratories below our root: other roots of this machine have laboratories of theirs."""
    names = {line.split()[0] for line in Path("/proc/swaps").read_text().splitlines()[1:]}
    return {name for name in names if "procmem-lab" in name and os.path.exists(name)}


def _has_swap(pid: int) -> bool:
    """Whether a run, which holds the lock, has come to its swap file."""
    lock = os.open(os.path.join(root_folder.FOLDER, "lab.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        holder = machine_state._holder(lock)
    finally:
        os.close(lock)
    return holder is not None and holder.pid == pid and bool(_swaps())


CUT_OFF = """\
import contextlib, os, signal, sys
from procmem.lab import children, machine_state
from procmem.lab.journal import Journal

which, moment = sys.argv[1], int(sys.argv[2])
write, count = Journal._write, 0

def counted(journal, line):
    global count
    count += 1
    if which == "before" and count == moment:
        os.kill(os.getpid(), signal.SIGKILL)
    write(journal, line)
    if which == "behind" and count == moment:
        os.kill(os.getpid(), signal.SIGKILL)

with machine_state.machine_lock(seconds=900):
    Journal._write = counted
    with contextlib.ExitStack() as stack:
        stack.enter_context(machine_state.swap_file(4 << 20))
        group = stack.enter_context(machine_state.memory_group())
        with contextlib.suppress(machine_state.Skipped):
            stack.enter_context(machine_state.huge_pages(1))
        subject = stack.enter_context(children.child())
        group.add(subject.pid)
        subject.do("map", 0x80000000, 4096)
print("to the end")
"""
"""Changes everything, and is killed right before or right behind a given line of the journal."""


@pytest.mark.needs_root
def test_whoever_is_killed_between_two_lines_of_the_journal_is_swept_up() -> None:
    """At each of them: before a change, behind it, in the middle of undoing; until it is not killed any more."""
    moments = 0
    undone: set[str] = set()
    with machine_for_us():
        before = POOL.read_text() if POOL.exists() else None
    for which in ("before", "behind"):
        for moment in range(1, 40):
            with lab_signals.only_killer():
                run = subprocess.run(
                    [sys.executable, "-c", CUT_OFF, which, str(moment)], cwd=ROOT, capture_output=True, check=False
                )
                if b"Skipped: no-cgroup" in run.stderr:
                    needs.lacking("no memory controller is mounted here")
                if run.returncode != -signal.SIGKILL:
                    assert (run.returncode, run.stdout) == (0, b"to the end\n"), run
                    break
                moments += 1
                restored = procmem("lab", "--restore", "--json")
                assert restored.status == 0, restored
                leftovers = restored.json["leftovers"]
                assert all(one["outcome"] == "restored" for one in leftovers), leftovers
                undone |= {one["kind"] for one in leftovers}
                with lab_signals.exclusive():
                    assert _traces() == set()
                    assert (POOL.read_text() if POOL.exists() else None) == before
        else:
            pytest.fail("it never came to its end")
    assert moments >= 12
    assert {"swap", "folder", "group"} <= undone


HOLDS = """\
import sys
from procmem.lab.machine_state import machine_lock
with machine_lock(seconds=900):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.needs_root
def test_a_held_lock_is_told_at_once_with_its_holder() -> None:
    """And waited for, so that it works in the end; a signal ends the waiting."""
    with started([sys.executable, "-c", HOLDS], cwd=ROOT) as holder:
        assert holder.stdin is not None
        with (
            subprocess.Popen([*COMMAND, "lab", "hugetlb"], cwd=ROOT, stderr=subprocess.PIPE, stdout=-3) as first,
            subprocess.Popen([*COMMAND, "lab", "--all"], cwd=ROOT, stderr=subprocess.PIPE, stdout=-3) as second,
        ):
            assert first.stderr is not None
            assert second.stderr is not None
            began = time.monotonic()
            line = first.stderr.readline().decode()
            assert f"(pid {holder.pid}, since " in line
            assert "60 s at most" in line
            line = second.stderr.readline().decode()
            assert f"(pid {holder.pid}, since " in line
            assert time.monotonic() - began < 30
            second.terminate()
            assert second.wait(30) == 130
            assert first.poll() is None
            with pytest.raises(Skipped) as skipped, machine_state.machine_lock(seconds=0):
                pytest.fail("it is held")
            assert skipped.value.reason.figures["pid"] == holder.pid
            assert f"(pid {holder.pid}, since 2" in reason_text(skipped.value.reason)
            holder.kill()
            assert first.wait(120) == 0


@pytest.mark.needs_root
def test_nobody_can_hold_the_lock_or_make_it_first() -> None:
    """Neither the one in the folder of all, which is not asked any more, nor ours."""
    code = (
        "import os, fcntl, sys\nos.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "for path in ('/run/procmem/lab.lock', '/run/procmem/other', '/run/lock/procmem-lab'):\n"
        "    try:\n        fcntl.flock(os.open(path, os.O_RDWR | os.O_CREAT), fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "        print(path)\n"
        "    except OSError as error:\n        assert not isinstance(error, FileNotFoundError), path\n"
        "print('done', flush=True)\nsys.stdin.read()\n"
    )
    with machine_for_us():
        pass  # the folder is there
    with started([sys.executable, "-c", code], ready=False) as nobody:
        assert nobody.stdout is not None
        told = []
        while (line := nobody.stdout.readline()) and line != b"done\n":
            told.append(line)
        assert line == b"done\n"
        assert [one for one in told if b"/run/procmem" in one] == []
        with machine_for_us():
            pass
    if b"/run/lock/procmem-lab\n" in told:
        os.unlink("/run/lock/procmem-lab")


def test_a_lock_is_no_childs(tmp_path: Path) -> None:
    """A fork without exec does not keep it when its holder has ended."""
    path = tmp_path / "lock"
    code = (
        "import os, sys, time\nfrom procmem.lab.machine_state import _locked\n"
        "fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)\nassert _locked(fd)\n"
        "if os.fork() == 0:\n    print(os.getpid(), flush=True)\n    time.sleep(1000)\nos._exit(0)\n"
    )
    run = subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=ROOT, stdout=subprocess.PIPE)
    assert run.stdout is not None
    pid = int(run.stdout.readline())
    run.wait(30)
    with open(path, "r+b") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.kill(pid, signal.SIGKILL)
    run.stdout.close()


@pytest.mark.needs_root
def test_restore_without_rights_is_one_line() -> None:
    """Status 4; with names or other work it is a wrong use."""
    run = procmem("lab", "--restore", nobody=True)
    assert (run.status, run.out, run.err.count("\n")) == (4, "", 1)
    assert "only root may undo" in run.err
    for words in (("swap",), ("--all",), ("--report", "x.html")):
        assert procmem("lab", "--restore", *words).status == 2


LEFTOVERS = (
    Restored("swap", "/var/tmp/procmem-lab-1/procmem-lab-swap", RestoreOutcome.RESTORED, None),
    Restored("huge-pages", "/sys/pool", RestoreOutcome.LEFT, note("changed-since"), 0, 7),
    Restored("group", "/sys/fs/cgroup/memory/procmem-lab-1", RestoreOutcome.FAILED, note("still-used")),
    Restored("new\x1bkind", "x\n", RestoreOutcome.LEFT, note("unknown-kind")),
)


def test_what_was_restored_as_text_and_as_a_document() -> None:
    """Each thing with what was done about it; values where it has any."""
    page = restored_page(LEFTOVERS)
    text = write(format_named(None), [page], Style(width=100))
    assert "/var/tmp/procmem-lab-1/procmem-lab-swap" in text
    assert "somebody else has changed it since (found 7, before 0)" in text
    assert "1 restored, 2 left as they are, 1 not undone" in text
    assert "\x1b" not in text
    found = json.loads(write(format_named("json"), [page], Style()))
    assert found["schema"] == "procmem/lab-restore/1"
    assert found["leftovers"][1] == {
        "kind": "huge-pages",
        "what": "/sys/pool",
        "found": 7,
        "before": 0,
        "outcome": "left",
        "reason": "somebody else has changed it since",
    }
    assert [one["outcome"] for one in found["leftovers"]] == ["restored", "left", "failed", "left"]
    check(found)
    empty = restored_page(())
    assert "Nothing was left behind." in write(format_named(None), [empty], Style())
    check(json.loads(write(format_named("json"), [empty], Style())))
    assert "\x1b" not in "".join(map(restored_line, LEFTOVERS))
    assert "\x1b" not in waiting_line(Holder(1, "\x1b[31m", 1e30), 60)


def test_signals_are_heard_only_where_something_is_waited_for() -> None:
    """In between they are remembered; the second one changes nothing; what was ignored stays so."""
    steps = []
    with contextlib.suppress(KeyboardInterrupt), signals.signals_held():
        os.kill(os.getpid(), signal.SIGTERM)
        steps.append("held")
        try:
            with signals.interruptible():
                steps.append("never")
        finally:
            os.kill(os.getpid(), signal.SIGTERM)
            with signals.interruptible():
                steps.append("undone")
    assert steps == ["held", "undone"]
    assert signal.getsignal(signal.SIGTERM) is signals._heard  # whoever ends is not disturbed any more
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in signals._ENDING}
    yield
    signals._State.ending = False
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_signal_at_the_very_end_is_acted_on() -> None:
    """Behind all that was undone."""
    with pytest.raises(KeyboardInterrupt), signals.signals_held():
        os.kill(os.getpid(), signal.SIGHUP)


def test_an_ignored_signal_stays_ignored() -> None:
    """As nohup starts it."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with signals.listening():
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        os.kill(os.getpid(), signal.SIGHUP)
    assert signal.getsignal(signal.SIGTERM) is not signals._heard


def test_swapoff_goes_on_when_a_signal_cut_it_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """EINTR is no failure; any other error is, where the area is still in use."""
    answers = [4, 4, 4, 0]

    class Library:
        def swapoff(self, path: bytes) -> int:
            del path
            number = answers.pop(0)
            ctypes.set_errno(number)
            return -1 if number else 0

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: Library())
    monkeypatch.setattr(undo, "swap_areas", lambda: ("/x",))
    assert undo._swapoff("/x") is None
    assert answers == []
    answers[:] = [4, 12]
    assert undo._swapoff("/x") == os.strerror(12)


MAKES = """\
import os, sys
from procmem.lab import children
with children.child() as subject:
    if sys.argv[1] == "forked":
        with children.forked(subject) as other:
            print(subject.pid, other.pid, flush=True)
            sys.stdin.read()
    elif sys.argv[1] == "many":
        made = subject.do("many", "processes", 200)
        print(subject.pid, *made["pids"], flush=True)
        sys.stdin.read()
    else:
        children.output_of(["sh", "-c", "sleep 1000 & echo $$ $! > /dev/stderr; wait"], cwd="/", env={}, seconds=1000)
"""


@pytest.mark.parametrize("what", ["forked", "many"])
def test_no_child_outlives_a_run_that_is_killed(what: str) -> None:
    """Neither a child nor what it has forked."""
    with started([sys.executable, "-c", MAKES, what], ready=False, cwd=ROOT) as run:
        assert run.stdout is not None
        pids = list(map(int, run.stdout.readline().split()))
        assert len(pids) >= 2
        assert all(undo.start_of(pid) for pid in pids)
        run.kill()
        wait_for(lambda: not any(undo.start_of(pid) for pid in pids))


def test_no_program_outlives_a_run_that_is_killed(tmp_path: Path) -> None:
    """A runtime that was started by way of a guard, and what it has started."""
    told = tmp_path / "pids"
    code = MAKES.replace("/dev/stderr", str(told))
    with started([sys.executable, "-c", code, "guarded"], ready=False, cwd=ROOT) as run:
        wait_for(lambda: told.exists() and len(told.read_text().split()) == 2)
        pids = list(map(int, told.read_text().split()))
        assert all(undo.start_of(pid) for pid in pids)
        run.kill()
        wait_for(lambda: not any(undo.start_of(pid) for pid in pids))


def test_a_program_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    """And one that cannot be started says why."""
    told = tmp_path / "pids"
    words = ["sh", "-c", f"sleep 1000 & echo $$ $! > {told}; wait"]
    status, _out, err = children.output_of(words, cwd="/", env={"PATH": os.environ["PATH"]}, seconds=1)
    assert (status, err) == (None, b"")
    assert not any(undo.start_of(int(pid)) for pid in told.read_text().split())
    status, _out, err = children.output_of(["/no/such/program"], cwd="/", env={}, seconds=1)
    assert (status, err) == (None, b"No such file or directory")


@pytest.mark.parametrize(
    ("outcome", "status"), [(RestoreOutcome.FAILED, 6), (RestoreOutcome.LEFT, 0), (RestoreOutcome.RESTORED, 0)]
)
def test_what_cannot_be_put_back_is_a_status(
    outcome: RestoreOutcome, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An experiment that agrees is not all well while its swap file is still on."""
    told = Restored("swap", "/var/tmp/x", outcome, None)
    monkeypatch.setattr(machine_state, "recover", lambda listener: listener.restores(told))
    result = CliRunner().invoke(lab, ["rights"], standalone_mode=False)
    assert (result.return_value, "swap area /var/tmp/x" in result.stderr) == (status, True)


@pytest.mark.needs_root
def test_signals_at_random_moments() -> None:
    """A few of the many that ``python -m tests.gate.lab_signals`` sends."""
    assert lab_signals.run(8, 14) == []
