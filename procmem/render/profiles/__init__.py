"""The registry of profile formats: one row here and one module beside it is all that a new one takes.

A format's module has ``write(stacks, measure) -> bytes``. Profiles are read by viewers (flame graphs, speedscope,
pprof), not by people: they are no format of pages, since they sum regions and nothing else. ``has_all`` says that the
format holds all measures that are known; others hold the one that is asked for.
"""

import importlib

from procmem.model.named_tuple import NamedTuple
from procmem.render.stacks import StackProfile

__all__ = ["PROFILES", "ProfileFormat", "write_profile"]


class ProfileFormat(NamedTuple):
    """A format of profiles: its module, and what it holds."""

    module: str
    has_all: bool
    is_text: bool


PROFILES = {
    "folded": ProfileFormat("folded", has_all=False, is_text=True),
    "speedscope": ProfileFormat("speedscope", has_all=True, is_text=True),
    "pprof": ProfileFormat("pprof", has_all=True, is_text=False),
}
"""Every format by its name on the command line."""


def write_profile(name: str, stacks: StackProfile, measure: str) -> bytes:
    """StackProfile as one file; ``measure`` is the one that a viewer is to show first."""
    module = importlib.import_module(f"procmem.render.profiles.{PROFILES[name].module}")
    data: bytes = module.write(stacks, measure)
    return data
