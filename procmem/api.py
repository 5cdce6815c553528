"""The public interface: processes and recordings examined from Python, with the same figures as on the command line.

Everything here is typed and keeps its name; what lies below may change. A report is a value of plain figures (bytes,
None for what is unknown), and can be had as rows, as the documented JSON, as the text that the command prints, and as a
table in a notebook.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import procmem.text.errors  # noqa: F401  # gives errors their sentences
from procmem.queries.targets import Selection, TargetRef, one_target, only_ref, source_of
from procmem.render.columns import plain_value
from procmem.render.formats import HTML, JSON, TEXT, write
from procmem.render.json.items import made
from procmem.render.style import Style, size_format
from procmem.text import english, use_language

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import TracebackType

    from procmem.model.ports import Source, Target
    from procmem.model.reports.account import AccountReport
    from procmem.model.reports.diff import DiffReport
    from procmem.model.reports.explanation import Explanation
    from procmem.model.reports.inspection import Inspection
    from procmem.model.reports.shared import SharedReport
    from procmem.model.reports.system import SystemReport
    from procmem.model.reports.threads import ThreadReport
    from procmem.render.page import Page, Value

__all__ = ["Process", "Recording", "Report", "diff", "examine", "open_recording", "record", "system", "use_language"]

_Figures = TypeVar("_Figures")


class Report(Generic[_Figures]):
    """One report: ``value`` holds the figures, and the methods lay them out.

    ``notes`` tell what could not be read, and why; a figure that is missing for that reason is None.
    """

    __slots__ = ("_page", "value")

    def __init__(self, value: _Figures, page: Page) -> None:
        self.value = value
        self._page = page

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read, and what must be known to read the figures."""
        return (*self._page.notes, *self._page.remarks)

    def rows(self) -> list[dict[str, Value]]:
        """The report's table: a dict a row, as ``pandas.DataFrame`` and ``pyarrow.Table.from_pylist`` take them.

        Sizes are bytes and times seconds, as numbers; addresses are text in hexadecimal, as in JSON and CSV, since
        those of kernel space (``[vsyscall]``) have no place among numbers of 64 bits with a sign. Unknown is None. Keys
        are those that ``--columns`` takes.

        Raises:
            AccessRefused: the mappings that the table would list may not be read.
        """
        with english():
            sheet = self._page.table()
        names = [column.name for column in sheet.columns]
        kinds = [column.kind for column in sheet.columns]
        return [dict(zip(names, map(plain_value, row, kinds), strict=True)) for row in sheet.rows]

    def to_dict(self) -> dict[str, Any]:
        """The document that ``--json`` prints, as its schema says (procmem/render/json/schemas)."""
        with english():
            return made(self._page.document())

    def to_json(self) -> str:
        """The same as text."""
        return write(JSON, [self._page], Style())

    def to_text(self, width: int | None = None) -> str:
        """What the command prints, fitted to a width where one is given."""
        return write(TEXT, [self._page], Style(width=width))

    def __str__(self) -> str:
        return self.to_text()

    def __repr__(self) -> str:
        return f"<Report: {type(self.value).__name__}>"

    def _repr_html_(self) -> str:
        """The table in a notebook, sizes with units."""
        return write(HTML, [self._page], Style(unit="human"))


class Process:
    """One process, alive or recorded. Each question reads it anew, so that a live one is seen as it is by then."""

    def __init__(self, reference: TargetRef) -> None:
        self._reference = reference

    @property
    def pid(self) -> int | None:
        """The process id; None where a recording does not say."""
        return self._reference.pid

    def __repr__(self) -> str:
        return f"Process({self._reference.name!r})"

    def _asked(self, question: Callable[[Target], _Figures]) -> _Figures:
        with self._reference.open() as target:
            return question(target)

    def inspect(self, *, regions: bool = False, classic: bool = False, deep: bool = False) -> Report[Inspection]:
        """What is in its memory: totals, classes, the account from VIRT to RES; with ``regions``, every byte range.

        ``classic`` folds the classes to text, data, BSS, heap, mmap and stack; ``deep`` reads a few words of its memory
        as well, which needs permission to trace it.

        Raises:
            ProcessGone, AccessRefused, BadInput: it ended, nothing of it may be read, or a file is damaged.
        """
        from procmem.queries.inspect import InspectOptions, inspect, listed  # noqa: PLC0415  # only this question
        from procmem.render.pages.inspect import inspect_page  # noqa: PLC0415

        options = InspectOptions(regions=regions, classic=classic, deep=deep)
        report = self._asked(lambda target: inspect(target, options, whole=regions))
        return Report(report, inspect_page(report, size_format(None)[1], listed=listed(report.regions, options)))

    def explain(self, *, deep: bool = False) -> Report[Explanation]:
        """Its map region by region in plain words, with what deserves attention.

        Raises:
            ProcessGone, AccessRefused, BadInput: as :meth:`inspect`.
        """
        from procmem.queries.explain import explain  # noqa: PLC0415  # only this question
        from procmem.render.pages.explain import ExplainChoice, explain_page  # noqa: PLC0415

        report = self._asked(lambda target: explain(target, deep=deep, whole=True))
        return Report(report, explain_page(report, ExplainChoice()))

    def account(self) -> Report[AccountReport]:
        """Where VIRT, RES, PSS and swap went, in parts that add up, and why other tools say something else.

        Raises:
            ProcessGone, AccessRefused, BadInput: as :meth:`inspect`.
        """
        from procmem.queries.account import account_of  # noqa: PLC0415  # only this question
        from procmem.render.pages.account import account_page  # noqa: PLC0415

        report = self._asked(account_of)
        return Report(report, account_page(report, *size_format(None)))

    def threads(self, *, deep: bool = False) -> Report[ThreadReport]:
        """Each thread with its stack, and what threads share.

        Raises:
            ProcessGone, AccessRefused, BadInput: as :meth:`inspect`.
        """
        from procmem.queries.threads import threads_of  # noqa: PLC0415  # only this question
        from procmem.render.pages.threads import threads_page  # noqa: PLC0415

        report = self._asked(lambda target: threads_of(target, deep=deep))
        return Report(report, threads_page(report, size_format(None)[1]))

    def shared(self) -> Report[SharedReport]:
        """Who else maps the objects that it maps, and what is private to it. Reads all other processes.

        Raises:
            ProcessGone, AccessRefused, BadInput: as :meth:`inspect`.
        """
        from procmem.queries.shared import shared_of  # noqa: PLC0415  # only this question
        from procmem.queries.targets import other_pids  # noqa: PLC0415
        from procmem.render.pages.shared import shared_page  # noqa: PLC0415

        source = self._reference.source
        report = self._asked(lambda target: shared_of(target, source, other_pids(source)))
        return Report(report, shared_page(report, size_format(None)[1], all_sharers=True))


