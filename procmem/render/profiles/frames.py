"""The frames of a memory profile: class, kind, owner, mapped object; of several processes these before them."""

from collections.abc import Iterator, Sequence

from procmem.model.owners import owner_name
from procmem.model.reports.inspection import ProcessFacts
from procmem.model.reports.profile import MEASURES, MemoryProfile, RegionSum
from procmem.render.escaping import printable
from procmem.render.stacks import Measure, ProfileStack, StackProfile
from procmem.text import english, listed

__all__ = ["frames_of", "memory_stacks", "process_frame"]


def process_frame(process: ProcessFacts) -> str:
    """A process by its name and pid."""
    name = printable(process.comm) or "?"
    return name if process.pid is None else f"{name} ({process.pid})"


def frames_of(one: RegionSum) -> tuple[str, ...]:
    """From the outermost to the innermost; an owner or object that says nothing new is left out."""
    frames = [one.kind.cls.value, str(one.kind)]
    for name in (owner_name(one.owner), one.mapping):
        shown = printable(name)
        if shown and shown != frames[-1]:
            frames.append(shown)
    return tuple(frames)


@english()
def memory_stacks(profiles: Sequence[MemoryProfile]) -> StackProfile:
    """The sums of regions; a measure that is not known of all has no place in some formats."""
    name = listed(process_frame(one.process) for one in profiles)
    return StackProfile(name, tuple(map(Measure, MEASURES)), tuple(_rows(profiles)))


def _rows(profiles: Sequence[MemoryProfile]) -> Iterator[ProfileStack]:
    """Each sum with its frames; where there are several processes, these come first."""
    for profile in profiles:
        first = (process_frame(profile.process),) if len(profiles) > 1 else ()
        for one in profile.sums:
            yield ProfileStack((*first, *frames_of(one)), one.sizes)
