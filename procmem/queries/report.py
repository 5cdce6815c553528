"""The question of ``procmem report``: all that is told of a process, read once; of a series; of a simulation."""

from __future__ import annotations

import time

from procmem.analyse.composition import courses, shares_of_classes, shares_of_regions
from procmem.errors import NothingMatches
from procmem.model.reports.explanation import Explanation
from procmem.model.reports.report import MemoryReport, ShownGrowth, Subject
from procmem.queries.examine import examine
from procmem.queries.explain import explained
from procmem.queries.explain_simulated import explain_simulated
from procmem.queries.growth import saved_growth, shown_growth
from procmem.queries.prefetch import FILES_OF_A_THREAD
from procmem.queries.series import chosen_in_series, looks_of
from procmem.queries.threads import threads_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procmem.model.ports import Target
    from procmem.model.program_files import ProgramFiles
    from procmem.model.region import Regions
    from procmem.model.reports.report import ClassShare
    from procmem.model.simulation import Prediction
    from procmem.queries.targets import Selection

__all__ = ["growths_in", "memory_report", "subject_of", "subject_of_simulation", "subjects_of_series"]

PROCESSES_MAX = 20
"""Processes of one series that are shown: those that changed most."""


def memory_report(
    subjects: Sequence[Subject], *, version: str, left_out: int, growths: Sequence[ShownGrowth] = ()
) -> MemoryReport:
    """The report of now."""
    return MemoryReport(tuple(subjects), time.time(), version, left_out, tuple(growths))


def growths_in(path: str) -> list[ShownGrowth]:
    """What ``growth -o`` has written, for a report.

    Raises:
        BadInput: as :func:`procmem.queries.growth.saved_growth`.
    """
    return [shown_growth(one) for one in saved_growth(path)]


def subject_of(target: Target, name: str, *, deep: bool) -> Subject:
    """Read a process once, and tell all of it: every part of the report is about one moment.

    Raises:
        ProcessGone, AccessRefused, MalformedFile: as :func:`procmem.queries.examine.examine`.
    """
    seen = examine(target, keys=None, thread_files=FILES_OF_A_THREAD, deep=deep, stacks=True)
    return Subject(
        name,
        explained(target, seen, drawn=True),
        _shares(seen.regions),
        None if seen.snapshot.threads is None else threads_in(target, seen),
    )


def _shares(regions: Regions | None) -> tuple[ClassShare, ...]:
    return () if regions is None else shares_of_regions(regions)


def subjects_of_series(path: str, selection: Selection) -> tuple[list[Subject], int]:
    """The processes of a series, or those of it that are named; and how many of them are left out.

    Raises:
        BrokenRecording: as :func:`procmem.queries.series.looks_of`.
        NothingMatches: no process that is named is in it.
    """
    chosen = chosen_in_series(selection)
    found = []
    for one, course in courses(path, looks_of(path)):
        if chosen(one):
            told = Explanation(one.report, (), (), (), ())
            found.append(Subject(path, told, shares_of_classes(one.report.classes), None, course))
    if not found:
        raise NothingMatches("none-recorded-so", source=path)
    return found[:PROCESSES_MAX], max(len(found) - PROCESSES_MAX, 0)


def subject_of_simulation(name: str, prediction: Prediction, files: ProgramFiles) -> Subject:
    """A simulated process.

    Raises:
        BadInput: there is no process at this stage.
    """
    told = explain_simulated(prediction, files, drawn=True)
    return Subject(name, told, _shares(told.inspection.regions))
