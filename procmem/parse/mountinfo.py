"""``/proc/<pid>/mountinfo``: which devices are file systems of a sort. Source: proc_pid_mountinfo(5)."""

from __future__ import annotations

from procmem.model.numbers import whole_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

__all__ = [
    "LOCAL_TYPES",
    "MEMORY_TYPES",
    "devices_alone",
    "devices_of_type",
    "file_system_of",
    "mount_ids_of_type",
    "mount_points",
    "option_of_proc",
    "root_of_mount",
    "unescaped",
]

MEMORY_TYPES = (b"tmpfs", b"devtmpfs")
"""File systems whose files are shared memory (mm/shmem.c)."""

LOCAL_TYPES = (
    *(b"ext2", b"ext3", b"ext4", b"xfs", b"btrfs", b"bcachefs", b"f2fs", b"zfs", b"jfs", b"reiserfs", b"nilfs2"),
    *(b"vfat", b"exfat", b"iso9660", b"udf", b"squashfs", b"erofs", b"cramfs", b"romfs", b"ubifs", b"jffs2"),
    *MEMORY_TYPES,
    *(b"ramfs", b"hugetlbfs"),
)
"""File systems of the kernel's own on local devices or in memory, which answer. Not overlay: what lies below it may be
any other."""


def _mounts(data: bytes, types: Collection[bytes]) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """The words of each mount of some types, before and behind the dash; other lines are passed over."""
    for line in data.split(b"\n"):
        fields, _, rest = line.partition(b" - ")
        words, behind = fields.split(), rest.split(b" ")
        if len(words) > 2 and behind[0] in types:
            yield words, behind


def devices_of_type(data: bytes, types: Collection[bytes]) -> frozenset[str]:
    """The devices of mounts of some types, as ``maps`` writes them (``00:1a``)."""
    found = set()
    for words, _ in _mounts(data, types):
        major, _, minor = words[2].partition(b":")
        if (first := whole_number(major)) is not None and (second := whole_number(minor)) is not None:
            found.add(f"{first:02x}:{second:02x}")
    return frozenset(found)


def mount_ids_of_type(data: bytes, types: Collection[bytes]) -> frozenset[int]:
    """The ids of mounts of some types: what fdinfo calls ``mnt_id``."""
    ids = (whole_number(words[0]) for words, _ in _mounts(data, types))
    return frozenset(mount for mount in ids if mount is not None)


def file_system_of(fdinfo: bytes, mountinfo: bytes) -> bytes | None:
    """The type of the file system of an open file, by ``/proc/<pid>/fdinfo``; None where that does not tell.

    Devices would not do: that of a file of btrfs is none of its mount.
    """
    wanted = next((line.split()[-1] for line in fdinfo.split(b"\n") if line.startswith(b"mnt_id:")), None)
    for line in mountinfo.split(b"\n"):
        fields, _, rest = line.partition(b" - ")
        if wanted is not None and fields.split(b" ", 1)[0] == wanted:
            return rest.split(b" ", 1)[0] or None
    return None


def mount_points(data: bytes, types: Collection[bytes]) -> tuple[tuple[bytes, bytes], ...]:
    """Mount point and options of each mount of some types, in the file's order; octal escapes are undone."""
    found = []
    for words, behind in _mounts(data, types):
        if len(words) > 4:
            found.append((unescaped(words[4]), behind[-1]))
    return tuple(found)


def root_of_mount(data: bytes, point: bytes) -> bytes | None:
    """Which folder of its file system is mounted at a point; None where nothing is."""
    found = None
    for line in data.split(b"\n"):
        words = line.split()
        if len(words) > 4 and unescaped(words[4]) == point:
            found = unescaped(words[3])  # the last mount is on top
    return found


def unescaped(path: bytes) -> bytes:
    """A path as the kernel escapes it in tables (mangle_path(), fs/seq_file.c), which mountinfo and swaps have."""
    for escape, byte in ((b"\\040", b" "), (b"\\011", b"\t"), (b"\\012", b"\n"), (b"\\134", b"\\")):
        path = path.replace(escape, byte)
    return path


def devices_alone(data: bytes, types: Collection[bytes]) -> bytes:
    """The lines of mounts of some types without what is private in them: names of folders, sources and options."""
    lines = (b"%s / / rw - %s none rw\n" % (b" ".join(words[:3]), behind[0]) for words, behind in _mounts(data, types))
    return b"".join(lines)


def option_of_proc(data: bytes, name: str) -> str | None:
    """The value of an option of the mount at /proc (``hidepid``); None where it has none. The last mount is on top."""
    options = [options for point, options in mount_points(data, (b"proc",)) if point == b"/proc"]
    found = [word for word in (options[-1].split(b",") if options else ()) if word.startswith(name.encode() + b"=")]
    return found[-1].partition(b"=")[2].decode("ascii", "replace") if found else None
