"""The kernel's lines in texts that people paste: what is kept of them, and what is said about the rest."""

from typing import Any

import pytest

from procmem.model.given_text import GivenText
from procmem.model.note import Note, note
from procmem.parse.given.kernel_files import maps_of_smaps, read_kernel_files
from procmem.parse.given.lines import given_lines

ONE = b"00001000-00002000 rw-p 00000000 00:00 0"
TWO = b"00003000-00004000 r--p 00001000 fe:01 12 /a"
LOWER = b"00000800-00000900 rw-p 00000000 00:00 0"
RSS, FLAGS = b"Rss: 4 kB", b"VmFlags: rd wr"
ROLLUP = b"00001000-7fff0000 ---p 00000000 00:00 0 [rollup]"
STATUS = (b"Name:\tx", b"VmSize:\t 8 kB", b"Threads:\t1")


def read(*lines: bytes, ends: bool = True) -> GivenText | None:
    """What is found in a text of these lines."""
    return read_kernel_files(given_lines(b"\n".join(lines) + (b"\n" if ends else b"")))


def notes(*lines: bytes, ends: bool = True) -> list[Note]:
    """What is said about it."""
    found = read(*lines, ends=ends)
    assert found is not None
    return list(found.notes)


def counted(*lines: bytes, ends: bool = True) -> tuple[int, list[Note]]:
    """How many mappings were kept, and what is said."""
    found = read(*lines, ends=ends)
    assert found is not None
    return found.files["maps"].count(b"\n"), list(found.notes)


@pytest.mark.parametrize(
    ("lines", "ends", "kept", "said"),
    [
        ((ONE, TWO), True, 2, []),
        ((ONE, TWO), False, 2, [note("no line end")]),
        ((ONE, b"0000300"), False, 1, [note("cut off", at=0x2000)]),
        ((ONE, b"00003000-0000"), False, 1, [note("cut off", at=0x2000)]),
        ((ONE, b"00003000-00004000 rw-p 00000000"), False, 1, [note("cut off", at=0x2000)]),
        ((ONE, b"00003000-00004000 rw-p 00000000"), True, 1, [note("other lines", count=1)]),
        ((ONE, b"zzz"), False, 1, [note("other lines", count=1)]),
        ((ONE, b"zzz", b"0000300"), False, 1, [note("other lines", count=2)]),
        ((ONE, b"hello", b"", b"you"), True, 1, [note("other lines", count=2)]),
        ((b"hello", ONE), True, 1, [note("other lines", count=1)]),
        ((ONE + b" [hea",), False, 1, [note("no line end")]),
        ((TWO, ONE.replace(b"00001", b"00005").replace(b"00002", b"00006") + b" [hea"), False, 1, [
            note("last cut off", at=0x5000)
        ]),
        ((TWO, ONE.replace(b"00001", b"00005").replace(b"00002", b"00006") + b" [hea"), True, 2, []),
    ],
)  # fmt: skip
def test_how_a_map_ends(lines: tuple[bytes, ...], ends: bool, kept: int, said: list[Note]) -> None:
    """Whole, or cut off: within a line, or where nobody knows."""
    if lines == (ONE + b" [hea",):
        kept, said = 0, [note("last cut off", at=0x1000)]
    assert counted(*lines, ends=ends) == (kept, said)


@pytest.mark.parametrize(
    ("lines", "kept", "said"),
    [
        ((ONE, RSS, FLAGS, TWO, RSS, FLAGS), 2, []),
        ((ONE, RSS, FLAGS, TWO, RSS), 1, [note("last cut off", at=0x3000)]),
        ((ONE, RSS, FLAGS, TWO), 1, [note("last cut off", at=0x3000)]),
        ((ONE, RSS, TWO, RSS), 2, []),
        ((ONE, RSS, b"Pss: 4 kB", TWO, RSS), 1, [note("last cut off", at=0x3000)]),
        ((ONE, RSS, TWO, RSS, b"Pss: 4 kB"), 2, []),
        ((ONE, RSS, TWO), 1, [note("last cut off", at=0x3000)]),
        ((ONE, TWO, RSS), 2, [note("without counters", count=1, of=2)]),
        ((ONE, RSS), 1, []),
        ((ONE, RSS, b"THPeligible: 0", b"ProtectionKey: 0", FLAGS), 1, []),
        ((ONE, RSS, b"Else: 0", FLAGS), 1, [note("other lines", count=2)]),
        ((ONE, RSS, RSS), 1, [note("other lines", count=1)]),
        ((ONE, b"Rss: 18014398509481983 kB"), 1, []),
        ((ONE, RSS, b"Pss: 18014398509481984 kB"), 1, [note("other lines", count=1)]),
    ],
)
def test_how_a_map_with_counters_ends(lines: tuple[bytes, ...], kept: int, said: list[Note]) -> None:
    """The last record has all that the one before it has."""
    assert counted(*lines) == (kept, said)


