"""status, stat, statm, auxv, limits, and the system's files, as many kernels and machines write them."""

import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.errors import MalformedFile
from procmem.parse.auxv import parse_auxv
from procmem.parse.mountinfo import MEMORY_TYPES, devices_alone, devices_of_type, mount_ids_of_type
from procmem.parse.numa_maps import parse_nodes, parse_numa_nodes
from procmem.parse.status import parse_cmdline, parse_limits, parse_stat, parse_statm, parse_status
from procmem.parse.system import (
    parse_guard_gap,
    parse_meminfo,
    parse_pressure,
    parse_segments_in_swap,
    parse_swaps,
    parse_uptime,
    parse_vmstat,
)

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"

STAT = "%d (%s) %s 1 7 7 0 -1 4194304 11 0 22 0 33 44 0 0 20 0 5 0 8800 99999744 555 18446744073709551615 4194304 4198400 140736000000000 0 0 0 0 0 0 0 0 0 17 3 0 0 0 0 0 4202496 4206592 5000000 140736000000100 140736000000200 140736000000200 140736000000300 0\n"  # noqa: E501


def test_status_keeps_every_line() -> None:
    """Sizes are bytes, all lines stay as text, unknown ones too."""
    status = parse_status(b"Name:\ta b:c\nState:\tS (sleeping)\nTgid:\t7\nVmSize:\t    2500 kB\nThreads:\t3\nNew:\tx\n")
    assert status.sizes == {"VmSize": 2500 * 1024}
    assert (status.tgid, status.threads, status.state, status.ppid) == (7, 3, "S", None)
    assert (status.fields["Name"], status.fields["New"]) == ("a b:c", "x")


@pytest.mark.parametrize("name", ["x kB", " kB", "12 kB", "VmRSS:\t7 kB"])
def test_a_process_may_be_called_as_if_it_were_a_size(name: str) -> None:
    """It is the one free text among the lines of status."""
    status = parse_status(f"Name:\t{name}\nVmRSS:\t8 kB\n".encode())
    assert status.sizes == {"VmRSS": 8192}
    assert status.fields["Name"] == name.strip()


@pytest.mark.parametrize(
    "data", [b"Name:\tx\nVmSize:\t 1", b"Name\n", b"VmSize:\t-4 kB\n", b"VmSize:\t4_0 kB\n", b"VmSize:\tkB kB\n"]
)
def test_status_of_another_form_is_refused(data: bytes) -> None:
    """Cut off, without a key, or a size that is none."""
    with pytest.raises(MalformedFile, match="status"):
        parse_status(data)


@given(st.text(st.characters(exclude_characters="\0\n", exclude_categories=["Cs"]), max_size=15))
def test_stat_is_cut_at_the_last_bracket(name: str) -> None:
    """A name may hold blanks and brackets, and look like the rest of the line."""
    stat = parse_stat((STAT % (4711, name, "R")).encode())
    assert (stat.pid, stat.comm, stat.state, stat.ppid) == (4711, name.encode(), "R", 1)
    assert (stat.num_threads, stat.starttime, stat.vsize, stat.rss_pages) == (5, 8800, 99_999_744, 555)
    assert (stat.majflt, stat.utime, stat.stime) == (22, 33, 44)


def test_stat_addresses() -> None:
    """By their numbers in proc_pid_stat(5)."""
    stat = parse_stat((STAT % (1, ") S 9 (", "S")).encode())
    assert (stat.startcode, stat.startstack) == (4194304, 140736000000000)
    assert (stat.start_data, stat.end_data, stat.start_brk) == (4202496, 4206592, 5000000)
    assert stat.arg_start == 140736000000100


def test_stat_addresses_that_nobody_may_see() -> None:
    """The kernel prints 0, or 1 for where code begins: both are "unknown"."""
    words = (STAT % (1, "x", "S")).split()
    words[25] = "1"
    words[27] = words[46] = "0"
    stat = parse_stat(" ".join(words).encode() + b"\n")
    assert (stat.startcode, stat.startstack, stat.start_brk) == (None,) * 3


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"1 (x\n", b"1 (x) S 1 2\n", b"x (x) S " + b"1 " * 50 + b"\n", b"1 (x) S " + b"y " * 50 + b"\n"),
        *(b"1 (x) S " + b"1_0 " * 50 + b"\n", (STAT % (1, "x", "S")).encode()[:-1]),
        (STAT % (1, "x", "S")).encode().replace(b" 8800 ", b" " + b"9" * 400 + b" "),
    ],
)
def test_stat_of_another_form_is_refused(data: bytes) -> None:
    """Too short, or not numbers."""
    with pytest.raises(MalformedFile, match="stat"):
        parse_stat(data)


