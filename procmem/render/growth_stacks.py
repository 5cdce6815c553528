"""CodeGrowth for viewers of profiles: threads, callers, the function that touched, and the memory that it filled."""

from collections import defaultdict
from collections.abc import Sequence

from procmem.model.code import ChainEnd
from procmem.model.owners import owner_name
from procmem.model.reports.growth import CodeGrowth, GrowthPlace, GrowthRow
from procmem.render.escaping import printable, printable_text
from procmem.render.profiles.frames import process_frame
from procmem.render.stacks import BYTES, COUNT, Measure, ProfileStack, StackProfile
from procmem.text import english, listed
from procmem.text.code import chain_end_text, frame_name
from procmem.text.owners import owner_text
from procmem.text.pages.growth import told

__all__ = ["GROWTH_MEASURES", "growth_stacks"]

GROWTH_MEASURES = ("bytes", "faults")
_UNITS = (BYTES, COUNT)


@english()
def growth_stacks(reports: Sequence[CodeGrowth]) -> StackProfile:
    """One stack for each chain of callers and memory; of several processes these are the outermost frame."""
    sums: defaultdict[tuple[str, ...], list[int]] = defaultdict(lambda: [0, 0])
    for report in reports:
        first = (process_frame(report.process),) if len(reports) > 1 else ()
        for row in report.rows:
            found = sums[*first, *_frames(row)]
            found[0] += row.size
            found[1] += row.faults
    name = listed(process_frame(report.process) for report in reports)
    measures = tuple(map(Measure, GROWTH_MEASURES, _UNITS))
    return StackProfile(name, measures, tuple(ProfileStack(frames, tuple(values)) for frames, values in sums.items()))


def _frames(row: GrowthRow) -> tuple[str, ...]:
    frames = [] if row.thread is None else [printable_text(owner_text(row.thread))]
    if row.stack is None:
        frames.append(told("nobody"))
    else:
        if row.stack.end is not ChainEnd.COMPLETE:
            frames.append(f"[{chain_end_text(row.stack.end)}]")
        frames += [printable_text(frame_name(one)) for one in reversed(row.stack.frames)]
    return (*frames, *_memory(row.place))


def _memory(place: GrowthPlace) -> tuple[str, ...]:
    """The kind, and the owner where there is one, as other profiles have them."""
    kind = str(place.kind) if place.kind is not None else place.role.value if place.role is not None else ""
    owner = printable(owner_name(place.owner))
    return tuple(f"[{word}]" for word in (kind, owner) if word) or (f"[{told('gone')}]",)
