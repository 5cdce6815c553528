"""The memory files of control groups, of both versions, wherever they are mounted."""

import os
from collections.abc import Iterable

from procmem.sources.files import read_whole

__all__ = ["read_cgroup", "read_cgroups_above"]

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


_OF_EACH_LEVEL = (
    *("memory.current", "memory.max", "memory.swap.current", "memory.swap.max", "memory.pressure"),
    *("memory.usage_in_bytes", "memory.limit_in_bytes", "memory.memsw.usage_in_bytes", "memory.memsw.limit_in_bytes"),
)
_LEVELS_MAX = 32


def read_cgroups_above(mount: bytes, path: bytes, version: int) -> list[tuple[bytes, dict[str, bytes]]]:
    """The files of a group and of those above it, its own first; the nearest ones, where there are very many."""
    names = _OF_EACH_LEVEL[:5] if version == 2 else _OF_EACH_LEVEL[5:]
    found = []
    for _ in range(_LEVELS_MAX):
        if files := read_cgroup(mount, path, names):
            found.append((path or b"/", files))
        if path in (b"", b"/"):
            break
        path = path.rpartition(b"/")[0]
    return found


def read_cgroup(mount: bytes, path: bytes, names: Iterable[str] = _FILES) -> dict[str, bytes]:
    """The files of one group that are there and may be read, by name."""
    folder = os.path.join(mount, path.lstrip(b"/"))
    found = {}
    for name in names:
        content = read_whole(os.path.join(os.fsdecode(folder), name), None)
        if isinstance(content, bytes):
            found[name] = content
    return found
