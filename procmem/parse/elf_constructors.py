"""Which code of an object runs before ``main``, and whether that of a static program of x86 leads to a new thread.

Here belongs what can be read of such code without running it: how much of it is the object's own, and what system calls
it leads to. Functions are told apart by the unwind table, which a stripped file has as well, and a call by its
distance, which leads to the beginning of a function. What is called through a pointer is not followed, and a call may
be one that is never made: the answer is likely, not certain.

Source: gABI chapter 5, "Initialization and Termination Functions"; glibc elf/dl-init.c, and csu/libc-start.c,
call_init() of static programs, which call _init() by its name; sysdeps/unix/sysv/linux/x86_64/clone3.S and
i386/clone3.S (since 2.34); for resolvers the x86-64 supplement, R_X86_64_IRELATIVE.
"""

from __future__ import annotations

import bisect
import re
import struct

from procmem.model.elf import (
    DT_INIT,
    DT_INIT_ARRAY,
    DT_INIT_ARRAYSZ,
    DT_JMPREL,
    DT_PLTRELSZ,
    DT_PREINIT_ARRAYSZ,
    DT_RELA,
    DT_RELASZ,
    PF_X,
    SHT_INIT_ARRAY,
    SHT_PREINIT_ARRAY,
    SHT_RELA,
)
from procmem.model.named_tuple import NamedTuple
from procmem.parse.eh_frame import CallFrames
from procmem.parse.elf import file_offset, read_sections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from procmem.model.elf import ElfImage
    from procmem.model.ports import ByteReader

__all__ = ["Constructors", "constructors_of", "constructors_with_threads"]

_CODE_BYTES_MAX = 64 << 20
_RELOCATION_BYTES_MAX = 16 << 20
_CONSTRUCTORS_MAX = 65_536
_FUNCTIONS_MAX = 20_000
"""So many functions are looked at: the constructors of an emulator with all its parts lead to 700."""
_SYSTEM_CALL = re.compile(rb"\x0f\x05|\x0f\x34|\xcd\x80")
"""syscall, sysenter, int $0x80."""
_CLONE3 = re.compile(rb"\xb8\xb3\x01\x00\x00.{0,16}?(?:\x0f\x05|\xcd\x80)", re.DOTALL)
"""mov $435, %eax; then syscall, or int $0x80."""
_CALL = re.compile(rb"(?=[\xe8\xe9](.{4}))", re.DOTALL)
"""A call, or a jump instead of a last call; the distance is counted from behind it. Any byte may begin one."""
_CALL_BYTES = 5


_INIT_SECTION = ".init"
"""What crti.o and crtn.o make of it calls nothing that an object brings along."""


class Constructors(NamedTuple):
    """How many functions an object has that run before ``main`` and are its own, beyond the one that each has.

    ``early`` are those among them that run before the entry point of the program that they belong to: those of
    .preinit_array, and resolvers of functions (STT_GNU_IFUNC) that make system calls, which none has to.
    ``addresses`` are those of .init_array in a static program, as the headers count them.
    """

    own: int
    early: int
    addresses: tuple[int, ...] = ()


def constructors_of(reader: ByteReader, image: ElfImage, tags: Mapping[int, int], *, is_static: bool) -> Constructors:
    """Count an object's constructors; where nothing says that it has none, one is counted.

    ``tags`` are those of the dynamic section, which a static program without PIE does not have.
    """
    early = tags.get(DT_PREINIT_ARRAYSZ, 0) // image.word_size
    if not tags:
        sections = read_sections(reader, image) or ()
        early = sum(one.size for one in sections if one.type == SHT_PREINIT_ARRAY) // image.word_size
    early += _acting_resolvers(reader, image, tags)
    if not is_static:
        listed = max(tags.get(DT_INIT_ARRAYSZ, 0) // image.word_size - 1, 0)
        return Constructors(listed + early + _has_own_init(reader, image, tags), early)
    addresses = _addresses(reader, image, tags)
    if addresses is None:
        return Constructors(1, 0)
    return Constructors(max(len(addresses) - 1, 0) + early, early, addresses)


def _has_own_init(reader: ByteReader, image: ElfImage, tags: Mapping[int, int]) -> bool:
    """Whether DT_INIT is another function than the linker's (ld -init)."""
    start = tags.get(DT_INIT)
    if not start:
        return False
    sections = read_sections(reader, image, names=True) or ()
    return not any(one.addr == start for one in sections if one.name == _INIT_SECTION)


def _addresses(reader: ByteReader, image: ElfImage, tags: Mapping[int, int]) -> tuple[int, ...] | None:
    """The entries of .init_array, as addresses of the headers; None where nothing says where it is.

    An entry that is filled in by something else than a plain relocation is left out.
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
    return {at: addend for at, info, addend in _relocations(reader, image, tags) if info == _RELATIVE}


_RELATIVE, _IRELATIVE = 8, 37
"""R_X86_64_RELATIVE and R_X86_64_IRELATIVE, without a symbol."""
_RELOCATION = struct.Struct("<QQq")


def _relocations(reader: ByteReader, image: ElfImage, tags: Mapping[int, int]) -> Iterator[tuple[int, int, int]]:
    """Place, type and addend of the relocations; none for i386, whose addends stand in place."""
    if image.bits != 64:
        return
    pairs = ((DT_RELA, DT_RELASZ), (DT_JMPREL, DT_PLTRELSZ))
    tables = [(file_offset(image, tags[at]), tags.get(size, 0)) for at, size in pairs if at in tags]
    if not tags:
        tables = [(one.offset, one.size) for one in read_sections(reader, image) or () if one.type == SHT_RELA]
    for offset, size in tables:
        data = reader.read_at(offset, min(size, _RELOCATION_BYTES_MAX)) if offset is not None else b""
        yield from _RELOCATION.iter_unpack(data[: len(data) // _RELOCATION.size * _RELOCATION.size])


def _acting_resolvers(reader: ByteReader, image: ElfImage, tags: Mapping[int, int]) -> int:
    """How many functions that choose other functions make system calls."""
    resolvers = {addend for _, info, addend in _relocations(reader, image, tags) if info == _IRELATIVE}
    if not resolvers:
        return 0
    code = _Code(reader, image)
    return sum(1 for address in resolvers if code.leads_to(address, _SYSTEM_CALL))


def constructors_with_threads(reader: ByteReader, image: ElfImage, constructors: Sequence[int]) -> int:
    """How many of some constructors lead to the system call that starts a thread, by their direct calls."""
    code = _Code(reader, image)
    return sum(1 for address in constructors if code.leads_to(address, _CLONE3))


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

    def leads_to(self, address: int, instructions: re.Pattern[bytes]) -> bool:
        """Whether some instructions stand in a function, or in one that is reached from it."""
        seen, left = {address}, [address] if address in self._known else []
        while left and len(seen) <= _FUNCTIONS_MAX:
            function = left.pop()
            body = self._body(function)
            if instructions.search(body):
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
