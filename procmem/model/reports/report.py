"""What ``procmem report`` shows: several processes, recorded series and simulations, with all that is told of each."""

from procmem.model.kinds import ByteClass, Kind
from procmem.model.named_tuple import NamedTuple
from procmem.model.reports.explanation import Explanation
from procmem.model.reports.growth import CodeGrowth, GrowthSum
from procmem.model.reports.resident import Consumer
from procmem.model.reports.threads import ThreadReport

__all__ = ["ClassShare", "Course", "CourseRow", "KindSum", "MemoryReport", "ShownGrowth", "Subject"]


class KindSum(NamedTuple):
    """The regions of one kind in bytes; ``rss`` is None where it is unknown."""

    kind: Kind
    virt: int
    rss: int | None
    regions: int


class ClassShare(NamedTuple):
    """A class with the kinds that it consists of, the largest first; no kinds where only the class is known."""

    cls: ByteClass
    virt: int
    rss: int | None
    regions: int
    kinds: tuple[KindSum, ...]


class CourseRow(NamedTuple):
    """One figure at each look of a course, in bytes of memory and swap together, None where it is unknown.

    It is that of a class, or of memory with one purpose (``consumer``, as its last look had it). ``per_minute`` is the
    slope of the straight line through all looks, None where there are fewer than two.
    """

    cls: str | None
    consumer: Consumer | None
    sizes: tuple[int | None, ...]
    per_minute: int | None


class Course(NamedTuple):
    """Memory of one process over time. ``times`` are Unix time, one for each look that is shown, of ``looks`` in all.

    ``consumers`` are the rows that changed most, the others (``others`` in number) are left out.
    """

    times: tuple[float, ...]
    looks: int
    classes: tuple[CourseRow, ...]
    consumers: tuple[CourseRow, ...]
    others: int


class Subject(NamedTuple):
    """One process, recorded process, process of a series at its last look, or simulation.

    ``name`` is what the user called it. Of a series nothing is known of regions: its explanation has no blocks.
    ``threads`` is None where threads are not known.
    """

    name: str
    told: Explanation
    shares: tuple[ClassShare, ...]
    threads: ThreadReport | None = None
    course: Course | None = None


class ShownGrowth(NamedTuple):
    """What ``procmem growth`` has found of a process, with its rows summed by code and place, and by function."""

    report: CodeGrowth
    sums: tuple[GrowthSum, ...]
    functions: tuple[GrowthSum, ...]


class MemoryReport(NamedTuple):
    """The whole report; ``when`` is Unix time, ``version`` that of procmem.

    ``left_out`` counts processes of series that are not shown, since others changed more.
    """

    subjects: tuple[Subject, ...]
    when: float
    version: str
    left_out: int = 0
    growths: tuple[ShownGrowth, ...] = ()