@pytest.mark.parametrize(
    ("line", "is_mapping"),
    [
        (b"1000-2000 rw-p 0 00:00 0", True),
        (b"1000-2000\trw-p\t0\t00:00\t0\t[heap]", True),
        (b"A000-B000 rw-p 0 FE:01 7 /x", True),
        (b"2000-2000 rw-p 0 00:00 0", False),
        (b"2000-1000 rw-p 0 00:00 0", False),
        (b"1000-2000 rw-p 0 00:00 18446744073709551615 /x", True),
        (b"1000-2000 rw-p 0 00:00 18446744073709551616 /x", False),
        (b"1000-2000 rw-q 0 00:00 0", False),
    ],
)
def test_what_is_a_line_of_maps(line: bytes, is_mapping: bool) -> None:
    """Its words may be set apart by any blanks; what ends before it begins is told."""
    found = read(line)
    assert (found is not None and "maps" in found.files) is is_mapping


def test_mappings_that_end_before_they_begin_are_counted() -> None:
    """What stands below them is none of theirs, nor of the mapping's before; the map goes on behind them."""
    turned = b"00002000-00001000 rw-p 00000000 00:00 0"
    found = read(ONE, RSS, turned, b"Pss: 4 kB", turned, TWO, RSS)
    assert found is not None
    assert found.files["maps"].count(b"\n") == 2
    assert b"Pss" not in found.files["smaps"]
    assert list(found.notes) == [note("backwards", count=2), note("other lines", count=1)]
    assert notes(turned, ONE) == [note("backwards", count=1)]
    broken = turned, b"/a"
    assert notes(TWO, *broken) == [note("backwards", count=1), note("other lines", count=1)]


def test_a_name_that_was_broken_off_its_line() -> None:
    """A path behind a file's numbers, a label behind memory's; only right below, and only where there was none."""
    bare = TWO.removesuffix(b" /a")
    assert counted(bare, b"/lib/x.so") == (1, [note("broken lines", count=1)])
    assert counted(ONE, b"[heap]") == (1, [note("broken lines", count=1)])
    twice, late = (ONE, b"[heap]", b"[stack]"), (bare, b"x", b"/b")
    for lines in ((TWO, b"/b"), (ONE, b"/b"), (bare, b"[heap]"), (ONE, b"[heap"), twice, late):
        said = [one for one in notes(*lines) if one.code == "other lines"]
        assert said, lines
    found = read(bare, b"/lib/x.so", RSS, ONE.replace(b"00001000-00002000", b"00005000-00006000"), b"[heap]", RSS)
    assert found is not None
    assert [line.split()[-1] for line in found.files["maps"].splitlines()] == [b"/lib/x.so", b"[heap]"]
    assert note("broken lines", count=2) in found.notes


@pytest.mark.parametrize(
    ("lines", "kept", "said"),
    [
        ((ONE, TWO, b"", ONE, TWO), 2, []),
        ((ONE, TWO, b"", ONE), 2, [note("other maps", count=1)]),
        ((ONE, b"", ONE, TWO), 2, [note("other maps", count=1)]),
        ((ONE, TWO, b"", ONE, RSS), 1, [note("other maps", count=1)]),
        ((ONE, b"", TWO), 2, []),
        ((ONE, TWO, LOWER), 3, []),
        ((ONE, TWO, b"", LOWER), 2, [note("other maps", count=1)]),
        ((ONE, b"", b"00001fff-00004000 rw-p 0 00:00 0"), 1, [note("other maps", count=1)]),
        ((ONE, b"", b"00002000-00004000 rw-p 0 00:00 0"), 2, []),
        ((ONE, TWO, b"", b"00003fff-00005000 rw-p 0 00:00 0"), 2, [note("other maps", count=1)]),
        ((ONE, TWO, b"", b"00004000-00005000 rw-p 0 00:00 0"), 3, []),
    ],
)
def test_several_maps_in_a_text(lines: tuple[bytes, ...], kept: int, said: list[Note]) -> None:
    """The one with counters counts, else the longest; one map twice is one. It goes on where addresses go up."""
    assert counted(*lines) == (kept, said)


