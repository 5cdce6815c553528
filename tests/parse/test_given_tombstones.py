"""The memory map of Android's crash reports: rows by their sizes, of both word lengths, old and new."""

import pytest

from procmem.model.given_text import GivenText
from procmem.model.note import note
from procmem.parse.given.lines import given_lines
from procmem.parse.given.read import read_given_text
from procmem.parse.given.tombstones import read_tombstone

ROW = b"    00000058'1c5c0000-00000058'1c5c4fff r-x      3000      5000  /system/bin/app_process64"


def tombstone(*lines: bytes, ends: bool = True) -> GivenText | None:
    """What is found in a text of these lines."""
    return read_tombstone(given_lines(b"\n".join(lines) + (b"\n" if ends else b"")))


@pytest.mark.parametrize(
    ("row", "mapping"),
    [
        (ROW, b"581c5c0000-581c5c5000 r-x? 00003000 ??:?? 1 /system/bin/app_process64"),
        (ROW + b" (BuildId: 1b4b7d8f0e2a)", b"581c5c0000-581c5c5000 r-x? 00003000 ??:?? 1 /system/bin/app_process64"),
        (ROW + b" (BuildId: 1b4b) (load bias 0x1000)",
         b"581c5c0000-581c5c5000 r-x? 00003000 ??:?? 1 /system/bin/app_process64"),
        (b"--->0000007b'2b000000-0000007b'2b000fff ---         0      1000",
         b"7b2b000000-7b2b001000 ---? 00000000 00:00 0"),
        (b"    0a434000-0a434fff -w-      1000      1000  (load bias 0xd000)",
         b"0a434000-0a435000 -w-? 00001000 00:00 0"),
        (b"    b6cac000-b6cadfff rw-         0      2000  [anon:libc malloc]",
         b"b6cac000-b6cae000 rw-? 00000000 00:00 0 [anon:libc malloc]"),
        (b"    00400000-401fff r-x     8192  /usr/bin/a b", b"00400000-00402000 r-x? 00000000 ??:?? 1 /usr/bin/a b"),
        (b"    00412000-436fff rw-   151552  [heap]", b"00412000-00437000 rw-? 00000000 00:00 0 [heap]"),
        (b"    77127000-77136fff rw-    65536  ", b"77127000-77137000 rw-? 00000000 00:00 0"),
    ],
)  # fmt: skip
def test_rows(row: bytes, mapping: bytes) -> None:
    """The last address is the last byte; what stands behind a name about its file is no part of it."""
    text = tombstone(row)
    assert text is not None
    assert text.files == {"maps": mapping + b"\n"}
    assert text.notes == (note("tombstone"),)


@pytest.mark.parametrize(
    "row",
    [
        b"    0a434000-0a434fff -w-      1000      2000  /a",
        b"    0a434000-0a433fff -w-      1000         0  /a",
        b"    0a434000-0a434fff -z-      1000      1000  /a",
        b"    0a434000-0a434fff rw-      4097  /a",
        b"    0a434000-0a434fff rw-",
        b"    x0  0000000000000000  x1  0000007fd4a1b2c0",
    ],
)
def test_lines_that_are_no_rows(row: bytes) -> None:
    """Where size and addresses do not agree, it is something else."""
    assert tombstone(row) is None
    text = tombstone(row, ROW)
    assert text is not None
    assert text.notes == (note("tombstone"), note("other lines", count=1))


def test_a_whole_report() -> None:
    """The process that it names, and what was passed over; a row that is cut off has no size that fits."""
    report = (b"pid: 1234, tid: 1240, name: Thread-2  >>> com.example.app <<<", b"", b"memory map (2 entries):", ROW)
    cut = ROW[: ROW.index(b"5000  /") + 2]
    text = read_given_text(b"\n".join([*report, cut]), "x.txt")
    assert (text.pid, text.files["maps"].count(b"\n")) == (1234, 1)
    assert text.notes == (note("tombstone"), note("other lines", count=3), note("no line end"))
