"""Signals at random moments to the experiments that change the machine, and what is left of them.

    python -m tests.gate.lab_signals --count 200 --seed 1

Needs root. A signal that can be caught must leave nothing behind at once; after SIGKILL, which cannot, the next
``procmem lab --restore``, or the next start of any experiment, has to undo everything: swap areas, the pool of huge
pages, vm.swappiness, cgroups, folders, shared memory; and not one process may live on. Whoever else uses the laboratory
meanwhile is waited for.
"""

import argparse
import contextlib
import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from procmem.lab import root_folder, scratch, undo
from procmem.model.reports.lab import Skipped

__all__ = ["exclusive", "main", "only_killer", "run"]

_EXPERIMENTS = (
    *("swap", "swappiness", "cold-files", "hugetlb") * 3,
    *("thousand", "frames", "shared-memory", "aslr", "goroutines", "java-threads", "fault-around"),
)
_MARK = "PROCMEM_GATE"
_HANG_SECONDS = 30
_ENDS_SECONDS = 20
_Plan = tuple[tuple[float, signal.Signals], ...]
"""Seconds to wait, and what to send then."""


def _plans(rng: random.Random) -> dict[str, _Plan]:
    """What may be sent: one signal, one again while the first is answered, many, and the end in the middle of that."""
    soon = rng.uniform(0, 0.06)
    return {
        "INT": ((0, signal.SIGINT),),
        "TERM": ((0, signal.SIGTERM),),
        "HUP": ((0, signal.SIGHUP),),
        "QUIT": ((0, signal.SIGQUIT),),
        "INT INT": ((0, signal.SIGINT), (soon, signal.SIGINT)),
        "HUP TERM": ((0, signal.SIGHUP), (soon, signal.SIGTERM)),
        "INT x 20": ((0, signal.SIGINT), *[(0.003, signal.SIGINT)] * 19),
        "KILL": ((0, signal.SIGKILL),),
        "KILL again": ((0, signal.SIGKILL),),
        "TERM KILL": ((0, signal.SIGTERM), (soon, signal.SIGKILL)),
    }


def run(count: int, seed: int) -> list[str]:
    """Send so many signals; what was found wrong, one line each."""
    return _run(count, seed)[0]


def _run(count: int, seed: int) -> tuple[list[str], Counter[str], Counter[str]]:
    """The failures, how often each was sent, and how the runs ended."""
    if os.geteuid() != 0:
        raise PermissionError("the experiments that change the machine need root")
    rng = random.Random(seed)
    failures: list[str] = []
    sent: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    with only_killer(), exclusive():
        before = _values()
    seconds = {name: _takes(name) for name in dict.fromkeys(_EXPERIMENTS)}
    for number in range(count):
        name = rng.choice(_EXPERIMENTS)
        word, plan = rng.choice(sorted(_plans(rng).items()))
        moment = rng.uniform(0, seconds[name])
        follow = rng.choice((_restored, _started_next))
        which = f"{number}: lab {name}, {word} after {moment:.3f} s"
        with only_killer():
            status, wrong = _attempt(name, plan, moment, follow, before)
        sent[word] += 1
        ended[status] += 1
        failures += [f"{which}: {one}" for one in wrong]
    return failures, sent, ended


def _attempt(
    name: str, plan: _Plan, moment: float, follow: Callable[[], list[str]], before: dict[str, int]
) -> tuple[str, list[str]]:
    """How one run ended, and what was wrong with it or left of it; ``follow`` is what comes after SIGKILL."""
    mark = uuid.uuid4().hex
    status, told = _struck(name, plan, moment, mark)
    if status is None:
        return "none", ["it did not end"]
    wrong = []
    # before procmem has begun, it is Python that answers SIGINT: with a traceback of its own files, and status 1
    is_pythons = "KeyboardInterrupt" in told and "procmem" not in told
    if (status == 1 and not is_pythons) or "internal error" in told or ("Traceback" in told and "procmem/lab" in told):
        wrong.append(f"status {status}: {told[-300:]}")
    if living := _outlived(mark):
        wrong.append(f"processes live on: {living}")
    if plan[-1][1] is signal.SIGKILL:
        wrong += follow()
    with exclusive():
        wrong += _left(before)
    return str(status), wrong


@contextlib.contextmanager
def exclusive() -> Iterator[None]:
    """Hold the machine's lock without undoing anything: what is there then is nobody's."""
    with _locked("lab.lock"):
        yield


