"""What pmap prints, line by line: which form a line has, what it says, and what is told about the rest."""

import pytest

from procmem.model.given_text import GivenText
from procmem.model.note import Note, note
from procmem.parse.given.lines import given_lines
from procmem.parse.given.pmap_tables import read_pmap
from procmem.parse.smaps import parse_smaps

PLAIN = b"00001000      8K rw---   [ anon ]"
EXTENDED = b"00001000       8       4       4 rw---   [ anon ]"
DEVICES = b"00001000       8 rw--- 0000000000003000 008:00001 /a"
HEADING = b" Address Perm Offset Device Inode Size Rss VmFlags     Mapping"
ROW_1 = b"00001000 rw-p 00003000  08:01  12    8   4 rd wr       /a b"
ROW_2 = b"00004000 r--p 00000000  00:00   0    4   0 rd sd       "


def read(*lines: bytes) -> GivenText | None:
    """What is found in a text of these lines."""
    return read_pmap(given_lines(b"\n".join(lines) + b"\n"))


def found(*lines: bytes) -> GivenText:
    """The same, where something is found."""
    text = read(*lines)
    assert text is not None
    return text


def notes(*lines: bytes) -> list[Note]:
    """What is said about it, but for the note that it comes from pmap."""
    first, *others = found(*lines).notes
    assert first == note("pmap")
    return others


def counters(text: GivenText) -> list[bytes]:
    """The lines of smaps below the mappings' own."""
    return [line for line in text.files["smaps"].splitlines() if b"-" not in line.split()[0]]


def headers(text: GivenText) -> list[bytes]:
    """The lines of maps."""
    return text.files["maps"].splitlines()


@pytest.mark.parametrize(
    ("line", "mapping", "has_counters"),
    [
        (PLAIN, b"00001000-00003000 rw-p 00000000 00:00 0", False),
        (EXTENDED, b"00001000-00003000 rw-p 00000000 00:00 0", True),
        (DEVICES, b"00001000-00003000 rw-p 00003000 ??:?? 1 /a", False),
        (b"0000000000001000 4K r-xs- /a", b"00001000-00002000 r-xs 00000000 ??:?? 1 /a", False),
        (b"00001000 4K rw-sR /a", b"00001000-00002000 rw-s 00000000 ??:?? 1 /a", False),
        (b"00001000 4K -----", b"00001000-00002000 ---p 00000000 00:00 0", False),
        (b"00001000 4 - - rw---", b"00001000-00002000 rw-p 00000000 00:00 0", True),
        (b"00001000 4 rwx-- 0000000000002000 008:00001", b"00001000-00002000 rwxp 00002000 00:00 0", False),
    ],
)  # fmt: skip
def test_the_forms_of_a_line(line: bytes, mapping: bytes, has_counters: bool) -> None:
    """Address, size and mode in each; what one of them does not tell is zero, unknown, or nothing."""
    text = found(line)
    assert headers(text) == [mapping]
    assert ("smaps" in text.files) is has_counters


@pytest.mark.parametrize(
    "line",
    [
        b"0001000 8K rw--- a",
        b"00001000 8M rw--- a",
        b"00001000 8K rw-- a",
        b"00001000 8K rw-p- a",
        b"00001000 8 4 rw--- a",
        b"00001000 8 rw--- 3000 00800001 a",
        b"total 8K",
        b"---- ---",
        b"77:   server",
        HEADING,
        b"",
    ],
)  # fmt: skip
def test_lines_of_other_forms(line: bytes) -> None:
    """Alone they are nothing of pmap's; nor are rows of columns whose heading is missing."""
    assert read(line) is None
    assert read(ROW_1, ROW_2) is None


@pytest.mark.parametrize(
    ("rss", "said"), [(b"4", [b"Rss: 4 kB"]), (b"0", [b"Rss: 0 kB"]), (b"-", [])]
)  # fmt: skip
def test_what_is_resident_by_the_extended_form(rss: bytes, said: list[bytes]) -> None:
    """A dash is no figure; the dirty part is not kept."""
    assert counters(found(b"00001000 8 " + rss + b" 2 rw--- /a")) == said


@pytest.mark.parametrize(
    ("mapping", "line_end"),
    [
        (b"[ anon ]", b"00:00 0"),
        (b"", b"00:00 0"),
        (b"[ stack ]", b"00:00 0 [stack]"),
        (b"[heap]", b"00:00 0 [heap]"),
        (b"/usr/lib/x.so", b"??:?? 1 /usr/lib/x.so"),
        (b"x.so", b"??:?? 1 /.../x.so"),
        (b"[ shmid=0x8001 ]", b"00:01 32769 /SYSV????????"),
        (b"[ shmid=0x0 ]", b"00:01 0 /SYSV????????"),
    ],
)  # fmt: skip
def test_names(mapping: bytes, line_end: bytes) -> None:
    """As maps has them; that the folder of a file was lost is shown in its name."""
    (line,) = headers(found(b"00001000 8K rw--- " + mapping))
    assert line == b"00001000-00003000 rw-p 00000000 " + line_end
    said = [note("names without folders")] if b"..." in line_end else []
    assert notes(b"00001000 8K rw--- " + mapping, b"total 8K") == said


