"""Lines of a text and their ends, and how the form of a text is found: on both sides of each border."""

import pytest

from procmem.errors import BrokenRecording
from procmem.model.note import Note, note
from procmem.parse.given import read as reading
from procmem.parse.given.form import FoundMapping, maps_text, smaps_text
from procmem.parse.given.lines import given_lines
from procmem.parse.given.read import read_given_text

ENDS = "line ends"


@pytest.mark.parametrize(
    ("data", "lines", "said"),
    [
        (b"a\nb\n", (b"a", b"b"), []),
        (b"a\r\nb\r\n", (b"a", b"b"), [note(ENDS, count=2)]),
        (b"a\r\nb\n", (b"a", b"b"), [note(ENDS, count=1)]),
        (b"a\r\nb\nc\n", (b"a\r", b"b", b"c"), [note("some line ends", count=1)]),
        (b"a\r\nb", (b"a", b"b"), [note(ENDS, count=1)]),
        (b"a\r\nb\nc", (b"a", b"b", b"c"), [note(ENDS, count=1)]),
        (b"a\r\nb\nc\nd", (b"a", b"b", b"c", b"d"), [note(ENDS, count=1)]),
        (b"a\r\nb\nc\nd\ne", (b"a\r", b"b", b"c", b"d", b"e"), [note("some line ends", count=1)]),
        (b"a\r\n\n\n\nb\n", (b"a", b"", b"", b"", b"b"), [note(ENDS, count=1)]),
        (b"a\rb\r", (b"a", b"b"), [note(ENDS, count=2)]),
        (b"a\rb\nc\nd\n", (b"a\rb", b"c", b"d"), []),
        (b"", (b"",), []),
    ],
)
def test_carriage_returns(data: bytes, lines: tuple[bytes, ...], said: list[Note]) -> None:
    """They end lines where at least half of the lines have one; a last line without an end counts as one of them."""
    found = given_lines(data)
    assert (found.plain, list(found.notes)) == (lines, said)
    assert found.ends is data.endswith((b"\n", b"\r"))


@pytest.mark.parametrize(
    ("data", "bare", "said"),
    [
        (b"\xef\xbb\xbfa\n", b"a", [note("byte order mark")]),
        ("a\n".encode("utf-16"), b"a", [note("text in UTF-16")]),
        ("\ufeffa\n".encode("utf-16-be"), b"a", [note("text in UTF-16")]),
        (b" \t> | a > b\n", b"a > b", []),
        (b"\xc2\xa0a\n", b"a", []),
        (b" \x1b[31;1ma\x1b[0m\n", b"a", [note("colours")]),
        (b"a \x1b[31mb\n", b"a \x1b[31mb", []),
    ],
)
def test_what_a_line_is_wrapped_in(data: bytes, bare: bytes, said: list[Note]) -> None:
    """Marks, margins, and the colours of lines that begin with one."""
    found = given_lines(data)
    assert (found.bare, list(found.notes)) == ((bare,), said)


def test_files_are_numbered_by_their_names() -> None:
    """From 1 on; memory without a name, and labels, are no files; a device and an inode that are told stay."""
    names = [b"/a", b"", b"/b", b"[heap]", b"/a", b"/memfd:x (deleted)"]
    found = [FoundMapping(0x1000, 0x2000, b"r", 0, name) for name in names]
    found.append(found[0]._replace(device=b"08:01", inode=b"99"))
    assert [line.split(b" ", 3)[3] for line in maps_text(found).splitlines()] == [
        b"??:?? 1 /a", b"00:00 0", b"??:?? 2 /b", b"00:00 0 [heap]", b"??:?? 1 /a", b"00:01 3 /memfd:x (deleted)",
        b"08:01 99 /a",
    ]  # fmt: skip
    with_counters = found[1]._replace(counters=(("Rss", 4), ("Pss", 2)), flags=b"VmFlags: rd")
    assert smaps_text([with_counters, found[1]]).splitlines()[1:] == [
        b"Rss: 4 kB", b"Pss: 2 kB", b"VmFlags: rd", b"00001000-00002000 r??? 00000000 00:00 0",
    ]  # fmt: skip


MAPS = b"00001000-00002000 rw-p 00000000 00:00 0\n"
LETTER = b"a1000-a2000 rw-p 00000000 00:00 0\n"
SMAPS = MAPS + b"Size: 4 kB\nRss: 4 kB\n"


@pytest.mark.parametrize(
    ("data", "files"),
    [
        (MAPS, {"maps": MAPS}),
        (SMAPS + SMAPS.replace(b"0000", b"0001"), {
            "smaps": SMAPS + SMAPS.replace(b"0000", b"0001"), "maps": MAPS + MAPS.replace(b"0000", b"0001"),
        }),
        (LETTER, {"maps": LETTER}),
    ],
)  # fmt: skip
def test_the_kernels_own_text_is_kept_as_it_is(data: bytes, files: dict[str, bytes]) -> None:
    """Byte for byte, and nothing is said."""
    assert read_given_text(data, "x") == (files, None, ())


def test_one_mapping_with_counters_is_looked_at() -> None:
    """It may be the sums of a whole process: those have no Size."""
    assert set(read_given_text(SMAPS, "x").files) == {"maps", "smaps"}
    rollup = MAPS.replace(b"rw-p", b"---p") + b"Rss: 4 kB\n"
    assert set(read_given_text(rollup, "x").files) == {"smaps_rollup"}


def test_how_many_lines_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as are said; more are refused, of either end."""
    monkeypatch.setattr(reading, "LINES_MAX", 3)
    for end in (b"\n", b"\r"):
        text = b"see" + end + MAPS.replace(b"\n", end) + b"x" + end
        assert read_given_text(text, "x").files
        with pytest.raises(BrokenRecording) as raised:
            read_given_text(text + b"y" + end, "x")
        assert (raised.value.code, raised.value.fields["most"]) == ("too-many-lines", 3)


@pytest.mark.parametrize(
    ("data", "number", "text"),
    [(b"hello\n", 1, b"hello"), (b"\n \nhello\nyou\n", 3, b"hello"), (b"x" * 100, 1, b"x" * 80)],
)
def test_how_an_unknown_text_begins(data: bytes, number: int, text: bytes) -> None:
    """By its first line that is not empty, 80 bytes of it."""
    with pytest.raises(BrokenRecording) as raised:
        read_given_text(data, "x")
    assert raised.value.code == "unknown-text"
    assert (raised.value.fields["number"], raised.value.fields["text"]) == (number, text)
