"""One mutant on trial: the tests that run its line, until one fails or the time is over."""

import ast
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.mutants.coverage_map import CoverageMap
from tests.mutants.sample import Mutant

__all__ = ["Verdict", "lines_of", "try_mutant"]

_TESTS_SECONDS_MAX = 25.0
_FIXED_SECONDS = 25.0
_SLOWER = 3.0
_MEMORY_MAX = 3 << 30
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether the tests noticed, and by what: a test, ``time``, ``memory`` or ``import``."""

    killed: bool
    by: str


def try_mutant(copy: Path, mutant: Mutant, tests: CoverageMap, *, number: int) -> Verdict:
    """Change the module in the copy, run the tests, and put it back."""
    lines = lines_of((copy / mutant.path).read_text(), mutant.line)
    chosen = tests.tests_for(mutant.path, lines, most_seconds=_TESTS_SECONDS_MAX)
    if not chosen:
        return Verdict(killed=False, by="no test runs it")
    seconds = _FIXED_SECONDS + _SLOWER * sum(tests.seconds[test] for test in chosen)
    file = copy / mutant.path
    before = file.read_text()
    try:
        _write(file, mutant.code(copy), 2 * number)
        return _run(copy, chosen, seconds)
    finally:
        _write(file, before, 2 * number + 1)


def lines_of(text: str, line: int) -> list[int]:
    """The lines by which a line is tested: its statement's as far as it, since not each has events of its own.

    Of a name that a module is given while it is imported, the lines that use the name.
    """
    tree = ast.parse(text)
    first = 1
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0):
            first = max(first, node.lineno)
            if node in tree.body and isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                named = [part for target in targets for part in ast.walk(target)]
                names = {part.id for part in named if isinstance(part, ast.Name)}
                used = [use for use in ast.walk(tree) if isinstance(use, ast.Name) and use.id in names]
                return [use.lineno for use in used if isinstance(use.ctx, ast.Load)] or [line]
    return list(range(first, line + 1))


def _write(file: Path, text: str, moment: int) -> None:
    """Write with a time of its own, so that no compiled file of another text passes for this one's."""
    file.write_text(text)
    os.utime(file, (1_500_000_000 + moment, 1_500_000_000 + moment))


def _run(copy: Path, chosen: list[str], seconds: float) -> Verdict:
    output = copy / "output.txt"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-rfE", "--tb=no", *chosen],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy)},
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
        over = _watch(process, time.monotonic() + seconds)
    text = output.read_text(errors="replace")
    found = _FAILED.search(text)
    if over is not None:
        return Verdict(killed=True, by=over)
    if process.returncode in {0, 5}:
        return Verdict(killed=False, by=f"{len(chosen)} tests")
    return Verdict(killed=True, by=found[1] if found else "import")


def _watch(process: "subprocess.Popen[bytes]", until: float) -> str | None:
    """Wait for the end, or end what takes too long or too much, with all that it has started."""
    over = None
    while process.poll() is None and over is None:
        time.sleep(0.1)
        if time.monotonic() > until:
            over = "time"
        elif _resident(process.pid) > _MEMORY_MAX:
            over = "memory"
    if over is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return over


def _resident(pid: int) -> int:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0