def test_our_own_small_files_agree_with_the_system() -> None:
    """What is read of ourselves is what the system calls say."""
    stat = parse_stat(Path("/proc/self/stat").read_bytes())
    status = parse_status(Path("/proc/self/status").read_bytes())
    assert (stat.pid, stat.ppid, status.tgid) == (os.getpid(), os.getppid(), os.getpid())
    assert status.uid == os.getuid()
    page = os.sysconf("SC_PAGE_SIZE")
    statm = parse_statm(Path("/proc/self/statm").read_bytes(), page)
    assert 0 < statm.resident < statm.size
    found = parse_auxv(Path("/proc/self/auxv").read_bytes())
    assert found is not None
    assert (found[0][6], found[1]) == (page, 64 if os.sysconf("SC_LONG_BIT") == 64 else 32)
    assert float(os.times().elapsed) > 0
    uptime = parse_uptime(Path("/proc/uptime").read_bytes())
    assert uptime is not None
    assert uptime * os.sysconf("SC_CLK_TCK") >= stat.starttime


@pytest.mark.parametrize("data", [b"inf 1\n", b"nan\n", b"1e999 1\n", b"9" * 400, b"-1.0", b"1_0.0", b"x", b"", b"."])
def test_an_uptime_that_is_none(data: bytes) -> None:
    """A float may be without end, and no time is."""
    assert parse_uptime(data) is None
    assert parse_uptime(b"12345.67 99.5\n") == 12345.67


def test_statm_is_pages() -> None:
    """Seven numbers, bytes in the result, whatever the page size."""
    assert parse_statm(b"100 50 25 5 0 30 0\n", 65536).resident == 50 * 65536
    for wrong in (b"", b"1 2 3\n", b"1 2 3 4 5 6 x\n"):
        with pytest.raises(MalformedFile):
            parse_statm(wrong, 4096)


