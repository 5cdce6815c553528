"""Facts of architectures are one table; sums say by their names what they do with what is unknown."""

import pytest

from procmem.model.machine import ARCHITECTURES, Architecture, architecture_of, is_32_bit_machine, kernel_stack_of
from procmem.model.machine_evidence import machine_shown_by
from procmem.model.raw import Machine
from procmem.model.unknown import exact_sum, known_sum
from procmem.parse.maps import parse_maps


def test_a_process_has_the_row_of_its_machine_and_word_size() -> None:
    """A 32-bit process on x86-64 has a row of its own."""
    assert architecture_of("x86_64", 32).space_end == 1 << 32
    assert architecture_of("x86_64", 64).space_end == 1 << 64
    assert architecture_of("i686", 32).kernel_stack == 8192


def test_an_unknown_machine_has_no_laws() -> None:
    """Neither is its kernel stack known, nor where its user space ends."""
    for machine in ("vax", None):
        assert architecture_of(machine, 32).layout is None
        assert architecture_of(machine, 64).border(1 << 40) is None
        assert kernel_stack_of(machine) is None
    assert architecture_of("x86_64", 64).layout is not None


@pytest.mark.parametrize("row", ARCHITECTURES, ids=lambda row: f"{row.machines[0]}-{row.bits}")
def test_user_space_ends_above_what_is_mapped(row: Architecture) -> None:
    """The smallest border near which something lies, else the usual one; beyond all of them none."""
    ends = [border.user_end for border in row.borders]
    assert ends == sorted(ends)
    (usual,) = [border for border in row.borders if border.usual]
    assert row.border(0) == usual
    for border in row.borders:
        assert row.border(border.user_end) == border
    assert row.border(row.space_end + 1) is None
    assert all(border.user_end <= (border.kernel_start or row.space_end) for border in row.borders)


STACKS = [
    ("x86_64", 64, 0x7FFD_74C9_F000, 1 << 47, 0xFFFF_8000_0000_0000),
    ("x86_64", 64, (1 << 56) - 4096, 1 << 56, 0xFF00_0000_0000_0000),
    ("x86_64", 32, 0xFFFF_D000, 0xFFFF_E000, None),
    ("aarch64", 64, 0x7F_FC12_3000, 0x80_0000_0000, 0xFFFF_FF80_0000_0000),
    ("aarch64", 64, 0x3FF_FC12_3000, 1 << 42, 0xFFFF_FC00_0000_0000),
    ("aarch64", 64, 0xFFFF_D6B0_2000, 0x1_0000_0000_0000, 0xFFFF_0000_0000_0000),
    ("aarch64", 32, 0xFFA0_0000, 0xFFFF_F000, None),
    ("armv7l", 32, 0xBE9F_0000, 0xBF00_0000, 0xC000_0000),
    ("armv7l", 32, 0x7EC7_5000, 0x7F00_0000, 0x8000_0000),
    ("riscv64", 64, 0x3F_FFA0_0000, 0x40_0000_0000, 0xFFFF_FFC0_0000_0000),
    ("riscv64", 64, 0x7FFF_FFA0_0000, 1 << 47, 0xFFFF_8000_0000_0000),
    ("ppc64le", 64, 0x7FFF_F000_0000, 1 << 47, 0xC000_0000_0000_0000),
    ("ppc64le", 64, 0x3FFF_F000_0000, 1 << 46, 0xC000_0000_0000_0000),
    ("s390x", 64, 0x3FF_FFF0_0000, 1 << 42, None),
    ("mips64", 64, 0xFF_FFC8_4000, 0x100_0000_0000, 0x8000_0000_0000_0000),
]


@pytest.mark.parametrize(("machine", "bits", "highest", "user_end", "kernel"), STACKS)
def test_each_architecture_has_its_own_border(
    machine: str, bits: int, highest: int, user_end: int, kernel: int | None
) -> None:
    """By where the main stack ends: the same machine may be configured with several sizes of address."""
    border = architecture_of(machine, bits).border(highest)
    assert border is not None
    assert (border.user_end, border.kernel_start) == (user_end, kernel)


MAPS = [
    (b"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n", "x86_64"),
    # translated code: the pages that the kernel maps decide, not the files
    (
        b"400000-401000 r-xp 00000000 08:01 7 /lib/aarch64-linux-gnu/libc.so.6\n"
        b"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n",
        "x86_64",
    ),
    (b"7ec54000-7ec75000 rw-p 0 00:00 0 [stack]\n7ee00000-7ee01000 r-xp 0 00:00 0 [sigpage]\n", "armv7l"),
    (b"ff854000-ff875000 rw-p 0 00:00 0 [stack]\nffff0000-ffff1000 r-xp 0 00:00 0 [vectors]\n", "aarch64"),
    (b"ffff8f500000-ffff8f640000 r-xp 0 08:15 9 /lib/aarch64-linux-gnu/libc-2.24.so\n", "aarch64"),
    (b"7f0000000000-7f0000001000 r-xp 0 08:15 9 /lib64/ld-linux-x86-64.so.2\n", "x86_64"),
    (b"f7f00000-f7f01000 r-xp 0 08:15 9 /lib/ld-linux.so.2\n", "x86_64"),
    (b"b7f00000-b7f01000 r-xp 0 08:15 9 /lib/ld-linux.so.2\n", "i686"),
    # a cross compiler reads libraries of the other machine as data
    (b"7f0000000000-7f0000001000 r--p 0 08:15 9 /usr/lib/aarch64-linux-gnu/libc.a\n", None),
    (
        b"400000-401000 r-xp 0 08:15 9 /lib/aarch64-linux-gnu/libc.so.6\n"
        b"500000-501000 r-xp 0 08:15 8 /lib/x86_64-linux-gnu/libc.so.6\n",
        None,
    ),
    (b"ffffc80000-ffffc84000 r-xp 0 00:00 0 [vdso]\n", None),
    (b"400000-401000 r-xp 0 00:00 0 /lib/aarch64-linux-gnu/no-inode\n", None),
]


@pytest.mark.parametrize(("text", "machine"), MAPS)
def test_a_bare_map_shows_its_machine_by_proof_alone(text: bytes, machine: str | None) -> None:
    """Pages of one kernel, then the files that are run, where all agree; else it is unknown."""
    assert machine_shown_by(parse_maps(text)) == machine


def test_machines_of_32_bits_alone() -> None:
    """x86-64 runs both."""
    assert is_32_bit_machine("i686")
    assert is_32_bit_machine("armv7l")
    assert not is_32_bit_machine("x86_64")
    assert not is_32_bit_machine(None)


@pytest.mark.parametrize(
    ("kernel", "release"),
    [("6.18.44-x", (6, 18)), ("4.4", (4, 4)), ("2.6.32-el6", (2, 6)), ("6", None), ("x.1", None), (None, None)],
)
def test_the_release_is_two_numbers(kernel: str | None, release: tuple[int, int] | None) -> None:
    """Or unknown."""
    assert Machine(kernel=kernel).release == release


def test_unknown_stays_unknown_in_an_exact_sum() -> None:
    """And is left out of a known one."""
    assert exact_sum([1, 2]) == 3
    assert exact_sum([1, None]) is None
    assert exact_sum([]) == 0
    assert known_sum([1, None, 2]) == 3
    assert known_sum([None]) is None
    assert known_sum([]) is None
