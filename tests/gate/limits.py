"""Narrow limits, closed and full streams, odd surroundings: what a shell, a container or cron may hand to a command.

Here belongs what is around the command; what it is asked is about a living process, a recording, or the machine.
"""

import os
import resource
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from procmem.errors import ExitStatus
from tests.gate import command_lines
from tests.gate.law import DOCUMENTED, denials, offences
from tests.gate.part import Part, Result, Trial
from tests.gate.running import NOBODY, Outcome, become_nobody, command_line, in_process
from tests.support import needs
from tests.support.running import FIXTURES, started, state_of

__all__ = ["PART", "files_at_most"]

STATUSES = DOCUMENTED - {ExitStatus.INTERRUPTED}
ODD_LOCALES = (
    "C", "POSIX", "C.UTF-8", "zh_CN.UTF-8", "zh_CN.GBK", "zh", "de_DE@euro", "xx_YY.UTF-8", "../../etc", "zh/../en",
    "\x1b[31m", "\udcff", "z" * 5000, "", "zh_CN:en", "en_US.ISO-8859-1",
)  # fmt: skip
ODD_VALUES = {
    "COLUMNS": ("0", "1", "-5", "99999999999999999999", "abc", "", "39", "1e3", "\N{SUPERSCRIPT TWO}"),
    "LINES": ("0", "-1", "x", ""),
    "TERM": ("", "dumb", "nonsense", "../../etc/passwd", "\x1b[2J", "xterm-256color"),
    "TMPDIR": ("/nowhere", "/dev/full", "/proc", ""),
    "HOME": ("", "/nowhere", "\x1b"),
    "PAGER": ("/nowhere", "", "false", "exit 3"),
    "PATH": ("", "/nowhere"),
    "TZ": ("", "Nowhere/None", "../../etc/passwd", ":"),
    "NO_COLOR": ("", "1"),
    "PYTHONIOENCODING": ("ascii", "utf-8:strict", "ascii:strict"),
    "PYTHONOPTIMIZE": ("2",),
    "PYTHONWARNINGS": ("error", "always"),
    "PYTHONDEVMODE": ("1",),
    "PYTHONHASHSEED": ("0", "7"),
    "PYTHONUTF8": ("0", "1"),
    "MANWIDTH": ("7",),
}
FULL_DISK = """mount -t tmpfs -o size=64k none "$0"; head -c 1M /dev/zero >"$0/full" 2>/dev/null; exec "$@" """


@dataclass(frozen=True, slots=True, kw_only=True)
class Surrounding:
    """One thing that is odd: its name, what is done in the child, what stands before the command, and the environment.

    ``mute`` says that the answer or the complaint has no place to go to.
    """

    name: str
    before: Callable[[], None] | None = None
    by: Sequence[str] = ()
    environment: dict[str, str] | None = None
    mute: bool = False
    run: Callable[..., Outcome] = command_line
    may_lack: bool = False


def attempt(trial: Trial) -> Result:
    """Ask one question in one odd surrounding."""
    random = trial.random
    result = Result()
    with started(["sleep", "10000"], ready=False) as child:
        odd = random.choice(KINDS)(random, trial.folder)
        words = _question(random, trial.folder, child.pid)
        outcome = odd.run(*words, before=odd.before, environment=odd.environment, **({"by": odd.by} if odd.by else {}))
        told = offences(outcome, words, statuses=STATUSES, closed_output=odd.mute)
        if odd.may_lack and str(child.pid) in words and state_of(child.pid) == "S":
            told += denials(outcome)
        told += _left_behind(trial.folder, outcome, words)
    result.add([f"[{odd.name}]", *words], outcome, told)
    return result


def _question(random: Random, folder: Path, pid: int) -> list[str]:
    kind = random.random()
    if kind < 0.15:
        target = random.choice((str(pid), str(FIXTURES / "x86_64-6.18-python-threads")))
        return ["record", "-o", str(folder / random.choice(("out", "out.tar.gz"))), target]
    if kind < 0.2:
        return [*random.choice((["inspect", "-"], ["inspect", "--from", "-"], ["simulate", "--script", "-"]))]
    if kind < 0.25:
        return ["watch", "--count", "2", "--interval", "0.01", *random.choice(((), ("--json",), ("--csv",))), str(pid)]
    if kind < 0.35:
        words, formats = random.choice(command_lines.OF_A_MACHINE)
        return [*words, *random.choice(formats), "--from", str(FIXTURES / "x86_64-6.18-fork")]
    if kind < 0.4:
        return ["inspect", "--name", "no-such-name"]
    if kind < 0.45:
        return ["simulate", *random.choice(command_lines.ALL), *random.choice(((), ("/bin/true",)))]
    words, formats = random.choice(command_lines.OF_A_PROCESS)
    recordings = [str(FIXTURES / name) for name in ("x86_64-6.18-sleep", "x86_64-6.18-node")]
    return [*words, *random.choice(formats), random.choice((str(pid), str(pid), *recordings))]


def _left_behind(folder: Path, outcome: Outcome, words: Sequence[str]) -> list[str]:
    """Scratch of ``record``, or an output that it did not finish."""
    left = [path.name for path in folder.iterdir() if path.name not in ("out", "out.tar.gz", "disk")]
    told = [f"left behind: {left}"] if left else []
    if words[0] == "record" and outcome.status in (ExitStatus.CANNOT_WRITE, ExitStatus.NOT_PERMITTED):
        told += [f"left half-written: {path.name}" for path in folder.iterdir() if path.name.startswith("out")]
    return told


