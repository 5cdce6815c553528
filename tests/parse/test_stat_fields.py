"""Each field of stat at its place: a line in which every number is its field's own."""

import pytest

from procmem.errors import MalformedFile
from procmem.model.snapshot import Stat
from procmem.parse.status import parse_limits, parse_stat, parse_statm
from tests.support.made_processes import made


def line(last: int, *, comm: bytes = b"a) (b") -> bytes:
    """A line of this many fields, as proc_pid_stat(5) counts them."""
    return b"7 (%s) S " % comm + b" ".join(b"%d" % (100 + field) for field in range(4, last + 1)) + b"\n"


def test_each_field_is_at_its_place() -> None:
    """By its number in proc_pid_stat(5)."""
    assert parse_stat(line(52)) == Stat(
        pid=7,
        comm=b"a) (b",
        state="S",
        ppid=104,
        flags=109,
        majflt=112,
        utime=114,
        stime=115,
        num_threads=120,
        starttime=122,
        vsize=123,
        rss_pages=124,
        startcode=126,
        startstack=128,
        processor=139,
        policy=141,
        start_data=145,
        end_data=146,
        start_brk=147,
        arg_start=148,
        arg_end=149,
        env_start=150,
        env_end=151,
    )


OPTIONAL = {
    26: "startcode", 28: "startstack", 39: "processor", 41: "policy", 45: "start_data", 46: "end_data",
    47: "start_brk", 48: "arg_start", 49: "arg_end", 50: "env_start", 51: "env_end",
}  # fmt: skip


@pytest.mark.parametrize(("field", "name"), OPTIONAL.items())
def test_old_kernels_have_fewer_fields(field: int, name: str) -> None:
    """What they lack is not known."""
    assert getattr(parse_stat(line(field)), name) == 100 + field
    assert getattr(parse_stat(line(field - 1)), name) is None


@pytest.mark.parametrize(("value", "address"), [(0, None), (1, None), (2, 2)])
def test_what_may_not_be_seen_is_unknown(value: int, address: int | None) -> None:
    """The kernel prints 0, or 1 for the code's limits."""
    assert parse_stat(line(52).replace(b" 126 ", b" %d " % value)).startcode == address
    assert parse_stat(line(52).replace(b" 139 ", b" %d " % value)).processor == value


def test_the_least_that_a_line_has() -> None:
    """24 fields, a name, an end; numbers of 64 bits."""
    assert parse_stat(line(24)).rss_pages == 124
    assert parse_stat(line(24, comm=b"")).comm == b""
    longest = line(24).replace(b" 124", b" 18446744073709551615")
    assert parse_stat(longest).rss_pages == (1 << 64) - 1
    for bad in (
        line(23),
        line(24).rstrip(),
        line(24).replace(b"(", b""),
        line(24).replace(b")", b""),
        b"7 )x( S 1\n",
        line(24).replace(b" 124", b" 1_4"),
        line(24).replace(b" 124", b" 0000018446744073709551615"),
        line(24).replace(b" 124", b" x"),
    ):
        with pytest.raises(MalformedFile):
            parse_stat(bad)


def test_statm_is_pages() -> None:
    """Seven numbers; the fifth and the last are always 0."""
    found = parse_statm(b"1 2 3 4 0 5 0\n", 4096)
    assert tuple(found) == (4096, 8192, 12288, 16384, 20480)
    for bad in (b"1 2 3 4 0 5\n", b"1 2 3 4 0 5 0 0\n", b"1 2 3 4 0 5 x\n", b"1 2 3 4 0 5 0 x\n"):
        with pytest.raises(MalformedFile):
            parse_statm(bad, 4096)


HEADING = b"Limit                     Soft Limit           Hard Limit           Units     \n"


def test_limits_have_a_name_two_numbers_and_a_unit() -> None:
    """Which nice limits lack; unlimited is None."""
    text = HEADING + b"%-25s %-20s %-20s %-10s\n" % (b"Max stack size", b"8388608", b"unlimited", b"bytes")
    text += b"%-25s %-20s %-20s %-10s\n" % (b"Max nice priority", b"0", b"1", b"")
    found = parse_limits(text)
    assert {name: tuple(limit) for name, limit in found.items()} == {
        "Max stack size": (8388608, None, "bytes"),
        "Max nice priority": (0, 1, ""),
    }
    assert parse_limits(b"") == {}
    for number, bad in ((2, b"Max stack size            1\n"), (2, b"Max stack size            1 2 bytes x\n")):
        with pytest.raises(MalformedFile) as caught:
            parse_limits(HEADING + bad)
        assert caught.value.line == number
    with pytest.raises(MalformedFile):
        parse_limits(text[:-1])


@pytest.mark.parametrize(("tgid", "process"), [(5, 5), (7, None), (9, 9)])
def test_whose_thread_an_id_is(tgid: int, process: int | None) -> None:
    """The thread group's id is the process's: another one than that asked for, whichever is larger."""
    shot, _ = made({"smaps": b"", "status": b"Name:\tx\nState:\tS (x)\nTgid:\t%d\n" % tgid})
    assert shot.thread_of == process
