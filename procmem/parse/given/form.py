"""Lines in the form of the kernel's maps and smaps, made of what other texts tell."""

from procmem.model.given_text import UNKNOWN_DEVICE, UNKNOWN_PERMISSION
from procmem.model.named_tuple import NamedTuple
from procmem.model.vma_names import is_file_in_memory, is_label

__all__ = ["FoundMapping", "maps_text", "smaps_text"]

_DEVICE_OF_KERNEL_OBJECTS = b"00:01"
_NO_FILE = (b"00:00", b"0")
_PERMISSIONS = 4


class FoundMapping(NamedTuple):
    """A mapping as some text tells it; ``device`` and ``inode`` are None where it does not say.

    ``perms`` may have fewer letters than four; ``counters`` are lines of smaps (``Rss`` to kB).
    """

    start: int
    end: int
    perms: bytes
    offset: int
    name: bytes
    device: bytes | None = None
    inode: bytes | None = None
    counters: tuple[tuple[str, int], ...] = ()
    flags: bytes | None = None


def maps_text(mappings: list[FoundMapping]) -> bytes:
    """The mappings as maps would print them; the form of unknown parts is told in ``model.given_text``."""
    return b"".join(line + b"\n" for line in _headers(mappings))


def smaps_text(mappings: list[FoundMapping]) -> bytes:
    """The mappings as smaps would print them, with the counters that are known."""
    lines: list[bytes] = []
    for header, mapping in zip(_headers(mappings), mappings, strict=True):
        lines.append(header)
        lines += (b"%s: %d kB" % (key.encode("ascii"), size) for key, size in mapping.counters)
        if mapping.flags is not None:
            lines.append(mapping.flags)
    return b"".join(line + b"\n" for line in lines)


def _headers(mappings: list[FoundMapping]) -> list[bytes]:
    numbers: dict[bytes, int] = {}
    return [_header(mapping, numbers) for mapping in mappings]


def _header(mapping: FoundMapping, numbers: dict[bytes, int]) -> bytes:
    device, inode = mapping.device, mapping.inode
    if inode is None:
        device, inode = _identity(mapping.name, numbers)
    perms = mapping.perms.ljust(_PERMISSIONS, UNKNOWN_PERMISSION.encode("ascii"))
    head = b"%08x-%08x %s %08x %s %s" % (mapping.start, mapping.end, perms, mapping.offset, device, inode)
    return head + b" " + mapping.name if mapping.name else head


def _identity(name: bytes, numbers: dict[bytes, int]) -> tuple[bytes, bytes]:
    """What stands for device and inode of a file of which nothing but its name is known: a number for each name."""
    if not name or is_label(name):
        return _NO_FILE
    number = b"%d" % numbers.setdefault(name, len(numbers) + 1)
    return (_DEVICE_OF_KERNEL_OBJECTS if is_file_in_memory(name) else UNKNOWN_DEVICE.encode("ascii")), number
