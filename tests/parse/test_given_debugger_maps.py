"""What debuggers and sanitizers print, line by line: where a table begins and ends, and what each of its rows says."""

import pytest

from procmem.model.given_text import GivenText
from procmem.model.note import Note, note
from procmem.parse.given.debugger_maps import read_debugger_map, read_sanitizer_map
from procmem.parse.given.lines import given_lines

GDB = b"Start Addr End Addr Size Offset Perms objfile"
ROW = b"0x1000 0x3000 0x2000 0x10 r--p /a b"
HEAD = b"==7==Process memory map follows:"
LINE = b"0x000000001000-0x000000003000 /a b"
END = b"==7==End of process memory map."


def debugger(*lines: bytes, ends: bool = True) -> GivenText | None:
    """What is found in a text of these lines."""
    return read_debugger_map(given_lines(b"\n".join(lines) + (b"\n" if ends else b"")))


def sanitizer(*lines: bytes, ends: bool = True) -> GivenText | None:
    """The same, by the other reader."""
    return read_sanitizer_map(given_lines(b"\n".join(lines) + (b"\n" if ends else b"")))


def maps(text: GivenText | None) -> list[bytes]:
    """Its lines of maps."""
    assert text is not None
    return text.files["maps"].splitlines()


def notes(text: GivenText | None) -> list[Note]:
    """What is said about it, but for where it comes from."""
    assert text is not None
    return list(text.notes[1:])


@pytest.mark.parametrize(
    ("heading", "row", "mapping"),
    [
        (GDB, ROW, b"00001000-00003000 r--p 00000010 ??:?? 1 /a b"),
        (GDB, b"0x1000 0x3000 0x2000 0x1f r--p", b"00001000-00003000 r--p 0000001f 00:00 0"),
        (b"Start Addr End Addr Size Offset objfile", b"0x1000 0x3000 0x2000 0x10 /a",
         b"00001000-00003000 ???? 00000010 ??:?? 1 /a"),
        (b"Start End Perm Size Offset File", b"0x1000 0x3000 rw-p 2000 0 /a",
         b"00001000-00003000 rw-p 00000000 ??:?? 1 /a"),
        (b"Start End Size Perm", b"0x1000 0x3000 2000 rw-p", b"00001000-00003000 rw-p 00000000 00:00 0"),
        (b"Start End Offset Perm Path", b"0x1000 0x3000 0x20 rw- [stack]",
         b"00001000-00003000 rw-? 00000020 00:00 0 [stack]"),
        (b"LEGEND: STACK | HEAP", b"0x1000 0x3000 rw-p 2000 20 [anon_00001]",
         b"00001000-00003000 rw-p 00000020 00:00 0"),
        (GDB, b"\xe2\x96\xba 0x1000 0x3000 0x2000 0x0 r--p <anonymous>", b"00001000-00003000 r--p 00000000 00:00 0"),
    ],
)  # fmt: skip
def test_rows_of_a_table(heading: bytes, row: bytes, mapping: bytes) -> None:
    """In the columns that the heading names; what none of them tells is unknown."""
    assert maps(debugger(heading, row)) == [mapping]
    assert debugger(row) is None


@pytest.mark.parametrize(
    "row",
    [
        b"0x1000 0x3000 0x2000 0x10 r-zp /a",
        b"0x1000 0x3000 0x2000 zz r--p /a",
        b"1000 3000 0x2000 0x10 r--p /a",
        b"0x1000 hello",
        b"hello",
    ],
)
def test_lines_of_a_table_that_are_no_rows(row: bytes) -> None:
    """They are counted, whatever they are."""
    assert debugger(GDB, row) is None
    assert notes(debugger(GDB, row, ROW, row)) == [note("other lines", count=2)]


