"""The plugin for pytest: a marker and a fixture that fail a test whose memory grows from round to round.

Whoever has procmem installed has this loaded in every run of pytest, so that nothing else of procmem is, until a test
asks for it. The two looks are taken by a process of their own: what procmem itself needs does not count. Here belongs
what pytest is told; what grew is told by :func:`procmem.diff`, and the sentences stand in ``procmem.text``.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, NoReturn

    from procmem.api import Report
    from procmem.model.reports.diff import Change, DiffReport

    Bound = int | str

__all__ = ["MemoryGrowth", "memory_growth"]

_MARKER = "memory_growth"
_ROUNDS, _WARMUP = 10, 2
_SHOWN = 8
_LOOK = """
import sys
sys.path[:] = {path!r}
import procmem
try:
    procmem.record({pid}, {to!r})
except procmem.ProcmemError as error:
    sys.exit(str(error))
"""


def _told(code: str, **figures: object) -> str:
    from procmem.text.pages.pytest_plugin import told  # noqa: PLC0415  # only where something is said

    return told(code, **figures)


def _fail(why: str) -> NoReturn:
    """Fail the test with this alone: where in the plugin it was found is nobody's concern.

    Raises:
        pytest.fail.Exception: always.
    """
    pytest.fail(why, pytrace=False)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _told("marker"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse the marker where it would be passed over in silence.

    Raises:
        pytest.fail.Exception: the test is none that can be run again.
    """
    if item.get_closest_marker(_MARKER) is None:
        return
    import unittest  # noqa: PLC0415  # only for marked tests

    if isinstance(getattr(item, "cls", None), type) and issubclass(item.cls, unittest.TestCase):  # type: ignore[attr-defined]
        _fail(_told("unittest"))


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Run the body of a marked test again and again, with the fixtures that it has."""
    marker = pyfuncitem.get_closest_marker(_MARKER)
    if marker is None:
        yield
        return
    import functools  # noqa: PLC0415  # only for marked tests

    body, watched = pyfuncitem.obj, MemoryGrowth()

    @functools.wraps(body)
    def again(**arguments: Any) -> None:
        watched(lambda: body(**arguments), *marker.args, **marker.kwargs)

    pyfuncitem.obj = again
    try:
        yield
    finally:
        pyfuncitem.obj = body


@pytest.fixture
def memory_growth() -> MemoryGrowth:
    """Call a function again and again, and fail the test where memory grows beyond a bound."""
    return MemoryGrowth()


class MemoryGrowth:
    """What a test calls: ``memory_growth(function, rss="8M", rounds=50)``."""

    def __call__(
        self, function: Callable[[], object], *, rounds: int = _ROUNDS, warmup: int = _WARMUP, **bounds: Bound
    ) -> Report[DiffReport]:
        """Call ``function`` without arguments, ``warmup`` times and then ``rounds`` times, and compare memory.

        ``bounds`` say by how much it may grow over all rounds, in bytes (``8_000_000``), with a unit (``"8M"``) or in
        per cent (``"5%"``): ``rss``, ``pss``, ``uss`` of the process, memory and swap of a class (``heap``, ``stack``,
        ``mmap``, ...), or of all (``total``). The report is what :func:`procmem.diff` gives.

        Raises:
            pytest.fail.Exception: memory grew by more, or that could not be told; no bound, or one that is none.
        """
        if not sys.platform.startswith("linux"):
            pytest.skip(_told("only linux"))
        if not bounds:
            _fail(_told("no bound"))
        if rounds < 1 or warmup < 0:
            _fail(_told("rounds"))
        conditions = [f"{name}>{bound}" for name, bound in bounds.items()]
        _need_conditions(conditions)
        import subprocess  # noqa: F401, PLC0415  # before the first look: what it takes is no growth
        import tempfile  # noqa: PLC0415  # only for tests that ask

        with tempfile.TemporaryDirectory(prefix="procmem-") as folder:
            before, after = os.path.join(folder, "before"), os.path.join(folder, "after")
            _repeat(function, warmup)
            _look(before)
            _repeat(function, rounds)
            _look(after)
            report = _compared(before, after, conditions)
        if report.value.failed:
            _fail(_message(report.value, rounds=rounds, warmup=warmup))
        return report


def _repeat(function: Callable[[], object], times: int) -> None:
    for _ in range(times):
        function()


def _look(path: str) -> None:
    """Have this process written down by another one: after what nobody holds any more was collected."""
    import subprocess  # noqa: PLC0415  # only for tests that ask

    gc.collect()
    code = _LOOK.format(path=sys.path, pid=os.getpid(), to=path)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        _fail(_told("unknown", reason=done.stderr.strip()[-2000:]))


def _compared(before: str, after: str, conditions: list[str]) -> Report[DiffReport]:
    from procmem.api import diff  # noqa: PLC0415  # only for tests that ask
    from procmem.errors import ProcmemError  # noqa: PLC0415

    try:
        return diff(before, after, fail_if_grows=conditions)
    except ProcmemError as error:
        _fail(_told("unknown", reason=error))


def _need_conditions(conditions: list[str]) -> None:
    from procmem.api import need_conditions  # noqa: PLC0415  # only for tests that ask
    from procmem.errors import Misuse  # noqa: PLC0415

    try:
        need_conditions(conditions)
    except Misuse as error:
        _fail(_told("bad bound", reason=error))


def _message(report: DiffReport, *, rounds: int, warmup: int) -> str:
    """Which bounds were passed, and whose memory grew most."""
    from procmem.text.diff import failure_text, whose_text  # noqa: PLC0415  # only where a test fails

    lines = [_told("grown", count=rounds, warmup=warmup)]
    for failure in report.failed:
        grown = failure.figures["grown"]
        assert isinstance(grown, int)
        lines.append(f"  {_told('bound', failure=failure_text(failure), each=grown // rounds)}")
    rows = [(by, change) for change in report.changes if (by := _growth(change)) > 0]
    rows.sort(key=lambda row: row[0], reverse=True)
    if rows:
        lines.append(_told("most"))
    for by, change in rows[:_SHOWN]:
        whose = whose_text(change.owner) or ("" if change.start is None else f"{change.start:x}")
        lines.append(f"  {_told('row', grown=by, cls=change.cls, kind=change.kind, whose=whose)}".rstrip())
    return "\n".join(lines).encode("utf-8", "backslashreplace").decode("utf-8")


def _growth(change: Change) -> int:
    """Bytes of memory and swap."""
    before, after = (0 if side is None else side.held or 0 for side in (change.before, change.after))
    return after - before
