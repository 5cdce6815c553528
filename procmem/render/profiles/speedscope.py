"""The file format of speedscope (https://www.speedscope.app/file-format-schema.json): a sampled profile a measure.

Each stack is one sample, whose weight is bytes. A measure that is not known of all regions has no profile.
"""

import json
from collections.abc import Sequence

from procmem.render.stacks import COUNT, Measure, StackProfile

__all__ = ["SCHEMA", "write"]

_NO_UNIT = "none"
"""What the format calls the unit of a number."""
SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def write(stacks: StackProfile, measure: str) -> bytes:
    """All measures that are known; the viewer begins with the one that is asked for."""
    frames: dict[str, int] = {}
    samples = []
    values = []
    for names, all_values in stacks.rows:
        samples.append([frames.setdefault(name, len(frames)) for name in names])
        values.append(all_values)
    known = list(stacks.known())
    document = {
        "$schema": SCHEMA,
        "exporter": "procmem",
        "name": stacks.name,
        "activeProfileIndex": [one.name for _, one in known].index(measure),
        "shared": {"frames": [{"name": name} for name in frames]},
        "profiles": [_profile(one, samples, [row[at] or 0 for row in values]) for at, one in known],
    }
    return f"{json.dumps(document, ensure_ascii=False)}\n".encode()


def _profile(measure: Measure, samples: Sequence[list[int]], weights: Sequence[int]) -> dict[str, object]:
    """One measure; stacks of which nothing is there are left out."""
    kept = [(sample, weight) for sample, weight in zip(samples, weights, strict=True) if weight]
    return {
        "type": "sampled",
        "name": measure.name,
        "unit": _NO_UNIT if measure.unit == COUNT else measure.unit,
        "startValue": 0,
        "endValue": sum(weight for _, weight in kept),
        "samples": [sample for sample, _ in kept],
        "weights": [weight for _, weight in kept],
    }
