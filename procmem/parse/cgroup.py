"""``/proc/<pid>/cgroup`` and the memory files of control groups, of both versions.

Source: cgroups(7); Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst.
"""

from __future__ import annotations

from procmem.model.numbers import whole_number
from procmem.model.reports.system import CgroupMemory
from procmem.parse.mountinfo import mount_points, root_of_mount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "ROOT_GROUP",
    "cgroup_text",
    "memory_cgroup",
    "memory_group",
    "memory_mount",
    "parents_of",
    "parse_cgroup_files",
    "parse_cgroup_text",
]

ROOT_GROUP = b"/"
_LINES_MAX = 1024
_LEVELS_MAX = 32
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


def parents_of(path: bytes) -> list[bytes]:
    """A group and those above it, the root at last; of very deep ones the nearest."""
    found = [path]
    while path not in (b"", b"/") and len(found) < _LEVELS_MAX:
        path = path.rpartition(b"/")[0] or b"/"
        found.append(path)
    return found


def memory_mount(mountinfo: bytes) -> tuple[bytes, int] | None:
    """Where the memory controller is mounted, and its version; None where it is not."""
    mounts = mount_points(mountinfo, (b"cgroup", b"cgroup2"))
    first = [point for point, options in mounts if b"memory" in options.split(b",")]
    if first:
        return first[0], 1
    second = [point for point, _ in mount_points(mountinfo, (b"cgroup2",))]
    return (second[0], 2) if second else None


def memory_group(mountinfo: bytes, cgroup: bytes) -> tuple[bytes, bytes, int] | None:
    """The folder of a process's memory group: its mount, the path below it, and the version; None where none is seen.

    A container may be shown a part of the tree alone: what is mounted there is left out of the path.
    """
    path, mount = memory_cgroup(cgroup), memory_mount(mountinfo)
    if path is None or mount is None:
        return None
    root = root_of_mount(mountinfo, mount[0])
    if root not in (None, b"/") and (path == root or path.startswith(root + b"/")):
        path = path[len(root) :] or b"/"
    return mount[0], path, mount[1]


def cgroup_text(version: int, levels: Iterable[tuple[bytes, Mapping[str, bytes]]]) -> bytes:
    """The files of a group and of those above it as one text: what a recording keeps; the first line of each file."""
    lines = [b"version %d" % version]
    for path, files in levels:
        lines.append(b"[%s]" % path)
        lines += [name.encode() + b" " + content.partition(b"\n")[0] for name, content in files.items()]
    return b"\n".join(lines) + b"\n"


def parse_cgroup_text(content: bytes) -> list[tuple[bytes, CgroupMemory]]:
    """The groups of :func:`cgroup_text`, a process's own first."""
    first, *lines = content.split(b"\n")
    groups: list[tuple[bytes, dict[str, bytes]]] = []
    for line in lines[:_LINES_MAX]:
        if line.startswith(b"[") and line.endswith(b"]"):
            groups.append((line[1:-1], {}))
        elif groups and line:
            name, _, value = line.partition(b" ")
            groups[-1][1][name.decode("ascii", "replace")] = value
    version = 1 if first == b"version 1" else 2
    return [(path, parse_cgroup_files(version, files)) for path, files in groups]


def parse_cgroup_files(version: int, files: Mapping[str, bytes]) -> CgroupMemory:
    """What a group's files say, in bytes; None where a file is missing, or says that there is no limit."""
    names = (
        ("memory.current", "memory.max", "memory.swap.current", "memory.swap.max")
        if version == 2
        else (
            "memory.usage_in_bytes",
            "memory.limit_in_bytes",
            "memory.memsw.usage_in_bytes",
            "memory.memsw.limit_in_bytes",
        )
    )
    current, limit, swap, swap_limit = (_number(files.get(name)) for name in names)
    limit = None if limit is not None and limit >= _UNLIMITED else limit
    if version == 1:
        swap = None if swap is None or current is None else max(swap - current, 0)
        both = swap_limit if swap_limit is not None and swap_limit < _UNLIMITED else None
        swap_limit = None if both is None or limit is None else max(both - limit, 0)
    stat = {}
    for line in files.get("memory.stat", b"").split(b"\n"):
        key, _, value = line.partition(b" ")
        if (size := whole_number(value)) is not None:
            stat[key.decode("ascii", "replace")] = size
    return CgroupMemory(
        current=current,
        limit=limit,
        swap=swap,
        kernel=_number(files.get("memory.kmem.usage_in_bytes")),
        stat=stat,
        swap_limit=swap_limit,
        pressure=_pressure(files.get("memory.pressure", b"")),
    )


def _pressure(content: bytes) -> float | None:
    """The average over ten seconds of the line "some" (Documentation/accounting/psi.rst)."""
    words = content.split(b"\n")[0].split()
    value = next((word[6:] for word in words if word.startswith(b"avg10=")), b"")
    whole, _, rest = value.partition(b".")
    if words[:1] != [b"some"] or whole_number(whole) is None or (rest and whole_number(rest) is None):
        return None
    return min(float(value), 100.0)


def _number(text: bytes | None) -> int | None:
    """A file's one number; ``max`` and what is missing are None."""
    return whole_number((text or b"").strip())