@contextlib.contextmanager
def only_killer() -> Iterator[None]:
    """Keep others who kill runs waiting: what theirs leave until it is undone would be taken for what ours left."""
    with _locked("gate.lock"):
        yield


@contextlib.contextmanager
def _locked(name: str) -> Iterator[None]:
    folder = root_folder.open_folder()
    lock = root_folder.open_within(folder, name)
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
        os.close(folder)


def _values() -> dict[str, int]:
    values = {"vm.swappiness": int(undo.get(undo.SWAPPINESS))}
    with contextlib.suppress(OSError):
        values["huge pages"] = undo.persistent_huge_pages()
    return values


def _left(before: dict[str, int]) -> list[str]:
    """What is not as it was; the caller holds the lock."""
    wrong = [f"{name} is {value}, was {before[name]}" for name, value in _values().items() if value != before[name]]
    wrong += [f"swap area {path}" for path in undo.swap_areas() if undo.SWAP_NAME in path]
    with contextlib.suppress(Skipped):
        root, _version = undo.group_root()
        wrong += [f"cgroup {name}" for name in os.listdir(root) if name.startswith(scratch.PREFIX)]
    wrong += [f"folder {path}" for path in scratch.abandoned_folders()]
    wrong += [f"shared memory {path}" for path in scratch.abandoned_shared_memory()]
    journal = Path(root_folder.FOLDER, "lab.journal")
    if journal.stat().st_size:
        wrong.append(f"journal {journal.read_text()[:300]!r}")
    return wrong


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "procmem", "lab", *words]


def _takes(name: str) -> float:
    """Seconds of a run that nothing disturbs."""
    began = time.monotonic()
    subprocess.run(_command(name), capture_output=True, check=False, timeout=120)
    return time.monotonic() - began


def _struck(name: str, plan: _Plan, moment: float, mark: str) -> tuple[int | None, str]:
    """Run an experiment and send it signals: its status, None where it would not end, and what it said on stderr."""
    env = {**os.environ, _MARK: mark}
    with subprocess.Popen(
        _command(name), env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        time.sleep(moment)
        for pause, number in plan:
            time.sleep(pause)
            process.send_signal(number)
        try:
            _out, err = process.communicate(timeout=_HANG_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return None, ""
        return process.returncode, err.decode(errors="replace")


def _outlived(mark: str) -> list[str]:
    """What still lives of a run some seconds later: it has its mark in the environment, or runs from its folder."""
    end = time.monotonic() + _ENDS_SECONDS
    while (living := list(_living(mark))) and time.monotonic() < end:
        time.sleep(0.05)
    for pid in map(int, living):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return living


def _living(mark: str) -> Iterator[str]:
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if f"{_MARK}={mark}".encode() in Path(
                "/proc", pid, "environ"
            ).read_bytes() or scratch.PREFIX in os.readlink(f"/proc/{pid}/exe"):
                yield pid


def _restored() -> list[str]:
    """What is wrong with ``lab --restore`` after a run was killed."""
    done = subprocess.run(_command("--restore", "--json"), capture_output=True, check=False, timeout=120)
    if done.returncode:
        return [f"--restore: status {done.returncode}: {done.stderr.decode()[-300:]}"]
    leftovers = json.loads(done.stdout)["leftovers"]
    return [f"--restore: {one}" for one in leftovers if one["outcome"] != "restored"]


def _started_next() -> list[str]:
    """What is wrong with an experiment that needs nothing of the machine, after a run was killed."""
    done = subprocess.run(_command("rights", "--json"), capture_output=True, check=False, timeout=120)
    return [] if done.returncode == 0 else [f"rights: status {done.returncode}: {done.stderr.decode()[-300:]}"]


def main(words: Sequence[str] | None = None) -> int:
    """Run from the command line: failures one a line, and figures; 1 where anything failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="signals to send")
    parser.add_argument("--seed", type=int, default=1, help="of the random moments")
    asked = parser.parse_args(words)
    began = time.monotonic()
    failures, sent, ended = _run(asked.count, asked.seed)
    lines = [
        *failures,
        f"{asked.count} runs, seed {asked.seed}, {time.monotonic() - began:.0f} s: {len(failures)} failures",
        "sent: " + ", ".join(f"{word} {times}" for word, times in sorted(sent.items())),
        "ended: " + ", ".join(f"status {word} {times}" for word, times in sorted(ended.items())),
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
