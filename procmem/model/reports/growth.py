"""What ``procmem growth`` tells: which code filled which memory, and how RES came from where it was to where it is.

Sizes are bytes, and None is unknown. What was counted page by page is exact; what was taken from samples is an
estimate, and says of how many.
"""

from procmem.model.code import ChainEnd, CodeFunction
from procmem.model.enumeration import Enumeration
from procmem.model.kinds import Kind, Role
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.owners import Owner, Thread
from procmem.model.region import Certainty
from procmem.model.reports.inspection import ProcessFacts

__all__ = [
    "ARRIVALS",
    "GROUPINGS",
    "CodeGrowth",
    "CodeStack",
    "CurvePoint",
    "GrowthPlace",
    "GrowthRow",
    "GrowthSum",
    "PageChange",
    "ResidentChange",
    "StatusChange",
]


class PageChange(Enumeration):
    """What became of a page between two looks at the page tables."""

    MADE = "made"
    """First touched: a new page of zeroes."""
    HUGE = "huge"
    """The same, in a transparent huge page, of which one touch makes all."""
    COPIED = "copied"
    """A private copy of a file's page, made by writing."""
    READ = "read"
    """A page of a file mapped."""
    SHARED = "shared"
    """A page of shared memory mapped."""
    SWAPPED_IN = "swapped in"
    GIVEN_BACK = "given back"
    """Anonymous memory that was unmapped, or told to be of no use (munmap, brk, MADV_DONTNEED)."""
    DROPPED = "dropped"
    """A page of a file or of shared memory that is no longer mapped."""
    SWAPPED_OUT = "swapped out"
    SWAP_FREED = "swap freed"
    """Swapped out, and then unmapped or given up."""
    COLLAPSED = "collapsed"
    """Was there, and is in a huge page by now: no more memory, and no less."""


ARRIVALS = (
    *(PageChange.MADE, PageChange.HUGE, PageChange.COPIED),
    *(PageChange.READ, PageChange.SHARED, PageChange.SWAPPED_IN),
)
"""What makes memory come, and is some code's doing."""
GROUPINGS = ("kind", "owner", "object", "function", "thread")


class ResidentChange(NamedTuple):
    """Pages of one change: what it does to anonymous memory, to memory of files and shared memory, and to swap."""

    change: PageChange
    anonymous: int
    file: int
    swap: int


class StatusChange(NamedTuple):
    """The same three figures as ``status`` shows them, before and after; None where it does not say."""

    anonymous: tuple[int | None, int | None]
    file: tuple[int | None, int | None]
    swap: tuple[int | None, int | None]


class GrowthPlace(NamedTuple):
    """The memory that grew, as a row of what fills RES has it. Without kind and owner nothing is known of it."""

    kind: Kind | None
    role: Role | None
    owner: Owner | None
    certainty: Certainty


class CodeStack(NamedTuple):
    """Functions, the innermost first; from ``certain`` on found by frame pointers. ``end`` says why no more."""

    frames: tuple[CodeFunction, ...]
    certain: int
    end: ChainEnd


class CurvePoint(NamedTuple):
    """A moment, in seconds since the beginning: RES and swap as ``status`` has them, and all faults until then."""

    seconds: float
    rss: int | None
    swap: int | None
    faults: int


class GrowthRow(NamedTuple):
    """Memory of one place that one chain of code filled in one thread.

    ``size`` is what of it is still there and was not before; ``faults`` are all page faults, also those whose pages
    have gone again. Both are estimates from ``samples``. ``change`` is None of faults that left nothing; ``stack`` and
    ``thread`` are None where no sample says who it was.
    """

    place: GrowthPlace
    change: PageChange | None
    thread: Thread | None
    stack: CodeStack | None
    size: int
    faults: int
    samples: int


class GrowthSum(NamedTuple):
    """Rows summed for people: by one of ``GROUPINGS``, or by all of them. What was not asked for is None.

    ``places`` are of how many kinds and owners it is, ``function`` is who asked for the memory, ``touched_by`` the
    innermost function where that is another one, such as ``memset`` (both of the largest row).
    """

    place: GrowthPlace | None
    function: CodeFunction | None
    touched_by: CodeFunction | None
    thread: Thread | None
    object: bytes | None
    size: int
    faults: int
    samples: int


class CodeGrowth(NamedTuple):
    """One process over ``seconds``.

    ``faults`` is the kernel's own count, ``samples`` how many were looked at, ``lost`` how many found no room.
    ``resident`` is RES by the page tables before and after; None where they may not be read, and then sizes of rows are
    estimates that nothing holds. ``copied_after_fork`` are pages that were there, and were written while another
    process had them too: they cost memory that RES does not show. ``sees_kernel`` is False where faults in system calls
    are not shown. ``cost`` is the seconds of a processor that we took. ``curve`` are some moments, in order.
    """

    process: ProcessFacts
    seconds: float
    faults: int
    samples: int
    lost: int
    period: int
    resident: tuple[int, int] | None
    changes: tuple[ResidentChange, ...]
    status: StatusChange | None
    copied_after_fork: int
    rows: tuple[GrowthRow, ...]
    page_size: int
    sees_kernel: bool
    cost: float
    curve: tuple[CurvePoint, ...] = ()
    warnings: tuple[Note, ...] = ()

    @property
    def grown(self) -> int:
        """What came, and is still there."""
        return sum(row.size for row in self.rows)