@pytest.mark.parametrize(
    ("line", "files", "pid"),
    [
        (b"77:   server -v  ", {"cmdline": b"server -v\0"}, 77),
        (b"77:\t[kthreadd]", {"comm": b"kthreadd\n"}, 77),
        (b"0: a", {"cmdline": b"a\0"}, None),
        (b"hello", {}, None),
    ],
)
def test_the_title(line: bytes, files: dict[str, bytes], pid: int | None) -> None:
    """The number and the command line; a name in brackets where there is none."""
    text = found(line, PLAIN)
    assert {name: data for name, data in text.files.items() if name != "maps"} == files
    assert text.pid == pid


def test_the_first_process_of_several() -> None:
    """Its title is the last before its rows; what stands below the next title is counted by titles alone."""
    text = found(b"1: a", b"2: b", PLAIN, b"total 8K", b"3: c", PLAIN, b"total 9999K", b"hello", b"4: d", PLAIN)
    assert (text.pid, text.files["cmdline"], len(headers(text))) == (2, b"b\0", 1)
    assert text.notes == (note("pmap"), note("other processes", count=2))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((PLAIN, b" total 8K"), []),
        ((PLAIN, b" total 7K"), []),
        ((PLAIN, b" total 9K"), [note("total differs", total=9216, seen=8192)]),
        ((PLAIN,), [note("no total")]),
        ((b"hello", PLAIN, b"you", b"", b"total 8K"), [note("other lines", count=2)]),
        ((b"Address Kbytes RSS Dirty Mode Mapping", EXTENDED, b"---- ---- ----", b"total kB 8 4 4"), []),
        ((b"Address Kbytes Mode Offset Device Mapping", DEVICES, b"mapped: 8K writeable/private: 8K shared: 0K"), []),
        ((PLAIN, EXTENDED, b"total 8K"), [note("other lines", count=1)]),
        ((PLAIN, b"8 4 KB"), [note("no total"), note("other lines", count=1)]),
    ],
)
def test_the_total_and_other_lines(lines: tuple[bytes, ...], said: list[Note]) -> None:
    """Lines are missing where the total is more than the rows; of two forms in one table the first one counts."""
    assert notes(*lines) == said


@pytest.mark.parametrize(
    ("lines", "kept", "left_out"),
    [
        ((b"00001000 0K rw---", PLAIN), 1, 1),
        ((b"00001000 1K rw---",), 1, 0),
        ((b"fffffffffffff000 3K rw---",), 1, 0),
        ((b"fffffffffffff000 4K rw---", b"fffffffffffff000 5K rw---", PLAIN), 1, 2),
    ],
)  # fmt: skip
def test_mappings_of_no_size_or_beyond_the_end_of_memory(lines: tuple[bytes, ...], kept: int, left_out: int) -> None:
    """They are left out and counted; their sizes are part of what was seen."""
    assert len(headers(found(*lines))) == kept
    seen = sum(int(line.split()[1].rstrip(b"K")) for line in lines)
    assert notes(*lines, b"total %dK" % seen) == ([note("backwards", count=left_out)] if left_out else [])
    assert note("total differs", total=(seen + 1) * 1024, seen=seen * 1024) in notes(*lines, b"total %dK" % (seen + 1))


def test_columns_below_a_heading() -> None:
    """Each counter has one; Size is the mapping's own, and no counter of its."""
    text = found(HEADING, ROW_1, ROW_2, b"  12  4 KB")
    assert headers(text) == [
        b"00001000-00003000 rw-p 00003000 08:01 12 /a b",
        b"00004000-00005000 r--p 00000000 00:00 0",
    ]
    assert counters(text) == [b"Rss: 4 kB", b"VmFlags: rd wr", b"Rss: 0 kB", b"VmFlags: rd sd"]
    assert text.notes == (note("pmap"),)


@pytest.mark.parametrize(
    ("total", "said"),
    [
        (b" 12 4 KB ", []),
        (b" 12 ", []),
        (b" 13 4 KB", [note("total differs", total=13 << 10, seen=12 << 10)]),
        (b"==== ===", [note("no total")]),
    ],
)
def test_the_total_of_columns(total: bytes, said: list[Note]) -> None:
    """It stands below the sizes, the first of the counters."""
    assert notes(HEADING, ROW_1, ROW_2, total) == said