@pytest.mark.parametrize(
    ("header", "counters", "is_rollup"),
    [
        (ROLLUP, (RSS,), True),
        (ROLLUP.removesuffix(b" [rollup]"), (RSS,), True),
        (ROLLUP, (RSS, b"Size: 8 kB"), False),
        (ROLLUP, (b"Pss: 4 kB",), False),
        (ROLLUP.replace(b"---p", b"r--p"), (RSS,), False),
        (ROLLUP.replace(b" 00000000 ", b" 00001000 "), (RSS,), False),
        (ROLLUP.replace(b"00:00 0", b"00:01 7"), (RSS,), False),
        (ROLLUP.replace(b"[rollup]", b"/a"), (RSS,), False),
    ],
)
def test_sums_of_a_whole_process(header: bytes, counters: tuple[bytes, ...], is_rollup: bool) -> None:
    """One inaccessible range without Size; where it stands alone that is said."""
    found = read(header, *counters)
    assert found is not None
    assert set(found.files) == ({"smaps_rollup"} if is_rollup else {"maps", "smaps"})
    assert (note("rollup alone") in found.notes) is is_rollup


def test_sums_beside_a_map_or_a_status() -> None:
    """Stand beside them."""
    both = read(ROLLUP, RSS, b"", ONE)
    assert both is not None
    assert (set(both.files), both.notes) == ({"smaps_rollup", "maps"}, ())
    status = read(ROLLUP, RSS, b"", *STATUS)
    assert status is not None
    assert (set(status.files), status.notes) == ({"smaps_rollup", "status"}, ())


@pytest.mark.parametrize(
    ("lines", "kept", "others"),
    [
        (STATUS, STATUS, 0),
        ((b"Name:\tx", b"VmRSS:\t 8 kB"), (b"Name:\tx", b"VmRSS:\t8 kB"), 0),
        ((b"hello you", *STATUS, b"", b"Else:\t1"), STATUS, 2),
        ((*STATUS, b"Name:\ty"), STATUS, 1),
        ((b"Name: x", b"VmSize: 8 kB"), (b"Name:\tx", b"VmSize:\t8 kB"), 0),
    ],
)
def test_a_status_in_a_text(lines: tuple[bytes, ...], kept: tuple[bytes, ...], others: int) -> None:
    """The lines side by side with its sizes, each key once."""
    found = read(*lines)
    assert found is not None
    assert found.files == {"status": b"".join(line.replace(b"\t ", b"\t") + b"\n" for line in kept)}
    said = [note("status alone"), *([note("other lines", count=others)] if others else [])]
    assert list(found.notes) == said


def test_a_status_beside_a_map() -> None:
    """Above or below it, up to its lines; its counters are none of it."""
    for lines in ((ONE, RSS, *STATUS), (*STATUS, ONE, RSS)):
        found = read(*lines)
        assert found is not None
        assert set(found.files) == {"maps", "smaps", "status"}
        assert found.files["status"].splitlines()[0] == b"Name:\tx"
        assert list(found.notes) == []


@pytest.mark.parametrize("lines", [(b"hello",), (), (b"Name:\tx",), (b"VmSize: 8 MB",)])
def test_a_text_without_the_kernels_lines(lines: tuple[bytes, ...]) -> None:
    """Is none of these."""
    assert read(*lines) is None


@pytest.mark.parametrize(
    ("line", "pid"),
    [
        (b"# cat /proc/123/smaps", 123),
        (b"cat /proc/self/maps", None),
        (b"pid: 77 crashed", 77),
        (b"the pid 78", 78),
        (b"pid=79", 79),
        (b"rapid: 80", None),
        (b"pid: 0", None),
        (b"Pid:\t81", 81),
        (b"Pid:\tx", None),
        (b"pid: 12345678901", None),
    ],
)
def test_whose_text_it_is(line: bytes, pid: int | None) -> None:
    """By a path of /proc, the words of a report, or the line of status; the first that says it."""
    for lines in ((line, ONE), (ONE, line), (line, b"/proc/9/maps", ONE)):
        found: Any = read(*lines)
        assert found.pid == (9 if pid is None and b"/proc/9/maps" in lines else pid)


def test_a_pid_is_looked_for_in_the_first_lines() -> None:
    """200 of them; and not in names of mappings."""
    for before, pid in ((199, 7), (200, None)):
        found: Any = read(*[b"x"] * before, b"/proc/7/maps", ONE)
        assert found.pid == pid
    named: Any = read(b"00003000-00004000 r--p 00001000 fe:01 12 /proc/5/x")
    assert named.pid is None


def test_the_maps_lines_of_smaps() -> None:
    """Whole, and nothing else."""
    text = b"\n".join([ONE, RSS, FLAGS, TWO, RSS]) + b"\n"
    assert maps_of_smaps(text) == ONE + b"\n" + TWO + b"\n"
    assert maps_of_smaps(b"Rss: 4 kB\n") == b""
