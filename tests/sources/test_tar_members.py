"""Members of an archive, one by one: every bound of them, and every form in which a header may speak."""

import io

import pytest

from procmem.errors import BrokenRecording
from procmem.sources.recording.tar_members import Member, read_members
from tests.support.tar_blocks import END, header, member


def read(data: bytes, *, most: int = 100, limit: int = 1000, piece: int | None = None) -> list[Member]:
    """All of an archive; ``piece`` is the most that a read gives."""
    file = io.BytesIO(data)
    return list(
        read_members(
            "a.tar", lambda size: file.read(size if piece is None else min(size, piece)), lambda _: limit, most
        )
    )


def code_of(data: bytes, **bounds: int) -> str:
    """Why an archive is refused."""
    with pytest.raises(BrokenRecording) as caught:
        read(data, **bounds)
    return str(caught.value.code)


def checked(block: bytes | bytearray) -> bytes:
    """The same header with its checksum."""
    changed = bytearray(block)
    changed[148:156] = b" " * 8
    changed[148:156] = b"%06o\0 " % sum(changed)
    return bytes(changed)


def extended(*records: bytes, kind: bytes = b"x") -> bytes:
    """An extended header."""
    return member(b"pax", b"".join(records), kind)


@pytest.mark.parametrize("piece", [None, 1, 511, 513])
@pytest.mark.parametrize("size", [0, 1, 511, 512, 513])
def test_files_links_and_folders(size: int, piece: int | None) -> None:
    """In their order, however little a read gives; folders are none."""
    data = member(b"a/b", b"x" * size) + header(b"l", 0, b"2", link=b"to") + header(b"d/", 0, b"5") + member(b"e", b"y")
    assert read(data + END, piece=piece) == [
        Member("a/b", b"x" * size, None),
        Member("l", None, b"to"),
        Member("e", b"y", None),
    ]


@pytest.mark.parametrize("kind", [b"0", b"\0", b"7"])
def test_what_is_a_regular_file(kind: bytes) -> None:
    """The old form and the contiguous one as well."""
    assert read(member(b"a", b"x", kind) + END) == [Member("a", b"x", None)]


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (b"1", "member-hard-link"), (b"3", "member-device"), (b"4", "member-device"), (b"6", "member-fifo"),
        (b"S", "member-sparse"), (b"V", "member-unknown"),
    ],
)  # fmt: skip
def test_what_is_refused(kind: bytes, code: str) -> None:
    """By its name."""
    assert code_of(member(b"a", b"", kind) + END) == code


def test_bounds() -> None:
    """So many members, folders and long names among them; so many bytes of each."""
    data = header(b"d/", 0, b"5") + member(b"long", b"n\0", b"L") + member(b"a", b"xy")
    assert read(data + END, most=3, limit=2) == [Member("n", b"xy", None)]
    assert code_of(data + END, most=2) == "too-many-members"
    assert code_of(data + END, limit=1) == "member-too-large"
    largest = 64 * 1024
    name = b"n" * 4096
    assert read(member(b"x", name.ljust(largest, b"\0"), b"L") + member(b"a", b"") + END)[0].name == "n" * 4096
    assert code_of(member(b"x", name.ljust(largest + 1, b"\0"), b"L") + END) == "archive-long-header"
    assert code_of(member(b"x", name + b"n", b"L") + member(b"a", b"") + END) == "archive-long-name"
    [link] = read(member(b"x", b"t" * 5000, b"K") + header(b"l", 0, b"2") + END)
    assert link.link == b"t" * 4096


def test_long_names_are_of_the_next_member_alone() -> None:
    """By GNU's form or by records."""
    both = member(b"x", b"name\0more", b"L") + member(b"x", b"text\0more", b"K")
    assert read(both + header(b"l", 0, b"2", link=b"t") + member(b"b", b"") + END) == [
        Member("name", None, b"text"),
        Member("b", b"", None),
    ]
    records = extended(b"13 path=name\n", b"12 other=ab\n")
    assert read(records + member(b"a", b"x") + member(b"b", b"") + END) == [
        Member("name", b"x", None),
        Member("b", b"", None),
    ]
    link = extended(b"15 linkpath=to\n")
    assert read(link + header(b"l", 0, b"2") + END) == [Member("l", None, b"to")]
    size = extended(b"9 size=3\n") + header(b"a", 0, b"0") + b"xyz".ljust(512, b"\0")
    assert read(size + member(b"b", b"q") + END) == [Member("a", b"xyz", None), Member("b", b"q", None)]
    everybody = extended(b"13 path=name\n", kind=b"g")
    assert read(everybody + member(b"a", b"") + END) == [Member("a", b"", None)]


@pytest.mark.parametrize(
    "record",
    [b"13 path=nam\n", b"13 path=namex", b"13 path+name\n", b"x3 path=name\n", b" path=name\n", b"0 path=name\n",
     b"12 path=name\n", b"14 path=name\n", b"0000000013 path=name\n"],
)  # fmt: skip
def test_damaged_records(record: bytes) -> None:
    """Their length, their mark and their end have to be right."""
    assert code_of(extended(record) + member(b"a", b"") + END) == "archive-extended"
    assert code_of(extended(b"22 GNU.sparse.major=1\n") + END) == "member-sparse"


def test_damaged_headers() -> None:
    """A checksum, a number, an end that is not there."""
    block = bytearray(member(b"a", b""))
    block[0] = ord("b")
    assert code_of(bytes(block) + END) == "archive-checksum"
    for size, code in ((b"0000000000x\0", "archive-size"), (b"1".rjust(12), None), (b"\0" * 12, None)):
        changed = bytearray(header(b"a", 0, b"0"))
        changed[124:136] = size
        data = checked(changed) + b"y".ljust(512, b"\0") + END
        if code is not None:
            assert code_of(data) == code
        else:
            assert read(data if b"1" in size else data[:512] + END)[0].content == (b"y" if b"1" in size else b"")
    binary = bytearray(header(b"a", 0, b"0"))
    binary[124:136] = b"\x80" + (2).to_bytes(11, "big")
    assert read(checked(binary) + b"yz".ljust(512, b"\0") + END)[0].content == b"yz"
    for cut in (511, 512 + 1, 1023):
        assert code_of(member(b"a", b"x" * 5)[:cut]) == "archive-cut"


def test_names() -> None:
    """Of two parts by ustar; below the archive's own folder only, without what means nothing."""
    prefixed = bytearray(header(b"b", 0, b"0"))
    prefixed[257:265], prefixed[345:348] = b"ustar\x0000", b"a/c"
    assert read(checked(prefixed) + END)[0].name == "a/c/b"
    gnu = bytearray(header(b"b", 0, b"0"))
    gnu[345:348] = b"a/c"
    assert read(checked(gnu) + END)[0].name == "b"
    assert read(member(b"./a//b/.", b"") + END)[0].name == "a/b"
    for bad in (b"/a", b"../a", b"a/../b"):
        assert code_of(member(bad, b"") + END) == "member-outside"