@pytest.mark.parametrize("bits", [64, 32])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("page", [4096, 16384, 65536])
def test_auxv_of_every_width_and_byte_order(bits: int, order: str, page: int) -> None:
    """The bytes alone give away word size and order: s390x is big-endian, a 32-bit process has short words."""
    high = 0x7FFF_F000 if bits == 32 else 0x7FFF_FFFF_F000
    pairs = [
        (33, high),
        (16, 0xBFEB_FBFF),
        (6, page),
        (17, 100),
        (3, 0x40_0040),
        (9, 0x40_1000),
        (25, high + 16),
        (0, 0),
    ]
    form = order + ("QQ" if bits == 64 else "II")
    data = b"".join(struct.pack(form, key, value) for key, value in pairs)
    found = parse_auxv(data)
    assert found == ({key: value for key, value in pairs if key}, bits)
    assert parse_auxv(data + data[-2 * bits // 8 :] * 3) == found, "the kernel pads the end with zeros"


@given(st.binary(max_size=200))
def test_any_bytes_are_an_auxv_or_none(data: bytes) -> None:
    """A process may replace its auxv: nonsense is no error."""
    found = parse_auxv(data)
    assert found is None or found[0][6] >= 4096


def test_recorded_auxv_of_both_widths() -> None:
    """The fixtures hold 64-bit and 32-bit programs."""
    seen = set()
    for path in FIXTURES.glob("*/*/auxv"):
        found = parse_auxv(path.read_bytes())
        if path.stat().st_size:
            assert found is not None, path
            assert found[1] == (32 if "i386" in path.parts[-3] else 64), path
            seen.add(found[1])
    assert seen == {32, 64}


def test_limits_are_columns() -> None:
    """Names hold blanks; unlimited is None."""
    limits = parse_limits(Path("/proc/self/limits").read_bytes())
    assert limits["Max stack size"].unit == "bytes"
    assert limits["Max processes"].unit == "processes"
    assert limits["Max nice priority"].unit == ""
    text = (
        b"Limit                     Soft Limit           Hard Limit           Units     \n"
        b"Max cpu time              unlimited            unlimited            seconds   \n"
        b"Max stack size            8388608              unlimited            bytes     \n"
    )
    assert tuple(parse_limits(text)["Max stack size"]) == (8388608, None, "bytes")
    assert tuple(parse_limits(text)["Max cpu time"]) == (None, None, "seconds")
    for wrong in (text + b"Max\n", text[:-1], text.replace(b"8388608", b"8_88608")):
        with pytest.raises(MalformedFile, match="line"):
            parse_limits(wrong)


def test_cmdline_is_whatever_the_process_made_of_it() -> None:
    """Words end in NUL; a title set by the process is one word; nobody has none."""
    assert parse_cmdline(b"a\0b c\0\0") == (b"a", b"b c", b"")
    assert parse_cmdline(b"nginx: master process") == (b"nginx: master process",)
    assert parse_cmdline(b"") == ()


def test_meminfo_has_sizes_and_counts() -> None:
    """Lines without kB are counts."""
    assert parse_meminfo(b"MemTotal:  16 kB\nHugePages_Total:  3\n") == {"MemTotal": 16384, "HugePages_Total": 3}
    assert parse_meminfo(Path("/proc/meminfo").read_bytes())["MemTotal"] > 1 << 20
    for wrong in (b"MemTotal: x kB\n", b"MemTotal:\n", b"MemTotal: 4 MB\n"):
        with pytest.raises(MalformedFile, match="line 1"):
            parse_meminfo(wrong)


def test_swaps_may_be_none_or_several() -> None:
    """Priorities are negative, blanks in a name are written as an escape."""
    head = b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"
    assert parse_swaps(head) == ()
    line = b"/swap\\040file                            file\t\t2097148\t\t1024\t\t-2\n/dev/vda2 partition 8 0 5\n"
    first, second = parse_swaps(head + line)
    assert tuple(first) == (b"/swap\\040file", "file", 2097148 * 1024, 1024 * 1024, -2)
    assert second.priority == 5
    for wrong in (b"/x file 1 2\n", b"/x file a b -2\n"):
        with pytest.raises(MalformedFile):
            parse_swaps(head + wrong)


def test_vmstat_is_counters() -> None:
    """Some may be negative for a moment."""
    assert parse_vmstat(b"pswpin 4\nnr_x -1\n") == {"pswpin": 4, "nr_x": -1}
    with pytest.raises(MalformedFile):
        parse_vmstat(b"pswpin four\n")


@given(st.binary(max_size=200))
def test_any_bytes_give_a_value_or_a_malformed_file(data: bytes) -> None:
    """No other error comes out of any of these parsers."""
    for parse in (parse_status, parse_stat, parse_limits, parse_meminfo, parse_swaps, parse_vmstat):
        try:
            parse(data)
        except MalformedFile:
            continue
    assert parse_uptime(data) is None or isinstance(parse_uptime(data), float)
    assert isinstance(parse_cmdline(data), tuple)


def test_memory_nodes() -> None:
    """Pages are counted in the page size of their line; a name that looks like a counter is none."""
    text = (
        b"7f0000000000 default anon=3 dirty=3 N0=2 N1=1 kernelpagesize_kB=4\n"
        b"7f1000000000 default file=/tmp/N5=9\\040x mapped=1 N1=1 kernelpagesize_kB=2048\n"
        b"7f2000000000 default\n"
    )
    assert parse_numa_nodes(text, 4096) == {0: 2 * 4096, 1: 4096 + (2 << 20)}


def test_of_mounts_a_recording_keeps_devices_alone() -> None:
    """Which devices are shared memory: the same answer as from all of it, and no name, source or option."""
    mounts = (
        b"22 1 0:20 / /home/private\\040folder rw - ext4 /dev/secret rw\n"
        b"23 22 0:33 / /run/user/1000 rw,nosuid shared:3 - tmpfs secret rw,size=9k,uid=1000\n"
        b"24 22 0:5 / /dev rw - devtmpfs udev rw\n"
        b"broken\n"
    )
    kept = devices_alone(mounts, MEMORY_TYPES)
    assert devices_of_type(kept, MEMORY_TYPES) == devices_of_type(mounts, MEMORY_TYPES) == {"00:21", "00:05"}
    assert not [word for word in (b"secret", b"private", b"1000", b"size", b"udev", b"run") if word in kept]
    assert devices_alone(kept, MEMORY_TYPES) == kept
    assert mount_ids_of_type(kept, MEMORY_TYPES) == mount_ids_of_type(mounts, MEMORY_TYPES) == {23, 24}


@pytest.mark.parametrize(
    ("command_line", "size"),
    [
        (b"quiet stack_guard_gap=256 ro\n", 256 * 4096),
        (b"stack_guard_gap=0\n", 0),
        (b"stack_guard_gap=x stack_guard_gap=2\n", 2 * 4096),
        (b"xstack_guard_gap=1 stack_guard_gap stack_guard_gap=\n", None),
        (b"", None),
    ],
)
def test_the_guard_gap_that_was_booted_with(command_line: bytes, size: int | None) -> None:
    """The option counts pages."""
    assert parse_guard_gap(command_line, 4096) == size


def test_pressure_is_what_some_task_waited() -> None:
    """In microseconds; the averages beside it are not asked for."""
    some, full = (
        b"some avg10=1.00 avg60=0.00 avg300=0.00 total=77\n",
        b"full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n",
    )
    assert parse_pressure(some + full) == parse_pressure(full + some) == 77
    assert parse_pressure(full) is None
    assert parse_pressure(b"some avg10=0.00\n") is None
    assert parse_pressure(b"") is None


def test_segments_in_swap_are_found_by_their_columns() -> None:
    """Which kernels put in another order; lines that end early, and numbers that are none, are left out."""
    assert parse_segments_in_swap(
        b"key shmid perms swap\n0 5 1600 4096\n0 6 1600 0\n0 7 1600\n0 x 1 2\n0 8 1 y\n\n"
    ) == {
        5: 4096,
        6: 0,
    }
    assert parse_segments_in_swap(b"swap shmid\n8192 9\n") == {9: 8192}
    for data in (b"", b"key shmid perms\n0 5 1600\n", b"key swap\n0 5\n"):
        assert parse_segments_in_swap(data) == {}


@pytest.mark.parametrize(("data", "line"), [(b"Name:\tx\nVmSize:\t 1", 2), (b"Name", 1), (b"Name:\tx\nName\n", 2)])
def test_a_wrong_line_of_status_is_named(data: bytes, line: int) -> None:
    """By its number."""
    with pytest.raises(MalformedFile) as caught:
        parse_status(data)
    assert caught.value.line == line


def test_the_least_that_stat_may_have() -> None:
    """The fields of Linux 2.6: what came later is unknown; one less is refused, and said to be."""
    words = (STAT % (7, "x", "S")).split()
    stat = parse_stat((" ".join(words[:44]) + "\n").encode())
    assert (stat.pid, stat.starttime, stat.start_brk) == (7, 8800, None)
    least = next(count for count in range(4, 45) if _is_stat(words[:count]))
    assert least == 24
    for count in range(4, least):
        with pytest.raises(MalformedFile) as caught:
            parse_stat((" ".join(words[:count]) + "\n").encode())
        assert caught.value.code == "too-few-fields"
        assert caught.value.fields == {"fields": count, "least": least}


def _is_stat(words: list[str]) -> bool:
    try:
        parse_stat((" ".join(words) + "\n").encode())
    except MalformedFile:
        return False
    return True


def test_memory_nodes_of_the_machine() -> None:
    """One line for each zone of each node."""
    zones = (b"DMA", b"Normal"), (b"Normal",)
    text = b"".join(
        b"Node %d, zone %8s %6d %6d \n" % (node * 2, zone, 1, 2) for node, names in enumerate(zones) for zone in names
    )
    assert parse_nodes(text) == {0, 2}
    assert parse_nodes(b"") == frozenset()
    assert parse_nodes(b"Node x, zone\nNodes 7, zone\n") == frozenset()
    assert len(parse_nodes(Path("/proc/buddyinfo").read_bytes())) >= 1
