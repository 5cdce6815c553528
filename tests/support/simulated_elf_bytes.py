"""ELF32 files written as bytes: what no compiler would make, and what needs none."""

import struct
from typing import NamedTuple

PAGE = 4096
R, W, X = 4, 2, 1
PAUSE_FOREVER = b"\xb8\x1d\x00\x00\x00\xcd\x80\xeb\xf7"
"""mov eax, 29 (pause); int 0x80; again."""


class Load(NamedTuple):
    """One PT_LOAD; ``offset`` None takes the next free place in the file that fits the address."""

    vaddr: int
    filesz: int
    memsz: int
    flags: int
    align: int = PAGE
    offset: int | None = None


def elf32(
    loads: list[Load],
    *,
    pie: bool = False,
    gnu_stack: int | None = R | W,
    interpreter: bytes | None = None,
) -> bytes:
    """Write an ELF32 file; its entry point pauses for ever where the first executable segment has room."""
    headers = len(loads) + (gnu_stack is not None) + (interpreter is not None)
    place = 52 + 32 * headers
    interpreter_at = place
    if interpreter is not None:
        place += len(interpreter) + 1
    body: dict[int, bytes] = {}
    table = []
    entry = loads[0].vaddr
    if interpreter is not None:
        body[interpreter_at] = interpreter + b"\0"
        length = len(interpreter) + 1
        table.append(struct.pack("<8I", 3, interpreter_at, 0, 0, length, length, R, 1))
    found = False
    for load in loads:
        offset = load.offset
        if offset is None:
            offset = place // PAGE * PAGE + load.vaddr % PAGE
            while offset < place:
                offset += PAGE
            place = offset + load.filesz
        align = load.align
        table.append(struct.pack("<8I", 1, offset, load.vaddr, load.vaddr, load.filesz, load.memsz, load.flags, align))
        if load.flags & X and not found and load.filesz >= 16 and offset >= 52 + 32 * headers:
            entry, found = load.vaddr, True
            body[offset] = PAUSE_FOREVER
    if gnu_stack is not None:
        table.append(struct.pack("<8I", 0x6474E551, 0, 0, 0, 0, 0, gnu_stack, 16))
    ident = b"\x7fELF\x01\x01\x01" + bytes(9)
    head = ident + struct.pack("<HHIIIIIHHHHHH", 3 if pie else 2, 3, 1, entry, 52, 0, 0, 52, 32, headers, 0, 0, 0)
    data = bytearray(max(place, PAGE))
    data[: len(head)] = head
    data[52 : 52 + 32 * headers] = b"".join(table)
    for at, part in body.items():
        data[at : at + len(part)] = part
    return bytes(data)
