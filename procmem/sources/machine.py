"""Which machine this is."""

import os

__all__ = ["runs_x86_64"]


def runs_x86_64() -> bool:
    """Whether the kernel is one for x86-64."""
    return os.uname().machine == "x86_64"
