"""One page: its state, its physical frame and what the kernel says of that frame."""

from __future__ import annotations

from procmem.analyse.translation import frame_flags
from procmem.model.raw import Refusal
from procmem.model.reports.explanation import PageFacts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import Target
    from procmem.model.snapshot import Snapshot

__all__ = ["page_facts"]


def page_facts(target: Target, shot: Snapshot, address: int) -> PageFacts:
    """What may be known of the page that holds an address: its state, its frame, the frame's flags."""
    size = shot.page_size
    start = address // size * size
    runs = target.page_runs(((start, start + size),), size)
    state = None if isinstance(runs, Refusal) else (runs[0].state if runs else 0)
    is_of_object = shot.mappings is not None and shot.mappings.is_of_object_at(address)
    frame = target.page_frame(start, size)
    if isinstance(frame, Refusal):
        reason = runs if isinstance(runs, Refusal) else frame
        return PageFacts(address, shot.known_page_size, state, None, None, None, reason, is_of_object=is_of_object)
    if frame is None:
        return PageFacts(address, shot.known_page_size, state, None, None, None, is_of_object=is_of_object)
    bits, maps = target.frame_word("kpageflags", frame), target.frame_word("kpagecount", frame)
    flags = frame_flags(bits) if isinstance(bits, int) else None
    return PageFacts(address, shot.known_page_size, state, frame, flags, maps if isinstance(maps, int) else None)
