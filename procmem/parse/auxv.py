"""``/proc/<pid>/auxv``: what the kernel told the process at exec, and what gives away its word size.

The file is pairs of words without any header: of the process's own word size and byte order, which may
differ from the reader's. Each reading is tried, and the one that makes sense is taken.
Source: getauxval(3); fs/binfmt_elf.c, create_elf_tables().
"""

import struct

from procmem.model.auxv import AT_PAGESZ

__all__ = ["parse_auxv"]

_PAGE_SIZES = {1 << shift for shift in range(12, 19)}


def parse_auxv(data: bytes) -> tuple[dict[int, int], int] | None:
    """Give the vector and the process's word size in bits; None where no reading of the bytes makes sense.

    A process may replace its auxv (PR_SET_MM_AUXV), so nonsense is possible and no error.
    """
    for bits, form in ((64, "<QQ"), (32, "<II"), (64, ">QQ"), (32, ">II")):
        if len(data) % struct.calcsize(form):
            continue
        vector = {}
        for key, value in struct.iter_unpack(form, data):
            if key == 0:
                break
            vector[key] = value
        else:
            continue  # it has no end
        if vector.get(AT_PAGESZ) in _PAGE_SIZES and max(vector) < 1024:
            return vector, bits
    return None