def test_what_belongs_to_a_table_is_not_counted() -> None:
    """Its process, its heading, its frame."""
    text = debugger(b"process 77", b"Mapped address spaces:", b"", GDB, ROW, b"[ Legend: Code ]", b"LEGEND: HEAP")
    assert text is not None
    assert (text.pid, notes(text)) == (77, [note("other lines", count=1)])
    assert notes(debugger(b"LEGEND: HEAP", b"Start End Perm Size Offset File", b"0x1000 0x3000 rw-p 2000 0 /a")) == []
    assert notes(debugger(b"hello", GDB, ROW)) == [note("other lines", count=1)]
    zero = debugger(b"process 0", GDB, ROW)
    assert zero is not None
    assert zero.pid is None


def test_a_legend_is_no_heading_behind_one() -> None:
    """The columns stay those of the heading."""
    assert maps(debugger(GDB, b"LEGEND: STACK | HEAP", ROW)) == [b"00001000-00003000 r--p 00000010 ??:?? 1 /a b"]


@pytest.mark.parametrize(
    ("lines", "ends", "said"),
    [
        ((GDB, ROW), True, []),
        ((GDB, ROW), False, [note("no line end")]),
        ((GDB, ROW, ROW.replace(b"0x3000", b"0x1000")), True, [note("backwards", count=1)]),
        ((GDB, ROW, b"0x1000 0x1001 1 0 r--p"), True, []),
        ((b"Start End Size Offset", b"0x1000 0x3000 2000 0"), True, [note("no permissions")]),
    ],
)
def test_notes_of_a_table(lines: tuple[bytes, ...], ends: bool, said: list[Note]) -> None:
    """On what is missing, and what was left out."""
    assert notes(debugger(*lines, ends=ends)) == said


NO_PERMISSIONS = note("no permissions")


@pytest.mark.parametrize(
    ("lines", "kept", "said"),
    [
        ((HEAD, LINE, END), [b"00001000-00003000 ???? 00000000 ??:?? 1 /a b"], []),
        ((HEAD, b"0x1000-0x3000", END), [b"00001000-00003000 ???? 00000000 00:00 0"], []),
        ((HEAD, LINE), [b"00001000-00003000 ???? 00000000 ??:?? 1 /a b"], []),
        ((HEAD, LINE, END, b"0x5000-0x6000"), [b"00001000-00003000 ???? 00000000 ??:?? 1 /a b"],
         [note("other lines", count=1)]),
        ((b"0x5000-0x6000", HEAD, b"0x1000-0x3000"), [b"00001000-00003000 ???? 00000000 00:00 0"],
         [note("other lines", count=1)]),
        ((b"hello", b"", HEAD, b"you", b"0x1000-0x3000", END, b"x"), [b"00001000-00003000 ???? 00000000 00:00 0"],
         [note("other lines", count=3)]),
        ((HEAD, b"0x1000-0x3000", b"0x3000-0x3000", b"0x4000-0x3000"), [b"00001000-00003000 ???? 00000000 00:00 0"],
         [note("backwards", count=2)]),
        ((HEAD, b"0x1000-0x3000", END, HEAD, b"0x5000-0x6000"), [b"00001000-00003000 ???? 00000000 00:00 0"],
         [note("other lines", count=2)]),
    ],
)  # fmt: skip
def test_the_map_of_a_sanitizer(lines: tuple[bytes, ...], kept: list[bytes], said: list[Note]) -> None:
    """Between its first line and its last; the first of several."""
    text = sanitizer(*lines)
    assert (maps(text), notes(text)) == (kept, [*said, NO_PERMISSIONS])


@pytest.mark.parametrize(
    ("head", "pid"), [(HEAD, 7), (b"Process memory map follows:", None), (b"==0==Process memory map follows:", None)]
)
def test_whose_report_it_is(head: bytes, pid: int | None) -> None:
    """Where it says so."""
    text = sanitizer(head, LINE, ends=False)
    assert text is not None
    assert (text.pid, notes(text)) == (pid, [note("no line end"), NO_PERMISSIONS])
    assert sanitizer(head) is None
    assert sanitizer(LINE) is None