@pytest.mark.parametrize(
    ("row", "name", "flags"),
    [
        (b"00001000 rw-p 00003000  08:01  12    8   4 rd wr       ab cd", b" /.../ab cd", b"rd wr"),
        (b"00001000 rw-p 00003000  08:01  12    8   4 rd wr [heap]", b" [heap]", b"rd wr"),
        (b"00001000 rw-p 00003000  08:01  12    8   4 rd\twr\t/a", b" /a", b"rd wr"),
        (b"00001000 rw-p 00003000  08:01  12    8   4 rd wr", b"", b"rd wr"),
        (b"00001000 rw-p 00003000  08:01  12    8   4", b"", b""),
    ],
)  # fmt: skip
def test_flags_and_name(row: bytes, name: bytes, flags: bytes) -> None:
    """The name begins below its heading; where the columns have lost their places, behind words of two letters."""
    text = found(HEADING, row)
    assert headers(text) == [b"00001000-00003000 rw-p 00003000 08:01 12" + name]
    assert [line.split() for line in counters(text)[1:]] == [[b"VmFlags:", *flags.split()]]


@pytest.mark.parametrize("indent", [b"", b" ", b"   "])
def test_an_indented_table(indent: bytes) -> None:
    """The name still begins below its heading; lines of other forms are read without what indents them."""
    text = found(indent + HEADING, indent + ROW_1.replace(b"/a b", b"ab cd"))
    assert headers(text) == [b"00001000-00003000 rw-p 00003000 08:01 12 /.../ab cd"]
    assert headers(found(indent + PLAIN)) == headers(found(PLAIN))


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_a_name_beside_its_column(shift: int) -> None:
    """It is whole."""
    head = b"00001000 rw-p 00003000  08:01  12    8   4 rd wr"
    text = found(HEADING, head.ljust(HEADING.index(b"Mapping") + shift) + b"/x y")
    assert headers(text) == [b"00001000-00003000 rw-p 00003000 08:01 12 /x y"]


def test_columns_that_a_newer_kernel_has() -> None:
    """Before and behind VmFlags in the alphabet."""
    text = found(b"Address Perm Offset Device Inode A Size Zz VmFlags Mapping", b"00001000 r--p 0 00:00 0 1 4 3 rd")
    assert counters(text) == [b"A: 1 kB", b"Zz: 3 kB", b"VmFlags: rd"]


def test_columns_without_flags() -> None:
    """All behind the last counter is the name."""
    heading = b"Address Perm Offset Device Inode Size THPeligible ProtectionKey Rss Mapping"
    text = found(heading, b"00001000 rw-p 0 08:01 12 8 1 0 4 rd wr /a")
    assert headers(text) == [b"00001000-00003000 rw-p 00000000 08:01 12 /.../rd wr /a"]
    assert counters(text) == [b"Rss: 4 kB"]
    assert headers(found(heading, b"00001000 rw-p 0 08:01 12 8 1 0 4"))[0].endswith(b" 12")


@pytest.mark.parametrize(
    ("row", "is_row"),
    [
        (b"00001000 rw-p 0 08:01 12 8 4", True),
        (b"00001000 rw-p 0 08:01 12 8", False),
        (b"00001000 rw-p 0 08:01 12 8 x", False),
        (b"00001000 rw-p 0 08:01 12 x 4", False),
        (b"00001000 rw-- 0 08:01 12 8 4", False),
        (b"00001000 rw-p 0 08-01 12 8 4", False),
    ],
)  # fmt: skip
def test_rows_below_a_heading(row: bytes, is_row: bool) -> None:
    """A whole number for each counter; other lines are counted."""
    said = notes(HEADING, ROW_2, row, b"99 KB")
    assert (note("other lines", count=1) in said) is not is_row


@pytest.mark.parametrize(("inode", "kept"), [((1 << 64) - 1, (1 << 64) - 1), (1 << 64, 0)])
def test_an_inode_that_is_too_large(inode: int, kept: int) -> None:
    """No kernel has one: it is not known."""
    (line,) = headers(found(HEADING, b"00001000 rw-p 0 08:01 %d 8 4 rd /a" % inode))
    assert int(line.split()[4]) == kept


def test_a_heading_without_sizes() -> None:
    """Then no mapping has one: all are left out, as lines without a size are."""
    text = found(b"Address Perm Offset Device Inode Rss Mapping", b"00001000 rw-p 0 08:01 12 4 /a")
    assert (headers(text), note("backwards", count=1) in text.notes) == ([], True)


def test_columns_of_names_that_no_counter_has() -> None:
    """A heading that was damaged: what stands below it is left out, and the rest keeps its place."""
    heading = b"         Address Perm   Offset Device   Inode  Size  R\xff\xfess  Pss: Swap Mapping"
    row = b"    555555554000 r--p 00000000  08:01 1234567    8     4     3    2 /x"
    text = read_pmap(given_lines(heading + b"\n" + row + b"\n"))
    assert text is not None
    assert parse_smaps(text.files["smaps"]).usage == {"Swap": [2048]}
