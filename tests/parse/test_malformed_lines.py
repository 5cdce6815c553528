"""What contradicts the kernel's form is refused with its code and its line; what is next to it is read."""

from collections.abc import Callable

import pytest

from procmem.errors import MalformedFile
from procmem.model.snapshot import SwapArea
from procmem.parse.status import parse_limits, parse_personality, parse_stat, parse_statm, parse_status, parse_syscall
from procmem.parse.system import (
    parse_guard_gap,
    parse_meminfo,
    parse_pressure,
    parse_segments_in_swap,
    parse_swaps,
    parse_uptime,
    parse_vmstat,
)

STAT = b"7 (x) S 1 2 3 4 -1 5 6 7 8 9 10 11 12 13 20 0 1 0 55 0 %s\n"
LIMITS = b"Limit                     Soft Limit           Hard Limit           Units     \n"
STACK = b"Max stack size            4096                 unlimited            bytes     \n"
SWAPS = b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


def statm(data: bytes) -> object:
    """By pages of 4096."""
    return parse_statm(data, 4096)


@pytest.mark.parametrize(
    ("parse", "data", "line", "code"),
    [
        (parse_status, b"Name:\tx\nVmRSS:\t 1 kB", 2, "last-line-cut"),
        (parse_status, b"Name:\tx\nVmRSS\n", 2, "not-key-value"),
        (parse_status, b"Name:\tx\nVmRSS:\tx kB\n", 2, "not-a-size"),
        (parse_status, b"VmRSS:\t" + b"1" * 21 + b" kB\n", 1, "not-a-size"),
        (parse_stat, (STAT % b"1")[:-1], 1, "line-cut"),
        (parse_stat, (STAT % b"1").replace(b"(", b""), 1, "no-command-name"),
        (parse_stat, (STAT % b"1").replace(b"(", b"").replace(b")", b""), 1, "no-command-name"),
        (parse_stat, (STAT % b"1").replace(b"(x)", b")x("), 1, "no-command-name"),
        (parse_stat, STAT % b"", 1, "too-few-fields"),
        (parse_stat, STAT % (b"1" * 22), 1, "field-no-number"),
        (parse_stat, STAT % b"x", 1, "field-no-number"),
        (parse_stat, STAT % b"1_0", 1, "field-no-number"),
        (parse_stat, (STAT % b"1").replace(b" S ", b" S_2 "), 1, "field-no-number"),
        (statm, b"1 2 3 4 0 5\n", 1, "not-statm"),
        (statm, b"1 2 3 4 0 5 0 0\n", 1, "not-statm"),
        (statm, b"1 2 3 4 0 5 x\n", 1, "not-statm"),
        (statm, b"1 2 3 4 0 5 0 x\n", 1, "not-statm"),
        (parse_limits, LIMITS + STACK[:-1], 2, "last-line-cut"),
        (parse_limits, LIMITS + b"\n" + STACK[:45] + b"\n", 3, "not-a-limit"),
        (parse_limits, LIMITS + STACK + STACK[:-1] + b"x x\n", 3, "not-a-limit"),
        (parse_limits, LIMITS + STACK.replace(b"4096", b"4_96"), 2, "limit-no-number"),
        (parse_limits, LIMITS + STACK.replace(b"unlimited", b"unlimitet"), 2, "limit-no-number"),
        (parse_syscall, b"1 2 0x3 0xg\n", 1, "not-syscall"),
        (parse_syscall, b"1 2 0xg 0x3\n", 1, "not-syscall"),
        (parse_syscall, b"0x3\n", 1, "not-syscall"),
        (parse_personality, b"0000000g\n", 1, "not-hexadecimal"),
        (parse_personality, b"", 1, "not-hexadecimal"),
        (parse_meminfo, b"\nA: 1 MB\n", 2, "not-meminfo"),
        (parse_meminfo, b"A: 1 kB x\n", 1, "not-meminfo"),
        (parse_meminfo, b"A:\n", 1, "not-meminfo"),
        (parse_meminfo, b"A: x\n", 1, "not-meminfo"),
        (parse_swaps, SWAPS + b"\n/a file 8 0\n", 3, "not-swaps"),
        (parse_swaps, SWAPS + b"/a file x 0 -2\n", 2, "not-swaps"),
        (parse_swaps, SWAPS + b"/a file 8 x -2\n", 2, "not-swaps"),
        (parse_swaps, SWAPS + b"/a file 8 0 x\n", 2, "not-swaps"),
        (parse_vmstat, b"a 1\n\na\n", 3, "not-name-number"),
        (parse_vmstat, b"a x\n", 1, "not-name-number"),
        (parse_vmstat, b"a --1\n", 1, "not-name-number"),
    ],
)
def test_what_is_refused(parse: Callable[[bytes], object], data: bytes, line: int, code: str) -> None:
    """Lines are counted from 1."""
    with pytest.raises(MalformedFile) as raised:
        parse(data)
    assert (raised.value.line, raised.value.code) == (line, code)


