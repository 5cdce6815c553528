"""Which test runs which line, in this process or in a command that it starts, and how long each test takes.

A command that a test starts is measured as well: it finds MUTANTS_COVERAGE in its environment, and the name of
the test in PYTEST_CURRENT_TEST, which pytest sets. It may have given up its rights by the time it writes what it ran,
or have few descriptors: anyone may write to the folder, and limits are lifted before (:data:`_LIFTED`).
"""

import contextlib
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CoverageMap", "measure"]

TESTED_BY = ("parse", "sources", "classify", "analyse", "queries", "cli", "model", "simulate", "render", "end_to_end")
"""The rooms of tests that are run: the four that are changed, and those that go through all of them."""

_OWN = "[run]\nsource = procmem\ndata_file = {folder}/cov/own\n"
_STARTED = (
    "[run]\nsource = procmem\nparallel = true\npatch = _exit\n"
    "data_file = {folder}/cov/started\ncontext = ${{PYTEST_CURRENT_TEST}}\n"
)
_LIFTED = """\
import atexit, contextlib, os, resource

def lift():
    for limit, most in ((resource.RLIMIT_NOFILE, 64), (resource.RLIMIT_AS, resource.RLIM_INFINITY)):
        with contextlib.suppress(OSError, ValueError):
            if resource.getrlimit(limit)[0] < most or most < 0:
                resource.setrlimit(limit, (most, most))

config = os.environ.get("MUTANTS_COVERAGE")
if config:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    lift()
    os.environ["COVERAGE_PROCESS_START"] = config
    import coverage
    coverage.process_startup()
    del os.environ["COVERAGE_PROCESS_START"]
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    atexit.register(lift)
"""
"""Of each Python that a test starts, as sitecustomize.py: what is registered later runs before coverage.py writes."""
ANY = 0
"""In place of the number of a line: whatever line it is."""
IMPORT = ""
"""The context of what runs before any test."""
_LINES = """
    SELECT path, context, numbits FROM line_bits
    JOIN file ON file.id = line_bits.file_id JOIN context ON context.id = line_bits.context_id
"""
"""Of what coverage.py documents of its file; its own reader asks once a file and takes minutes over a thousand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageMap:
    """Tests by the line they run (path from the root, then line), and the seconds each test takes.

    ``files`` are the files of the tests that were measured and the modules, each with a digest of its text. Of a module
    that is another one by now, line :data:`ANY` has all its tests: who knows which line is which.
    """

    tests: dict[str, dict[int, list[str]]]
    seconds: dict[str, float]
    files: dict[str, str]

    def tests_for(self, path: str, lines: Iterable[int], *, most_seconds: float) -> list[str]:
        """Tests that run one of the lines, the fastest first, until their time is spent.

        Those of the module's own room come before others that are up to four times as fast: they are about it.

        What runs while a module is imported is tested by all tests of the module's functions; a command that only
        imports it comes last. So is what no test is known to run: a child may, that was killed before it could tell.
        """
        by_line = self.tests.get(path, {})
        imported = {line for line, tests in by_line.items() if IMPORT in tests}
        of_functions = {test for line, tests in by_line.items() if line not in imported for test in tests}
        found = {test for line in (ANY, *lines) for test in by_line.get(line, ())} - {IMPORT}
        if not found or imported & set(lines):
            found |= of_functions
        room = path.split("/")[1]
        chosen: list[str] = []
        spent = 0.0

        def rank(test: str) -> tuple[bool, float]:
            return test not in of_functions, self.seconds[test] / (4 if f"tests/{room}/" in test else 1)

        for test in sorted(found, key=rank):
            spent += self.seconds[test]
            if chosen and spent > most_seconds:
                break
            chosen.append(test)
        return chosen

    def save(self, file: Path) -> None:
        """Keep it for another run over the same code."""
        file.write_text(json.dumps({"tests": self.tests, "seconds": self.seconds, "files": self.files}))

    @classmethod
    def load(cls, file: Path) -> "CoverageMap":
        """Read what :meth:`save` has written."""
        data = json.loads(file.read_text())
        tests = {path: {int(line): found for line, found in lines.items()} for path, lines in data["tests"].items()}
        return cls(tests=tests, seconds=data["seconds"], files=data["files"])

    def up_to_date(self, folder: Path) -> "CoverageMap":
        """The map of a copy of the project whose tests are other ones by now: those that changed are measured again."""
        files = digests(folder)
        changed = sorted(name for name, digest in files.items() if self.files.get(name) != digest)
        moved = {name for name in changed if not _is_test(name)}
        changed = [name for name in changed if _is_test(name)]
        kept = {name for name in files if name not in changed}

        def is_kept(test: str) -> bool:
            return test == IMPORT or test.partition("::")[0] in kept

        new = measure(folder, changed) if changed else CoverageMap(tests={}, seconds={}, files={})
        old = {path: _of_any_line(lines) if path in moved else lines for path, lines in self.tests.items()}
        tests = {
            path: {
                line: [*filter(is_kept, old.get(path, {}).get(line, ())), *new.tests.get(path, {}).get(line, ())]
                for line in sorted({*old.get(path, ()), *new.tests.get(path, ())})
            }
            for path in sorted({*old, *new.tests})
        }
        seconds = {test: spent for test, spent in self.seconds.items() if is_kept(test)}
        return CoverageMap(tests=tests, seconds=seconds | new.seconds, files=files)


def _is_test(name: str) -> bool:
    return name.startswith("tests/")


def _of_any_line(lines: dict[int, list[str]]) -> dict[int, list[str]]:
    return {ANY: sorted({test for tests in lines.values() for test in tests if test != IMPORT})}


def digests(folder: Path) -> dict[str, str]:
    """The files of tests and the modules, each with a digest of its text."""
    found = [file for room in TESTED_BY for file in sorted((folder / "tests" / room).rglob("test_*.py"))]
    found += sorted((folder / "procmem").rglob("*.py"))
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in found}


def measure(folder: Path, files: Sequence[str] | None = None) -> CoverageMap:
    """Run the tests of a copy of the project once, under coverage; or those of some files."""
    folder.chmod(0o711)  # a folder for oneself only, where it is a temporary one
    (folder / "cov").mkdir()
    (folder / "cov").chmod(0o1777)
    (folder / "sitecustomize.py").write_text(_LIFTED)
    (folder / "own.rc").write_text(_OWN.format(folder=folder))
    (folder / "started.rc").write_text(_STARTED.format(folder=folder))
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        *("--junitxml=times.xml", "-o", "junit_family=xunit1"),
        *("--cov=procmem", f"--cov-config={folder}/own.rc", "--cov-context=test", "--cov-report="),
        *(files or [f"tests/{room}" for room in TESTED_BY]),
    ]
    environment = {**os.environ, "PYTHONPATH": str(folder), "MUTANTS_COVERAGE": f"{folder}/started.rc"}
    subprocess.run(command, cwd=folder, env=environment, check=False)
    (folder / "sitecustomize.py").unlink()
    return read(folder, fails=_fails_without_coverage)


def _fails_without_coverage(folder: Path, tests: Collection[str]) -> set[str]:
    """Of tests that failed while they were measured, by the time or the files that it takes, those that always do."""
    if not tests:
        return set()
    command = [*(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"), "--junitxml=again.xml"]
    command += ["-o", "junit_family=xunit1", *sorted(tests)]
    subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(folder)}, check=False)
    return _results(folder / "again.xml")[1]


def _results(file: Path) -> tuple[dict[str, float], set[str]]:
    """Seconds of each test, and those that failed; all parameters of one together."""
    seconds: defaultdict[str, float] = defaultdict(float)
    failed = set()
    for case in ET.parse(file).iter("testcase"):
        test = f"{case.get('file')}::{(case.get('name') or '').split('[')[0]}"
        seconds[test] += float(case.get("time") or 0)
        if any(child.tag in {"failure", "error"} for child in case):
            failed.add(test)
    return dict(seconds), failed


def read(folder: Path, *, fails: Callable[[Path, Collection[str]], set[str]]) -> CoverageMap:
    """Put together what a run has written; of tests that failed, ``fails`` tells which cannot be used."""
    from coverage.numbits import numbits_to_nums  # noqa: PLC0415  # nothing but a run needs it

    seconds, failed = _results(folder / "times.xml")
    failed = fails(folder, failed)
    tests: defaultdict[str, defaultdict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for file in sorted((folder / "cov").iterdir()):
        with contextlib.closing(sqlite3.connect(file)) as database:
            for measured, context, bits in _rows(database):
                name = context.split("|")[0].split("[")[0].split(" (")[0]
                if name == IMPORT or (name in seconds and name not in failed):
                    path = os.path.relpath(measured, folder)
                    for line in numbits_to_nums(bits):
                        tests[path][line].add(name)
    plain = {path: {line: sorted(found) for line, found in lines.items() if found} for path, lines in tests.items()}
    return CoverageMap(tests=plain, seconds=seconds, files=digests(folder))


def _rows(database: sqlite3.Connection) -> list[tuple[str, str, bytes]]:
    try:
        return database.execute(_LINES).fetchall()
    except sqlite3.DatabaseError:  # a command that was killed while it wrote
        return []