def _limit(kind: int, value: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(kind, (value, value))


def _few_files(random: Random, _: Path) -> Surrounding:
    count = random.randrange(5, 16)
    run = random.choice((command_line, in_process))
    return Surrounding(name=f"ulimit -n {count}", before=_limit(resource.RLIMIT_NOFILE, count), run=run, may_lack=True)


def files_at_most(size: int) -> Callable[[], None]:
    """A limit on the size of files. Python itself writes none: it would leave compiled modules that are cut off."""
    limited = _limit(resource.RLIMIT_FSIZE, size)

    def before() -> None:
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        limited()

    return before


def _little_memory(random: Random, _: Path) -> Surrounding:
    """Beyond what the interpreter has by then."""
    more = random.choice((0, 1, 2, 4, 8, 16, 32, 64)) << 20

    def before() -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + more)()

    return Surrounding(name=f"{more >> 20} MiB more", before=before, run=in_process, may_lack=True)


def _small_files(random: Random, _: Path) -> Surrounding:
    size = random.choice((0, 1, 512, 4096, 20_000, 100_000))
    return Surrounding(name=f"files of {size} bytes", before=files_at_most(size), mute=size < 100_000)


def _no_processes(random: Random, folder: Path) -> Surrounding:
    count = random.choice((0, 1, 2))
    if os.geteuid() == 0:
        os.chown(folder, NOBODY, NOBODY)

    def before() -> None:
        _limit(resource.RLIMIT_NPROC, count)()
        if os.geteuid() == 0:
            become_nobody()

    return Surrounding(name=f"ulimit -u {count}", before=before, run=in_process, may_lack=True)


def _small_stack(random: Random, _: Path) -> Surrounding:
    size = random.choice((128, 256, 1024)) << 10
    return Surrounding(name=f"a stack of {size} bytes", before=_limit(resource.RLIMIT_STACK, size))


def _little_time(_: Random, __: Path) -> Surrounding:
    return Surrounding(name="ulimit -t 1", before=_limit(resource.RLIMIT_CPU, 1))


def _streams(random: Random, _: Path) -> Surrounding:
    """Closed, full, read only, a pipe that nobody reads; with a folder Python itself does not start."""
    ways = {number: random.choice(("as it is", "closed", *_WAYS)) for number in (0, 1, 2)}

    def before() -> None:
        for number, way in ways.items():
            if way == "closed":
                os.close(number)
            elif way in _WAYS:
                descriptor = _WAYS[way]()
                os.dup2(descriptor, number)
                if descriptor > 2:
                    os.close(descriptor)

    return Surrounding(name=f"streams {ways}", before=before, mute={ways[1], ways[2]} != {"as it is"})


def _broken_pipe() -> int:
    ours, theirs = os.pipe()
    os.close(ours)
    return theirs


_WAYS: dict[str, Callable[[], int]] = {
    "full": lambda: os.open("/dev/full", os.O_RDWR),
    "null": lambda: os.open("/dev/null", os.O_RDWR),
    "read only": lambda: os.open("/dev/null", os.O_RDONLY),
    "broken pipe": _broken_pipe,
}


def _environment(random: Random, _: Path) -> Surrounding:
    environment = dict(os.environ) if random.random() < 0.8 else {}
    for name in random.sample(sorted(ODD_VALUES), random.choice((1, 1, 2, 4))):
        if random.random() < 0.2:
            environment.pop(name, None)
        else:
            environment[name] = random.choice(ODD_VALUES[name])
    changed = {name: value for name, value in environment.items() if os.environ.get(name) != value}
    return Surrounding(name=f"environment {changed!r}", environment=environment)


def _locale(random: Random, _: Path) -> Surrounding:
    names = random.sample(("LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LANGUAGE"), random.choice((1, 2)))
    changed = {name: random.choice(ODD_LOCALES) for name in names}
    return Surrounding(name=f"locale {changed!r}"[:200], environment=dict(os.environ) | changed)


def _folders(random: Random, folder: Path) -> Surrounding:
    """Where nothing can be written: another's folder, a full disk, a working folder that is gone."""
    kind = random.randrange(3)
    if kind == 0 and os.geteuid() == 0:
        return Surrounding(name="another's folder", before=become_nobody, run=in_process)
    if kind == 1 and needs.can_make_mount_namespace():
        return Surrounding(name="a full disk", by=["unshare", "--mount", "sh", "-c", FULL_DISK, str(folder)])
    gone = folder / "gone"

    def before() -> None:
        gone.mkdir()
        os.chdir(gone)
        gone.rmdir()

    return Surrounding(name="a working folder that is gone", before=before, run=in_process)


KINDS = (
    _few_files, _few_files, _little_memory, _small_files, _no_processes, _small_stack, _little_time, _streams, _streams,
    _environment, _locale, _folders,
)  # fmt: skip
PART = Part(
    name="limits",
    what="narrow limits, closed and full streams, odd environments and folders",
    full_count=2_000,
    attempt=attempt,
    lacking=lambda: None if shutil.which("sleep") else "sleep is not installed",
    cost=0.3,
)
