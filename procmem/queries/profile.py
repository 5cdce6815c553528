"""The question of ``procmem inspect --format``: the regions of a process, summed for viewers of profiles."""

from procmem.analyse.profile import memory_profile
from procmem.errors import AccessRefused
from procmem.model.reports.inspection import Inspection
from procmem.model.reports.profile import MEASURES, MemoryProfile

__all__ = ["MEASURES", "profile_of"]


def profile_of(report: Inspection, measure: str) -> MemoryProfile:
    """The profile of an inspected process.

    Raises:
        AccessRefused: it has no mappings, they are not known, or nothing of the measure is.
    """
    report.need_regions()
    if report.regions is None:
        raise AccessRefused(report.process.pid, "nothing-to-draw")
    profile = memory_profile(report.process, report.regions)
    profile.need(measure)
    return profile
