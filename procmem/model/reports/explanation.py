"""What ``procmem explain`` tells: a head, blocks of regions with their sentences, and findings."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from procmem.model.reports.inspection import Inspection

__all__ = ["Block", "Explained", "Explanation", "Finding", "PageFacts", "Phrasebook"]


class Phrasebook(NamedTuple):
    """All words of one language, by section and key, as its file has them; ``{braces}`` are filled with figures."""

    language: str
    sections: Mapping[str, Mapping[str, Any]]

    def say(self, section: str, key: str, **figures: object) -> str:
        """A sentence with its figures; an unknown key is an error of ours, never a blank."""
        template: str = self.sections[section][key]
        return template.format(**figures)

    def has(self, section: str, key: str) -> bool:
        """Whether there is such a sentence."""
        return key in self.sections.get(section, {})


class Explained(NamedTuple):
    """One region explained. ``region`` is its index in the report's regions.

    ``sentence`` says what it is and how much of it is in memory, ``why`` how we know, ``classic`` where it stands in
    the textbook's picture.
    """

    region: int
    sentence: str
    why: str
    classic: str


class Block(NamedTuple):
    """Neighbouring regions with one explanation; a region alone is a block of one."""

    regions: tuple[int, ...]
    sentence: str


class Finding(NamedTuple):
    """Something that deserves attention. ``figures`` are the numbers behind it, in bytes where they are sizes."""

    name: str
    title: str
    meaning: str
    cure: str
    figures: Mapping[str, int | str | None]


class PageFacts(NamedTuple):
    """What is known of one page: ``frame`` is its physical frame number, None where that is not permitted.

    ``state`` is the bits of :class:`procmem.model.raw.PageState`, 0 for a page never touched, None if pagemap was
    refused; ``flags`` the names of its kernel flags (/proc/kpageflags), ``maps`` how often it is mapped (kpagecount).
    """

    address: int
    page_size: int
    state: int | None
    frame: int | None
    flags: tuple[str, ...] | None
    maps: int | None
    refusal: str | None = None


class Explanation(NamedTuple):
    """The answer of ``procmem explain``; ``layout`` is the sentence on the laws of the kernel's layout."""

    inspection: Inspection
    head: tuple[str, ...]
    regions: tuple[Explained, ...]
    blocks: tuple[Block, ...]
    findings: tuple[Finding, ...]
    page: PageFacts | None = None
    layout: str | None = None