class Recording:
    """A recording: what ``procmem record`` wrote, a copied process folder, or a text of a process."""

    def __init__(self, path: str, source: Source) -> None:
        self.path = path
        self._source = source

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that it holds, ascending; none where it does not say (a text)."""
        return tuple(pid for pid in self._source.pids() if pid is not None)

    def process(self, pid: int | None = None) -> Process:
        """One process of it; ``pid`` may be left out where there is only one.

        Raises:
            ProcessGone, BadInput: it holds no such process, or several and none was named.
        """
        words = () if pid is None else (str(pid),)
        return Process(only_ref(self.path, Selection(words, recording=self.path)))

    def __iter__(self) -> Iterator[Process]:
        return (self.process(pid) for pid in self.pids) if self.pids else iter([self.process()])

    def __len__(self) -> int:
        return max(len(self.pids), 1)

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, error, trace

    def __repr__(self) -> str:
        return f"Recording({self.path!r})"


def examine(target: int | str | os.PathLike[str]) -> Process:
    """A process by its pid, ``"self"``, ``"/proc/123"``, or the path of a recording of one process.

    Raises:
        ProcessGone, BadInput: no such process, or neither a pid nor a recording.
    """
    return Process(_reference(target))


def _reference(target: int | str | os.PathLike[str]) -> TargetRef:
    return one_target(str(target) if isinstance(target, int) else os.fspath(target))


def open_recording(path: str | os.PathLike[str]) -> Recording:
    """A recording by its path: a folder, an archive, or a text: maps, smaps, status, what pmap prints, ...

    Raises:
        BadInput: nothing there, damaged, or no recording.
    """
    name = os.fspath(path)
    return Recording(name, source_of(None, name))


def record(target: int | str | os.PathLike[str], path: str | os.PathLike[str], *, deep: bool = False) -> Recording:
    """Write down a process as ``procmem record`` does, without the arguments of its command line, and open that.

    ``path`` is a folder, or an archive where it ends in ``.tar.gz``; nothing may be there yet.

    Raises:
        ProcessGone, AccessRefused, BadInput: it cannot be read.
        ProcmemError: it cannot be written.
    """
    from procmem import __version__  # noqa: PLC0415  # only this question
    from procmem.queries.save_recording import record as record_target  # noqa: PLC0415
    from procmem.queries.save_recording import save_recording  # noqa: PLC0415

    with _reference(target).open() as opened:
        recorded = record_target(opened, deep=deep, keep_arguments=False)
    save_recording([recorded], os.fspath(path), version=__version__)
    return open_recording(path)


def system(*, by: str | None = None) -> Report[SystemReport]:
    """All processes, in sums that count no page twice; ``by`` is ``name``, ``user``, ``cgroup`` or ``tree``."""
    from procmem.queries import all_processes  # noqa: PLC0415  # only this question
    from procmem.render.pages.system import system_page  # noqa: PLC0415

    report, tree = all_processes.system(all_processes.SystemOptions(by=by))
    return Report(report, system_page(report, size_format(None)[1], tree))


def need_conditions(conditions: Iterable[str]) -> None:
    """Refuse conditions of growth that are none, before there is anything to compare.

    Raises:
        ProcmemError: one of them is none.
    """
    from procmem.queries.diff import conditions_of  # noqa: PLC0415  # only this question

    conditions_of(conditions)


def diff(
    before: int | str | os.PathLike[str] | Process,
    after: int | str | os.PathLike[str] | Process,
    *,
    deep: bool = False,
    fail_if_grows: Iterable[str] = (),
) -> Report[DiffReport]:
    """What grew, shrank, came and went between two looks.

    Each is what :func:`examine` takes (a pid, ``"self"``, the path of a recording) or what it gives; a live process is
    read at this moment, so that of two looks at one process the earlier is a recording (:func:`record`).
    ``fail_if_grows`` are conditions as ``procmem diff`` takes them (``heap>64M``, ``uss>10%``); ``value.failed`` has
    those that are met.

    Raises:
        ProcessGone, AccessRefused, BadInput: one of the two cannot be read.
        ProcmemError: a condition is none.
    """
    from procmem.queries.diff import conditions_of  # noqa: PLC0415  # only this question
    from procmem.queries.diff import diff as compare  # noqa: PLC0415
    from procmem.render.pages.diff import diff_page  # noqa: PLC0415

    first, last = (side._reference if isinstance(side, Process) else _reference(side) for side in (before, after))
    report = compare(first, last, deep=deep, threshold=1, conditions=conditions_of(fail_if_grows))
    return Report(report, diff_page(report, size_format(None)[1], everything=True))
