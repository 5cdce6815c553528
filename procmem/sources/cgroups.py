"""The memory files of control groups, of both versions, wherever they are mounted."""

import os
from collections.abc import Iterable

from procmem.sources.files import read_whole

__all__ = ["read_cgroup"]

_FILES = (
    "memory.current",
    "memory.max",
    "memory.swap.current",
    "memory.stat",
    "memory.usage_in_bytes",
    "memory.limit_in_bytes",
    "memory.memsw.usage_in_bytes",
    "memory.kmem.usage_in_bytes",
)


def read_cgroup(mount: bytes, path: bytes, names: Iterable[str] = _FILES) -> dict[str, bytes]:
    """The files of one group that are there and may be read, by name."""
    folder = os.path.join(mount, path.lstrip(b"/"))
    found = {}
    for name in names:
        content = read_whole(os.path.join(os.fsdecode(folder), name), None)
        if isinstance(content, bytes):
            found[name] = content
    return found
