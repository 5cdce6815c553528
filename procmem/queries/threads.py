"""The question of ``procmem threads``: each thread with its stack, and what threads share."""

from __future__ import annotations

from procmem.analyse.inspection import warnings_of
from procmem.analyse.threads import thread_report
from procmem.errors import AccessRefused
from procmem.model.raw import Refusal
from procmem.queries.examine import examine
from procmem.queries.prefetch import FILES_OF_A_LIVE_THREAD, FILES_OF_A_THREAD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import Target
    from procmem.model.reports.threads import ThreadReport
    from procmem.queries.examine import Examination

__all__ = ["threads_in", "threads_of"]


def threads_of(target: Target, *, deep: bool) -> ThreadReport:
    """Read a process and its threads; with ``deep`` the C library's own list of them.

    Raises:
        ProcessGone, MalformedFile: as :func:`procmem.queries.examine.examine`.
        AccessRefused: the same, or a recording or text does not hold its threads.
    """
    files = FILES_OF_A_LIVE_THREAD if target.is_live else FILES_OF_A_THREAD
    seen = examine(target, thread_files=files, deep=deep, stacks=True)
    return threads_in(target, seen)


def threads_in(target: Target, seen: Examination) -> ThreadReport:
    """The same of a process that was examined already, with the files of its threads and all pages of its stacks.

    Raises:
        AccessRefused: a recording or text does not hold its threads.
    """
    if seen.snapshot.threads is None:
        raise AccessRefused(target.pid, "no-threads")
    files = target.names("fd")
    cwd, root = target.link("cwd"), target.link("root")
    return thread_report(
        seen.snapshot,
        seen.regions,
        seen.touched,
        open_files=None if isinstance(files, Refusal) else len(files),
        cwd=None if isinstance(cwd, Refusal) else cwd,
        root=None if isinstance(root, Refusal) else root,
        warnings=warnings_of(seen.snapshot, seen.regions, seen.peek_problem),
    )
