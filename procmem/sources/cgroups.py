"""The memory files of control groups, of both versions, wherever they are mounted."""

from __future__ import annotations

import os

from procmem.sources.files import read_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["read_cgroup", "read_limits"]

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


def read_limits(mount: bytes, paths: Iterable[bytes], version: int) -> list[tuple[bytes, dict[str, bytes]]]:
    """The files of some groups that tell what they are charged, and may be; groups without files are left out."""
    names = _OF_EACH_LEVEL[:5] if version == 2 else _OF_EACH_LEVEL[5:]
    found = ((path, read_cgroup(mount, path, names)) for path in paths)
    return [(path, files) for path, files in found if files]


def read_cgroup(mount: bytes, path: bytes, names: Iterable[str] = _FILES) -> dict[str, bytes]:
    """The files of one group that are there and may be read, by name."""
    folder = os.path.join(mount, path.lstrip(b"/"))
    found = {}
    for name in names:
        content = read_whole(os.path.join(os.fsdecode(folder), name), None)
        if isinstance(content, bytes):
            found[name] = content
    return found
