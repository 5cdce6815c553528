"""Core files made by hand: what is damaged is one error, and what is missing is unknown."""

import random
import struct

import pytest

from procmem.errors import BadInput
from procmem.model.auxv import AT_SYSINFO_EHDR
from procmem.model.elf import ElfImage
from procmem.parse import core as parse_core
from procmem.parse import elf as parse_elf
from procmem.parse.core import read_core

PAGE = 4096


class Held:
    """Bytes as a file."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def note(kind: int, data: bytes, name: bytes = b"CORE\0") -> bytes:
    """One note, padded."""
    return struct.pack("<III", len(name), len(data), kind) + name.ljust(8, b"\0") + data + bytes(-len(data) % 4)


def status(tid: int, sp: int, pc: int) -> bytes:
    """Struct elf_prstatus of x86-64."""
    registers = [0] * 27
    registers[19], registers[16] = sp, pc
    return bytes(32) + struct.pack("<4i", tid, 1, tid, tid) + bytes(64) + struct.pack("<27Q", *registers) + bytes(8)


def info(pid: int, name: bytes, arguments: bytes) -> bytes:
    """Struct elf_prpsinfo of x86-64."""
    head = bytes(24) + struct.pack("<4i", pid, 7, pid, pid)
    return head + name.ljust(16, b"\0") + arguments.ljust(80, b"\0")


def files(*ranges: tuple[int, int, int, bytes]) -> bytes:
    """NT_FILE."""
    words = b"".join(struct.pack("<3Q", start, end, offset // PAGE) for start, end, offset, _ in ranges)
    return struct.pack("<2Q", len(ranges), PAGE) + words + b"".join(path + b"\0" for *_, path in ranges)


def core(*loads: tuple[int, int, int, bytes], notes: bytes = b"", machine: int = 62, align: int = PAGE) -> bytes:
    """A core of these segments: address, size, flags, content."""
    count = len(loads) + 1
    at = 64 + 56 * count
    headers = struct.pack("<IIQQQQQQ", 4, 4, at, 0, 0, len(notes), 0, 4)
    data = notes
    for address, size, flags, content in loads:
        headers += struct.pack("<IIQQQQQQ", 1, flags, at + len(data), address, 0, len(content), size, align)
        data += content
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    head = struct.pack("<HHIQQQIHHHHHH", 4, machine, 1, 0, 64, 0, 0, 64, 56, count, 0, 0, 0)
    return ident + head + headers + data


NOTES = (
    note(1, status(20, 0x7FF0_0010, 0x40_0100))
    + note(3, info(20, b"name\n", b"./name one two "))
    + note(6, struct.pack("<8Q", 6, PAGE, 9, 0x40_0100, 31, 0x7FF0_0FF0, 0, 0))
    + note(0x46494C45, files((0x40_0000, 0x40_2000, 0, b"/opt/name"), (0x40_2000, 0x40_3000, 0x2000, b"/opt/name")))
    + note(1, status(21, 0x6000_0800, 0x40_0200))
    + note(0x200, bytes(100), b"LINUX\0")
)
HEAP = struct.pack("<2Q", 0, 0x291) + bytes(PAGE - 16)
WHOLE = core(
    (0x40_0000, 0x2000, 5, b"\x7fELF"),
    (0x40_2000, 0x1000, 6, bytes(PAGE)),
    (0x50_0000, 0x1000, 6, HEAP),
    (0x6000_0000, 0x1000, 6, bytes(PAGE)),
    (0x7FF0_0000, 0x1000, 6, bytes(PAGE)),
    notes=NOTES,
)


def test_what_a_core_tells() -> None:
    """Mappings with names, threads with registers, name and arguments."""
    found = read_core(Held(WHOLE))
    assert found is not None
    text = found.text
    assert text.pid == 20
    lines = text.files["maps"].decode().splitlines()
    assert [line.split()[:3] + line.split()[5:] for line in lines] == [
        ["00400000-00402000", "r-xp", "00000000", "/opt/name"],
        ["00402000-00403000", "rw-p", "00002000", "/opt/name"],
        ["00500000-00501000", "rw-p", "00000000", "[heap]"],
        ["60000000-60001000", "rw-p", "00000000"],
        ["7ff00000-7ff01000", "rw-p", "00000000", "[stack]"],
    ]
    assert text.files["task/21/syscall"] == b"-1 0x60000800 0x400200\n"
    assert text.files["cmdline"] == b"./name\0one\0two\0"
    assert b"Threads:\t2\n" in text.files["status"]
    assert b"Name:\tname\\n\n" in text.files["status"]


def test_registers_of_an_unknown_machine_are_unknown() -> None:
    """The thread is there, and where it stands is not told."""
    found = read_core(Held(core((0x1000, PAGE, 6, b""), notes=NOTES, machine=1)))
    assert found is not None
    assert found.text.files["task/21/syscall"] == b""


def test_an_elf_file_that_is_no_core() -> None:
    """A program."""
    assert read_core(Held(WHOLE[:16] + b"\x02" + WHOLE[17:])) is None


@pytest.mark.parametrize("data", [b"", b"\x7fELF", WHOLE[:80], core()])
def test_what_is_cut_off_is_refused(data: bytes) -> None:
    """In one way."""
    with pytest.raises(BadInput):
        read_core(Held(data))


def test_damage_is_refused_or_leaves_less() -> None:
    """Thousands of mutations: never another error."""
    draw = random.Random(5)
    for _ in range(3000):
        data = bytearray(WHOLE[: draw.choice([len(WHOLE), draw.randrange(len(WHOLE))])])
        for _ in range(draw.randint(1, 6)):
            if data:
                at = draw.randrange(min(len(data), 1800))
                data[at : at + draw.choice([1, 4, 8])] = draw.randbytes(draw.choice([1, 4, 8]))
        try:
            read_core(Held(bytes(data)))
        except BadInput:
            continue


def test_many_files_and_segments_are_joined_by_tables() -> None:
    """Tens of thousands of each: what is looked up for one is not searched among all."""
    count = 40_000
    ranges = tuple((0x1000_0000 + at * PAGE, 0x1000_0000 + (at + 1) * PAGE, 0, b"/f%d" % at) for at in range(count))
    loads = [(0x9000_0000 + at * PAGE, PAGE, 6, b"") for at in range(1000)]
    data = core(*loads, notes=note(0x46494C45, files(*ranges)), align=1)
    found = read_core(Held(data))
    assert found is not None
    assert found.text.files["maps"].count(b"\n") == count + len(loads)


@pytest.mark.parametrize(
    ("machine", "bits", "sp", "pc"),
    [(3, 32, 15, 12), (62, 64, 19, 16), (40, 32, 13, 15), (183, 64, 31, 32), (243, 64, 2, 0)],
)
def test_where_registers_stand(machine: int, bits: int, sp: int, pc: int) -> None:
    """By elf_gregset_t of each architecture (arch/*/include/uapi/asm/ptrace.h); a byte less, and they are unknown."""
    word, form = bits // 8, "I" if bits == 32 else "Q"
    head = bytes(16 + 2 * word) + struct.pack("<i", 9) + bytes(12 + 8 * word)
    registers = [0] * (max(sp, pc) + 1)
    registers[sp], registers[pc] = 0x111, 0x222
    data = head + struct.pack(f"<{len(registers)}{form}", *registers)
    image = ElfImage(
        bits=bits, little_endian=True, type=4, machine=machine, entry=0, phoff=0, shoff=0, shentsize=0, shnum=0,
        shstrndx=0, segments=(),
    )  # fmt: skip
    assert list(parse_core._status(data, image)) == [(9, 0x111, 0x222)]
    assert list(parse_core._status(data[:-1], image)) == [(9, None, None)]
    assert list(parse_core._status(head, image)) == [(9, None, None)]
    assert list(parse_core._status(head[:-1], image)) == []


@pytest.mark.parametrize(
    ("below", "names"),
    [
        ([(0, "r--")], ["[vvar]"]),
        ([(0, "r--"), (1, "r--")], ["[vvar]", "[vvar_vclock]"]),
        ([(0, "r--"), (1, "r--"), (2, "r--")], ["", "[vvar]", "[vvar_vclock]"]),
        ([(0, "rw-")], [""]),
        ([(0, "r-x")], [""]),
        ([(0, "r--"), (1, "rw-")], ["", ""]),
        ([(0, "rw-"), (1, "r--")], ["", "[vvar]"]),
        ([(0, "r--"), (2, "r--")], ["", "[vvar]"]),
        ([(9, "r--")], [""]),
        ([], []),
    ],
)
def test_what_touches_the_vdso_from_below(below: list[tuple[int, str]], names: list[str]) -> None:
    """One mapping, or two, that touch each other and may be read alone; the numbers are of pages, 9 lies elsewhere."""
    last = max((at for at, _ in below if at < 9), default=-1)
    base = 0x70000000 - (last + 1) * PAGE
    bits = {"r--": 4, "rw-": 6, "r-x": 5}
    loads = [(base + (at if at < 9 else -5) * PAGE, PAGE, bits[perms], b"") for at, perms in below]
    notes = note(1, status(9, 0, 0)) + note(6, struct.pack("<6Q", 6, PAGE, AT_SYSINFO_EHDR, 0x70000000, 0, 0))
    loads.append((0x70000000, PAGE, 5, b""))
    found = read_core(Held(core(*sorted(loads), notes=notes)))
    assert found is not None
    lines = [line.split() for line in found.text.files["maps"].decode().splitlines()]
    assert lines[-1][5:] == ["[vdso]"]
    assert [" ".join(line[5:]) for line in lines[:-1]] == names


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", "<>")
def test_the_number_of_very_many_headers(bits: int, order: str) -> None:
    """Stands in sh_info of the first section header, of either size and order; a file that ends there is damaged."""
    at = 1000 + (44 if bits == 64 else 28)
    data = bytes(at) + struct.pack(order + "I", 70_001)
    assert parse_elf._count_of_many(Held(data), 1000, order, bits) == 70_001
    with pytest.raises(BadInput) as caught:
        parse_elf._count_of_many(Held(data[:-1]), 1000, order, bits)
    assert caught.value.code == "elf-header-count"
