"""``/proc/<pid>/mountinfo``: which devices are file systems of a sort. Source: proc_pid_mountinfo(5)."""

from collections.abc import Collection

__all__ = ["MEMORY_TYPES", "devices_alone", "devices_of_type", "mount_ids_of_type", "mount_points"]

MEMORY_TYPES = (b"tmpfs", b"devtmpfs")
"""File systems whose files are shared memory (mm/shmem.c)."""


def devices_of_type(data: bytes, types: Collection[bytes]) -> frozenset[str]:
    """The devices of mounts of some types, as ``maps`` writes them (``00:1a``); other lines are passed over."""
    found = set()
    for line in data.split(b"\n"):
        fields, _, rest = line.partition(b" - ")
        words = fields.split()
        if len(words) > 2 and rest.split(b" ", 1)[0] in types:
            major, _, minor = words[2].partition(b":")
            if major.isdigit() and minor.isdigit():
                found.add(f"{int(major):02x}:{int(minor):02x}")
    return frozenset(found)


def mount_ids_of_type(data: bytes, types: Collection[bytes]) -> frozenset[int]:
    """The ids of mounts of some types: what fdinfo calls ``mnt_id``."""
    found = set()
    for line in data.split(b"\n"):
        fields, _, rest = line.partition(b" - ")
        number = fields.split(b" ", 1)[0]
        if number.isdigit() and rest.split(b" ", 1)[0] in types:
            found.add(int(number))
    return frozenset(found)


def mount_points(data: bytes, types: Collection[bytes]) -> tuple[tuple[bytes, bytes], ...]:
    """Mount point and options of each mount of some types, in the file's order; octal escapes are undone."""
    found = []
    for line in data.split(b"\n"):
        fields, _, rest = line.partition(b" - ")
        words = fields.split()
        kind = rest.split(b" ")
        if len(words) > 4 and kind[0] in types:
            point = words[4]
            for escape, byte in ((b"\\040", b" "), (b"\\011", b"\t"), (b"\\012", b"\n"), (b"\\134", b"\\")):
                point = point.replace(escape, byte)
            found.append((point, kind[-1]))
    return tuple(found)


def devices_alone(data: bytes, types: Collection[bytes]) -> bytes:
    """The lines of mounts of some types without what is private in them: names of folders, sources and options."""
    kept = []
    for line in data.split(b"\n"):
        fields, _, rest = line.partition(b" - ")
        words, kind = fields.split(), rest.split(b" ", 1)[0]
        if len(words) > 2 and kind in types:
            kept.append(b"%s / / rw - %s none rw\n" % (b" ".join(words[:3]), kind))
    return b"".join(kept)
