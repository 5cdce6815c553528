"""The frames of a stack: class, kind, owner, mapped object; of several processes the process before them."""

from collections.abc import Iterator, Sequence

from procmem.model.owners import owner_name
from procmem.model.reports.profile import MEASURES, MemoryProfile, RegionSum
from procmem.render.escaping import printable

__all__ = ["frames_of", "known_of_all", "process_frame", "stacks"]


def process_frame(profile: MemoryProfile) -> str:
    """A process by its name and pid."""
    name = printable(profile.process.comm) or "?"
    return name if profile.process.pid is None else f"{name} ({profile.process.pid})"


def frames_of(one: RegionSum) -> tuple[str, ...]:
    """From the outermost to the innermost; an owner or object that says nothing new is left out."""
    frames = [one.kind.cls.value, str(one.kind)]
    for name in (owner_name(one.owner), one.mapping):
        shown = printable(name)
        if shown and shown != frames[-1]:
            frames.append(shown)
    return tuple(frames)


def stacks(profiles: Sequence[MemoryProfile]) -> Iterator[tuple[tuple[str, ...], RegionSum]]:
    """Each sum with its frames; where there are several processes, these come first."""
    for profile in profiles:
        first = (process_frame(profile),) if len(profiles) > 1 else ()
        for one in profile.sums:
            yield (*first, *frames_of(one)), one


def known_of_all(profiles: Sequence[MemoryProfile]) -> list[tuple[int, str]]:
    """The measures that are known of every process, with their place among the sizes."""
    return [(at, name) for at, name in enumerate(MEASURES) if all(name in one.known() for one in profiles)]
