"""The words of one page of a process: its state, its frame, and why more is not known."""

from procmem.model.raw import PageState
from procmem.model.reports.explanation import PageFacts
from procmem.text import N_, gettext, listed, say
from procmem.text.refusals import refusal_text

__all__ = ["page_sentences", "page_title"]

STATES = (
    (PageState.GUARD, N_("It is a guard page installed in the mapping.")),
    (PageState.ZERO, N_("It shows the common zero page: it was read, never written.")),
    (PageState.PRESENT, N_("It is in memory.")),
    (PageState.SWAPPED, N_("It is swapped out.")),
    (PageState.FILE, N_("It belongs to a file or to shared memory.")),
    (PageState.HUGE, N_("It is part of a huge page.")),
)
"""By bit of the state, in the order in which they are told."""

UNMAPPED = N_(
    "This process has not mapped it now; as a page of a file or of shared memory it may be in memory or in swap all the same."
)


def page_title(page: PageFacts) -> str:
    """Which page it is."""
    return say(N_("Page at {address:#x}"), {"address": page.address})


def page_sentences(page: PageFacts) -> list[str]:
    """All that is known of it."""
    sentences = []
    if page.state is not None:
        if not page.state and page.is_of_object:
            sentences.append(gettext(UNMAPPED))
        elif not page.state:
            sentences.append(gettext(N_("It was never touched: no physical page stands behind it yet.")))
        sentences += [gettext(words) for bit, words in STATES if page.state & bit]
    if page.frame is not None:
        sentences.append(say(N_("Its physical frame is {frame:#x}."), {"frame": page.frame}))
    if page.flags is not None:
        sentences.append(say(N_("The kernel's flags of that frame: {flags}."), {"flags": listed(page.flags) or "-"}))
    if page.maps is not None:
        sentences.append(say(N_("It is mapped {maps} times."), {"maps": page.maps}))
    if page.refusal is not None:
        sentences.append(say(N_("More is not permitted: {reason}."), {"reason": refusal_text(page.refusal)}))
    return sentences