def test_what_is_next_to_it_is_read() -> None:
    """The largest numbers, names of any form, lines that are empty."""
    assert parse_stat(STAT % (b"-" + b"1" * 20)).rss_pages == -int("1" * 20)
    assert parse_status(b"VmRSS:\t" + b"1" * 20 + b" kB\n").sizes == {"VmRSS": int("1" * 20) * 1024}
    assert parse_status(b"").fields == {}
    limits = parse_limits(LIMITS + b"\n" + STACK + STACK.replace(b"stack size", b"file locks"))
    assert [tuple(limit) for limit in limits.values()] == [(4096, None, "bytes")] * 2
    assert list(parse_limits(LIMITS + b"%-25s9 8\n" % (b"M" * 25))) == ["M" * 25]
    assert parse_meminfo(b"A: 2 kB\n\nB: 3\n") == {"A": 2048, "B": 3}
    assert parse_vmstat(b"a 1\n\nb -2\n") == {"a": 1, "b": -2}


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"running\n", (None, None, True)),
        (b"", (None, None, False)),
        (b"0 0x1 0x2 0x3 0x4 0x5 0x6 0x7ffc1000 0x401000\n", (0x7FFC_1000, 0x40_1000, False)),
        (b"-1 0x10 0x20\n", (0x10, 0x20, False)),
        (b"-1 0x0 0x0\n", (None, None, False)),
        (b"-1 0x0 0x20\n", (None, 0x20, False)),
        (b"-1 0x10 0x0\n", (0x10, None, False)),
    ],
)
def test_registers_of_a_thread(data: bytes, found: tuple[int | None, int | None, bool]) -> None:
    """The last two words; zero is what a kernel thread has."""
    assert parse_syscall(data) == found


def test_personality() -> None:
    """In hexadecimal."""
    assert parse_personality(b"00040000\n") == 0x4_0000


@pytest.mark.parametrize(
    ("line", "area"),
    [
        (b"/a file 8 4 -2", SwapArea(b"/a", "file", 8192, 4096, -2)),
        (b"/a\tpartition\t8\t0\t5", SwapArea(b"/a", "partition", 8192, 0, 5)),
        (b"/a (deleted) file 8 4 -2", SwapArea(b"/a (deleted)", "file", 8192, 4096, -2)),
    ],
)
def test_areas_of_swap(line: bytes, area: SwapArea) -> None:
    """Columns are counted from the right; behind an empty line too."""
    assert parse_swaps(SWAPS + b"\n" + line + b"\n") == (area,)
    assert parse_swaps(SWAPS) == ()


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        (b"12.5 3\n", 12.5),
        (b"12 3\n", 12.0),
        (b"12.\n", 12.0),
        (b"12.5.3\n", None),
        (b"12.x\n", None),
        (b"x.5\n", None),
        (b".5\n", None),
        (b"\n", None),
    ],
)
def test_seconds_since_boot(data: bytes, seconds: float | None) -> None:
    """Whole ones and hundredths."""
    assert parse_uptime(data) == seconds


@pytest.mark.parametrize(
    ("data", "stalled"),
    [
        (b"some avg10=0.00 avg60=0.00 avg300=0.00 total=77\nfull avg10=0.00 total=5\n", 77),
        (b"full avg10=0.00 total=5\nsome avg10=0.00 total=77\n", 77),
        (b"full avg10=0.00 total=5\n", None),
        (b"some avg10=0.00 total=x\n", None),
        (b"", None),
    ],
)
def test_pressure(data: bytes, stalled: int | None) -> None:
    """Of some task, not of all."""
    assert parse_pressure(data) == stalled


@pytest.mark.parametrize(
    ("line", "gap"),
    [
        (b"quiet stack_guard_gap=3 ro\n", 3 * 4096),
        (b"stack_guard_gap=0\n", 0),
        (b"stack_guard_gap=x\n", None),
        (b"stack_guard_gap\n", None),
        (b"xstack_guard_gap=3\n", None),
        (b"stack_guard_gap=x stack_guard_gap=2\n", 2 * 4096),
        (b"", None),
    ],
)
def test_the_guard_gap_of_the_boot_loader(line: bytes, gap: int | None) -> None:
    """In pages."""
    assert parse_guard_gap(line, 4096) == gap


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"key shmid swap\n0 5 8192\n0 6 0\n", {5: 8192, 6: 0}),
        (b"swap key shmid\n8192 0 5\n1 0\n1 0 6\n", {5: 8192, 6: 1}),
        (b"key shmid swap\n0 x 8192\n0 6 x\n0 7 1\n", {7: 1}),
        (b"key shmid\n0 5\n", {}),
        (b"key swap\n0 5\n", {}),
        (b"\n", {}),
    ],
)
def test_segments_in_swap(data: bytes, found: dict[int, int]) -> None:
    """By the columns that the first line names; a line that lacks one is passed over."""
    assert parse_segments_in_swap(data) == found
