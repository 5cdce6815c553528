"""``/etc/ld.so.cache``: where the dynamic linker finds libraries. Source: glibc sysdeps/generic/dl-cache.h."""

import struct

from procmem.model.program_files import LdCacheEntry

__all__ = ["parse_ld_cache"]

_MAGIC = b"glibc-ld.so.cache1.1"


def parse_ld_cache(data: bytes) -> tuple[LdCacheEntry, ...]:
    """Read the entries of ``/etc/ld.so.cache``; an unknown form gives none.

    The older form may stand before the newer one, which then begins at the next multiple of 8.
    """
    start = data.find(_MAGIC)
    if start < 0 or len(data) < start + 48:
        return ()
    (count,) = struct.unpack_from("<I", data, start + 20)
    entries = []
    for number in range(min(count, (len(data) - start - 48) // 24)):
        flags, key, value, _version, hwcap = struct.unpack_from("<iIIIQ", data, start + 48 + 24 * number)
        entries.append(LdCacheEntry(_text(data, start + key), _text(data, start + value), flags, hwcap))
    return tuple(entries)


def _text(data: bytes, start: int) -> bytes:
    end = data.find(b"\0", start)
    return data[start:end] if end >= 0 else b""
