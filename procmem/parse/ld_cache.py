"""``/etc/ld.so.cache``: where the dynamic linker finds libraries. Source: glibc sysdeps/generic/dl-cache.h."""

import struct

from procmem.model.program_files import LdCacheEntry

__all__ = ["parse_ld_cache"]

_MAGIC = b"glibc-ld.so.cache1.1"
_EXTENSION_MAGIC, _EXTENSION_LEVELS = 0xEAA4_2174, 1
"""What the extensions begin with, and the tag of the one with the names of processor levels."""
_LEVEL_MARK, _LEVEL_MASK = 1 << 30, ~0x3FF
"""Upper half of an entry's hwcap whose lower half is the number of a level; ten bits tell of the level besides."""
_SECTIONS_MAX = 64


def parse_ld_cache(data: bytes) -> tuple[LdCacheEntry, ...]:
    """Read the entries of ``/etc/ld.so.cache``; an unknown form gives none.

    The older form may stand before the newer one, which then begins at the next multiple of 8.
    """
    start = data.find(_MAGIC)
    if start < 0 or len(data) < start + 48:
        return ()
    count, extensions = struct.unpack_from("<I8xI", data, start + 20)
    levels = _levels(data[start:], extensions)
    entries = []
    for number in range(min(count, (len(data) - start - 48) // 24)):
        flags, key, value, _version, hwcap = struct.unpack_from("<iIIIQ", data, start + 48 + 24 * number)
        level = b""
        if hwcap >> 32 & _LEVEL_MASK == _LEVEL_MARK:
            at = hwcap & 0xFFFF_FFFF
            level = levels[at] if at < len(levels) else b"?"
            hwcap = 0
        entries.append(LdCacheEntry(_text(data, start + key), _text(data, start + value), flags, hwcap, level))
    return tuple(entries)


def _levels(data: bytes, start: int) -> tuple[bytes, ...]:
    """The names of subdirectories of glibc-hwcaps, by the numbers that entries have for them."""
    if not 0 < start <= len(data) - 8:
        return ()
    magic, count = struct.unpack_from("<2I", data, start)
    if magic != _EXTENSION_MAGIC:
        return ()
    for number in range(min(count, _SECTIONS_MAX, (len(data) - start - 8) // 16)):
        tag, _flags, offset, size = struct.unpack_from("<4I", data, start + 8 + 16 * number)
        if tag == _EXTENSION_LEVELS and offset + size <= len(data):
            places = struct.unpack_from(f"<{size // 4}I", data, offset)
            return tuple(_text(data, place) for place in places)
    return ()


def _text(data: bytes, start: int) -> bytes:
    end = data.find(b"\0", start)
    return data[start:end] if end >= 0 else b""
