"""What ``procmem explain`` tells: a head, blocks of regions with their sentences, and findings."""

from __future__ import annotations

from procmem.model.enumeration import Enumeration
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.object_use import ObjectUse
from procmem.model.raw import Refusal
from procmem.model.reports.inspection import Inspection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BlockForm", "ExplainedBlock", "Explanation", "Finding", "PageFacts"]


class BlockForm(Enumeration):
    """How a run of regions is told: by one of them, as a loaded object, an arena with its reserve, or many alike."""

    ONE = "one"
    OBJECT = "object"
    ARENA = "arena"
    MANY = "many"


class ExplainedBlock(NamedTuple):
    """Neighbouring regions with one explanation; a region alone is a block of one.

    ``shown`` are the regions that the explanation is about: not the guard of a stack, for example. ``use`` says how
    the process holds the object of which they are a part, where it maps that several times; ``views_of`` is how much of
    an object they show, where that is less than they take.
    """

    regions: tuple[int, ...]
    form: BlockForm
    shown: tuple[int, ...]
    use: ObjectUse | None = None
    views_of: int | None = None


class Finding(NamedTuple):
    """Something that deserves attention. ``figures`` are the numbers behind it; sizes are bytes, and named so."""

    name: str
    figures: Mapping[str, int | str | tuple[int, ...] | None]


class PageFacts(NamedTuple):
    """What is known of one page: ``frame`` is its physical frame number, None where that is not permitted.

    ``state`` is the bits of :class:`procmem.model.raw.PageState`, 0 for a page never touched, None if pagemap was
    refused; ``is_of_object`` says that a file or shared memory stands behind it, so that it may be in memory or in swap
    although this process has not mapped it. ``flags`` are the names of the frame's kernel flags (/proc/kpageflags),
    ``maps`` how often it is mapped (kpagecount).
    """

    address: int
    page_size: int | None
    state: int | None
    frame: int | None
    flags: tuple[str, ...] | None
    maps: int | None
    refusal: Refusal | None = None
    is_of_object: bool = False


class Explanation(NamedTuple):
    """The answer of ``procmem explain``; ``classic`` is each region's place in the textbook's picture.

    ``freed`` is what ending the process would give back of memory and swap, ``again`` what RES counts more than once;
    None where smaps does not say.
    """

    inspection: Inspection
    head: tuple[Note, ...]
    classic: tuple[str, ...]
    blocks: tuple[ExplainedBlock, ...]
    findings: tuple[Finding, ...]
    page: PageFacts | None = None
    freed: int | None = None
    again: int | None = None
