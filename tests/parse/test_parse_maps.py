"""maps: what is written is read back, to the last byte of a name; nonsense is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.errors import MalformedFile
from procmem.parse import maps
from procmem.parse.maps import parse_maps
from tests.support import smaps_text
from tests.support.smaps_text import Record


@given(smaps_text.records())
def test_what_is_written_is_read_back(records: list[Record]) -> None:
    """All seven fields of every line come back, whatever the name looks like."""
    assert [tuple(record[:7]) for record in records] == [tuple(vma) for vma in parse_maps(smaps_text.maps(records))]


@given(st.binary(max_size=300))
def test_any_bytes_give_a_table_or_a_malformed_file(data: bytes) -> None:
    """Nothing else comes out of it."""
    try:
        table = parse_maps(data)
    except MalformedFile as error:
        assert "maps" in str(error)  # noqa: PT017  # any bytes may also be fine
    else:
        assert len(table) == data.count(b"\n")


def test_an_empty_file_is_an_empty_table() -> None:
    """A kernel thread has no mappings."""
    assert len(parse_maps(b"")) == 0


@pytest.mark.parametrize(
    "name",
    [b"/a b", b"/a  (deleted)", b"/ends in blanks  ", b"/tab\t", b"/cr\r", b"/\\012", b"/" + b"x" * 20_000, b"[heap]"],
)
def test_names_are_kept_to_the_last_byte(name: bytes) -> None:
    """The kernel escapes newlines only; everything else is part of the name."""
    line = b"00400000-00401000 r-xp 00000000 fe:00 12".ljust(73) + name + b"\n"
    assert [name] == parse_maps(line).name


@pytest.mark.parametrize(
    "line",
    [
        b"00400000-00401000 r-xp 00000000 fe:00 12",  # no line end: cut off
        b"00400000-00401000 r-xp 00000000 fe:00\n",
        b"00400000-00401000 r-xp 00000000 fe:00 12x\n",
        b"00400000-00401000 rwxq 00000000 fe:00 12\n",
        b"00400000-00400000 r-xp 00000000 fe:00 12\n",
        b"00401000-00400000 r-xp 00000000 fe:00 12\n",
        b"0x400000-00401000 r-xp 00000000 fe:00 12\n",
        b"00400000-00401000 r-xp 00000000 fe:00 1_2\n",
        b"00400000-00401000 r-xp 00000000 fe:00 " + "\u0661".encode() + b"\n",
        b"00400000-00401000 r-xp 00000000 fe:00 18446744073709551616\n",
        b"-00401000 r-xp 00000000 fe:00 1\n",
        b"\n",
        b"00000000000400000-00401000 r-xp 00000000 fe:00 12\n",
    ],
)
def test_lines_of_another_form_are_refused(line: bytes) -> None:
    """The message names the file; a good line before does not help."""
    good = b"00300000-00301000 r-xp 00000000 fe:00 12\n"
    with pytest.raises(MalformedFile, match="maps"):
        parse_maps(line)
    with pytest.raises(MalformedFile, match="maps"):
        parse_maps(good + line)


def test_the_wrong_line_is_named() -> None:
    """Counted from 1."""
    good = b"00300000-00301000 r-xp 00000000 fe:00 12\n"
    with pytest.raises(MalformedFile, match="line 3"):
        parse_maps(good * 2 + b"what is this\n" + good)


def test_disorder_is_no_error() -> None:
    """A process that remaps while it is read gives lines out of order, or twice."""
    line = b"%08x-%08x rw-p 00000000 00:00 0 \n"
    data = line % (0x3000, 0x4000) + line % (0x1000, 0x2000) + line % (0x1000, 0x3000)
    assert parse_maps(data).start == [0x3000, 0x1000, 0x1000]


@pytest.mark.parametrize("device", ["103:02", "fe:00", "00:1f", "08:100000"])
def test_devices_may_have_more_digits(device: str) -> None:
    """NVMe disks and many partitions have."""
    line = f"00400000-00401000 r-xp 00000000 {device} 12 /x\n".encode()
    assert [device] == parse_maps(line).device


HEAP = b"1000-2000 rw-p 00000000 00:00 0 [heap]"


def test_line_ends_of_windows_are_refused() -> None:
    """Where every line has one; a name of a file may end so."""
    for text in (HEAP + b"\r\n", (HEAP + b"\r\n") * 2):
        with pytest.raises(MalformedFile) as raised:
            parse_maps(text)
        assert (raised.value.line, raised.value.code, raised.value.text) == (1, "line-ends", HEAP + b"\r")
    assert parse_maps(HEAP + b"\r\n" + HEAP + b"\n")[0].name == b"[heap]\r"
    assert parse_maps(HEAP[:-6] + b"/a\r\n")[0].name == b"/a\r"


@pytest.mark.parametrize("part", [1, 60, 1 << 20])
@pytest.mark.parametrize(
    ("wrong", "code", "text"),
    [
        (b"hello\n", "not-a-mapping", b"hello"),
        (b"2000-2000 rw-p 00000000 00:00 0\n", "range-backwards", b"2000-2000"),
        (b"1000-2000 rw-p 00000000 00:00 x\n", "not-a-mapping", b"00:00 x"),
        (b"1000-2000 rw-p 00000000 00:00 18446744073709551616\n", "inode-too-large", b"00:00 18446744073709551616"),
        (b"1000-2000 rw-p", "last-line-cut", b"1000-2000 rw-p"),
    ],
)
def test_the_wrong_line_is_named_in_any_part(
    wrong: bytes, code: str, text: bytes, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted from 1, in whatever parts the text is taken."""
    monkeypatch.setattr(maps, "PART_BYTES", part)
    for before in (0, 1, 4):
        with pytest.raises(MalformedFile) as raised:
            parse_maps((HEAP + b"\n") * before + wrong)
        assert (raised.value.line, raised.value.code, raised.value.text) == (before + 1, code, text)
    assert len(parse_maps((HEAP + b"\n") * 5)) == 5


def test_addresses_of_any_width() -> None:
    """Of the same number of digits, or of different ones."""
    lines = b"1000-2000 rw-p 00000000 00:00 0\nf-ffffffffffffffff r--p ffffffffffffffff 00:00 0\n"
    assert [(one.start, one.end, one.offset) for one in parse_maps(lines)] == [
        (0x1000, 0x2000, 0), (0xF, (1 << 64) - 1, (1 << 64) - 1),
    ]  # fmt: skip
