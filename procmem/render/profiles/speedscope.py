"""The file format of speedscope (https://www.speedscope.app/file-format-schema.json): a sampled profile a measure.

Each stack is one sample, whose weight is bytes. A measure that is not known of all regions has no profile.
"""

import json
from collections.abc import Sequence

from procmem.model.reports.profile import MemoryProfile
from procmem.render.profiles.frames import known_of_all, process_frame, stacks
from procmem.text import english, listed

__all__ = ["SCHEMA", "write"]

SCHEMA = "https://www.speedscope.app/file-format-schema.json"


@english()
def write(profiles: Sequence[MemoryProfile], measure: str) -> bytes:
    """All measures that are known; the viewer begins with the one that is asked for."""
    frames: dict[str, int] = {}
    samples = []
    sizes = []
    for names, one in stacks(profiles):
        samples.append([frames.setdefault(name, len(frames)) for name in names])
        sizes.append(one.sizes)
    known = known_of_all(profiles)
    document = {
        "$schema": SCHEMA,
        "exporter": "procmem",
        "name": listed(map(process_frame, profiles)),
        "activeProfileIndex": [name for _, name in known].index(measure),
        "shared": {"frames": [{"name": name} for name in frames]},
        "profiles": [_profile(name, samples, [row[at] or 0 for row in sizes]) for at, name in known],
    }
    return f"{json.dumps(document, ensure_ascii=False)}\n".encode()


def _profile(name: str, samples: Sequence[list[int]], weights: Sequence[int]) -> dict[str, object]:
    """One measure; stacks of which nothing is there are left out."""
    kept = [(sample, weight) for sample, weight in zip(samples, weights, strict=True) if weight]
    return {
        "type": "sampled",
        "name": name,
        "unit": "bytes",
        "startValue": 0,
        "endValue": sum(weight for _, weight in kept),
        "samples": [sample for sample, _ in kept],
        "weights": [weight for _, weight in kept],
    }
