"""The constructors of a static program of x86: where they are, and whether their code leads to a new thread.

Here belongs what can be read of code without running it: from each constructor along its direct calls to the system
call that starts a thread. Functions are told apart by the unwind table, which a stripped file has as well, and a call
by its distance, which leads to the beginning of a function. What is called through a pointer is not followed, and a
call may be one that is never made: the answer is likely, not certain.

Source: gABI chapter 5, "Initialization and Termination Functions"; glibc csu/libc-start.c, call_init() of static
programs; sysdeps/unix/sysv/linux/x86_64/clone3.S and i386/clone3.S (since 2.34).
"""

from __future__ import annotations

import bisect
import re
import struct

from procmem.model.elf import (
    DT_INIT_ARRAY,
    DT_INIT_ARRAYSZ,
    DT_RELA,
    DT_RELASZ,
    PF_X,
    SHT_INIT_ARRAY,
)
from procmem.parse.eh_frame import CallFrames
from procmem.parse.elf import file_offset, read_sections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from procmem.model.elf import ElfImage
    from procmem.model.ports import ByteReader

__all__ = ["constructor_addresses", "constructors_with_threads"]

_CODE_BYTES_MAX = 64 << 20
_RELOCATION_BYTES_MAX = 16 << 20
_CONSTRUCTORS_MAX = 65_536
_FUNCTIONS_MAX = 20_000
"""So many functions are looked at: the constructors of an emulator with all its parts lead to 700."""
_CLONE3 = re.compile(rb"\xb8\xb3\x01\x00\x00.{0,16}?(?:\x0f\x05|\xcd\x80)", re.DOTALL)
"""mov $435, %eax; then syscall, or int $0x80."""
_CALL = re.compile(rb"(?=[\xe8\xe9](.{4}))", re.DOTALL)
"""A call, or a jump instead of a last call; the distance is counted from behind it. Any byte may begin one."""
_CALL_BYTES = 5


def constructor_addresses(reader: ByteReader, image: ElfImage, tags: Mapping[int, int]) -> tuple[int, ...] | None:
    """The entries of .init_array, as addresses of the headers; None where nothing says where it is.

    ``tags`` are those of the dynamic section, which a static program without PIE does not have. An entry that is filled
    in by something else than a plain relocation is left out.
    """
    start, size = tags.get(DT_INIT_ARRAY), tags.get(DT_INIT_ARRAYSZ)
    if start is None or size is None:
        if tags:
            return ()
        sections = read_sections(reader, image)
        if not sections:
            return None
        start, size = next(((one.addr, one.size) for one in sections if one.type == SHT_INIT_ARRAY), (0, 0))
    word, form = image.word_size, "Q" if image.bits == 64 else "I"
    size = min(size, _CONSTRUCTORS_MAX * word) // word * word
    offset = file_offset(image, start)
    data = reader.read_at(offset, size) if size and offset is not None else b""
    entries = [value for (value,) in struct.iter_unpack(f"<{form}", data[: len(data) // word * word])]
    if not all(entries):
        relocated = _addends(reader, image, tags)
        entries = [value or relocated.get(start + at * word, 0) for at, value in enumerate(entries)]
    return tuple(filter(None, entries))


def _addends(reader: ByteReader, image: ElfImage, tags: Mapping[int, int]) -> dict[int, int]:
    """What relocations with an addend make of places: the address, where they are relative to the load bias."""
    place = file_offset(image, tags[DT_RELA]) if DT_RELA in tags else None
    if place is None or image.bits != 64:
        return {}  # relocations of i386 have no addend: what they add to stands in place
    form = struct.Struct("<QQq")
    data = reader.read_at(place, min(tags.get(DT_RELASZ, 0), _RELOCATION_BYTES_MAX))
    return {
        at: addend
        for at, info, addend in form.iter_unpack(data[: len(data) // form.size * form.size])
        if info == _RELATIVE
    }


_RELATIVE = 8
"""R_X86_64_RELATIVE, without a symbol."""


def constructors_with_threads(reader: ByteReader, image: ElfImage, constructors: Sequence[int]) -> int:
    """How many of some constructors lead to the system call that starts a thread, by their direct calls."""
    code = _Code(reader, image)
    return sum(1 for address in constructors if code.leads_to_thread(address))


class _Code:
    """The functions of a program, as far as its unwind table tells them apart."""

    def __init__(self, reader: ByteReader, image: ElfImage) -> None:
        self._parts = [
            (segment.vaddr, reader.read_at(segment.offset, min(segment.filesz, _CODE_BYTES_MAX)))
            for segment in image.loads
            if segment.flags & PF_X
        ]
        self._starts = CallFrames(reader, image).starts
        self._known = frozenset(self._starts)

    def leads_to_thread(self, address: int) -> bool:
        """Whether what is reached from a function starts a thread."""
        seen, left = {address}, [address] if address in self._known else []
        while left and len(seen) <= _FUNCTIONS_MAX:
            function = left.pop()
            body = self._body(function)
            if _CLONE3.search(body):
                return True
            for call in _CALL.finditer(body):
                (distance,) = struct.unpack("<i", call[1])
                called = function + call.start() + _CALL_BYTES + distance
                if called in self._known and called not in seen:
                    seen.add(called)
                    left.append(called)
        return False

    def _body(self, start: int) -> bytes:
        """The bytes of a function, up to where the next one begins."""
        after = bisect.bisect_right(self._starts, start)
        for low, data in self._parts:
            if low <= start < low + len(data):
                end = self._starts[after] if after < len(self._starts) else low + len(data)
                return data[start - low : max(end, start) - low]
        return b""
