"""``/proc/<pid>/cgroup`` and the memory files of control groups, of both versions.

Source: cgroups(7); Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst.
"""

from collections.abc import Mapping

from procmem.model.numbers import whole_number
from procmem.model.reports.system import CgroupMemory
from procmem.parse.mountinfo import mount_points

__all__ = ["memory_cgroup", "memory_mount", "parse_cgroup_files"]

_UNLIMITED = 1 << 60  # v1 says "no limit" as the largest number of whole pages


def memory_cgroup(content: bytes) -> bytes | None:
    """The group that a process's memory is charged to: the v1 memory controller's, else the unified one's."""
    unified = None
    for line in content.split(b"\n"):
        hierarchy, _, rest = line.partition(b":")
        controllers, _, path = rest.partition(b":")
        if b"memory" in controllers.split(b","):
            return path
        if hierarchy == b"0" and not controllers:
            unified = path
    return unified


def memory_mount(mountinfo: bytes) -> tuple[bytes, int] | None:
    """Where the memory controller is mounted, and its version; None where it is not."""
    mounts = mount_points(mountinfo, (b"cgroup", b"cgroup2"))
    first = [point for point, options in mounts if b"memory" in options.split(b",")]
    if first:
        return first[0], 1
    second = [point for point, _ in mount_points(mountinfo, (b"cgroup2",))]
    return (second[0], 2) if second else None


def parse_cgroup_files(version: int, files: Mapping[str, bytes]) -> CgroupMemory:
    """What a group's files say, in bytes; None where a file is missing, or says that there is no limit."""
    names = (
        ("memory.current", "memory.max", "memory.swap.current")
        if version == 2
        else ("memory.usage_in_bytes", "memory.limit_in_bytes", "memory.memsw.usage_in_bytes")
    )
    current, limit, swap = (_number(files.get(name)) for name in names)
    if version == 1:
        swap = None if swap is None or current is None else max(swap - current, 0)
    stat = {}
    for line in files.get("memory.stat", b"").split(b"\n"):
        key, _, value = line.partition(b" ")
        if (size := whole_number(value)) is not None:
            stat[key.decode("ascii", "replace")] = size
    return CgroupMemory(
        current=current,
        limit=None if limit is not None and limit >= _UNLIMITED else limit,
        swap=swap,
        kernel=_number(files.get("memory.kmem.usage_in_bytes")),
        stat=stat,
    )


def _number(text: bytes | None) -> int | None:
    """A file's one number; ``max`` and what is missing are None."""
    return whole_number((text or b"").strip())
