"""The hash table of dynamic symbols, made by hand: each check of it alone, in both widths and byte orders."""

import struct

import pytest

from procmem.model.elf import DT_GNU_HASH, DT_STRTAB, DT_SYMTAB, PT_LOAD, ElfImage, Segment
from procmem.parse.elf_exports import _hash, exported_names

TABLE, SYMBOLS, STRINGS = 0x1000, 0x80000, 0x90000
BASE = 0x400000
FIRST = 3
TAGS = {DT_GNU_HASH: BASE + TABLE, DT_SYMTAB: BASE + SYMBOLS, DT_STRTAB: BASE + STRINGS}


class Bytes:
    """A file in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read_at(self, offset: int, length: int) -> bytes:
        return self.data[offset : offset + length]


def hash_of(name: str) -> int:
    """dl_new_hash() of glibc, as it is written there."""
    value = 5381
    for byte in name.encode():
        value = (value << 5) + value + byte & 0xFFFF_FFFF
    return value


def test_the_hash() -> None:
    """Values from the description of the GNU hash section."""
    assert [_hash(name) for name in ("", "printf", "exit", "syscall", "flapenguin.me")] == [
        0x0000_1505, 0x156B_2BB8, 0x7C96_7E3F, 0xBAC2_12A0, 0x8AE9_F18E,
    ]  # fmt: skip
    assert _hash("é") == hash_of("é")


def found(
    defined: list[str],
    asked: list[str],
    *,
    bits: int = 64,
    little: bool = True,
    buckets: int = 2,
    words: int = 2,
    shift: int = 6,
    head: tuple[int, int, int, int] | None = None,
    sections: int = 5,
    filled: bool = True,
    cut: int | None = None,
    tags: dict[int, int] | None = None,
) -> set[str]:
    """Which names are found in a file that defines some."""
    order, word = "<" if little else ">", bits // 8
    names = sorted(defined, key=lambda name: hash_of(name) % buckets)
    strings, symbols = b"\0", b""
    for number in range(FIRST + len(names)):
        name = names[number - FIRST] if number >= FIRST else ""
        at = len(strings) if name else 0
        form = "I2BH2Q" if bits == 64 else "3I2BH"
        fields = (at, 18, 0, sections, 0, 0) if bits == 64 else (at, 0, 0, 18, 0, sections)
        symbols += struct.pack(order + form, *fields)
        strings += name.encode() + b"\0" if name else b""
    bloom, table, chain = [0] * words, [0] * buckets, []
    for number, name in enumerate(names):
        value = hash_of(name)
        bloom[value // bits % words] |= 1 << value % bits | 1 << (value >> shift) % bits
        table[value % buckets] = table[value % buckets] or FIRST + number
        is_last = number + 1 == len(names) or hash_of(names[number + 1]) % buckets != value % buckets
        chain.append(value & ~1 | is_last)
    letter = "Q" if bits == 64 else "I"
    data = struct.pack(f"{order}4I", *(head or (buckets, FIRST, words, shift)))
    data += struct.pack(f"{order}{words}{letter}", *(bloom if filled else [0] * words))
    data += struct.pack(f"{order}{buckets}I{len(chain)}I", *table, *chain)
    file = bytearray(STRINGS + len(strings))
    for place, part in ((TABLE, data), (SYMBOLS, symbols), (STRINGS, strings)):
        file[place : place + len(part)] = part
    image = ElfImage(
        bits, little, 3, 62, 0, 64, 0, 0, 0, 0, (Segment(PT_LOAD, 4, 0, BASE, len(file), len(file), 4096),)
    )
    assert image.word_size == word
    entries = (TAGS if tags is None else tags).items()
    return set(exported_names(Bytes(bytes(file[:cut])), image, entries, asked))


SOME = ["malloc", "free", "calloc", "realloc", "main", "x"]


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize(("buckets", "words", "shift"), [(1, 1, 6), (2, 2, 0), (5, 4, 26), (64, 1, 5)])
def test_what_is_defined_is_found(bits: int, little: bool, buckets: int, words: int, shift: int) -> None:
    """And nothing else, whatever the table's form."""
    asked = [*SOME, "nothing", "", "mallo", "mallocx"]
    seen = found(SOME, asked, little=little, bits=bits, buckets=buckets, words=words, shift=shift)
    assert seen == set(SOME)


def test_a_large_filter_is_read_by_itself() -> None:
    """More than comes with the head."""
    for words in (256, 512, 1024, 4096, 32768):
        assert found(SOME, SOME, words=words, buckets=3) == set(SOME)
    assert found(SOME, SOME, words=32769, buckets=3) == set()
    assert found(SOME, SOME, bits=32, words=65536, buckets=3) == set(SOME)
    assert found(SOME, SOME, bits=32, words=65537, buckets=3) == set()


@pytest.mark.parametrize(
    ("head", "are_found"),
    [
        ((2, FIRST, 2, 6), True),
        ((0, FIRST, 2, 6), False),
        (((1 << 24) + 1, FIRST, 2, 6), False),
        ((2, FIRST, 0, 6), False),
        ((2, FIRST, 2, 64), False),
        ((2, 1 << 31, 2, 6), False),
    ],
)
def test_a_head_that_cannot_be(head: tuple[int, int, int, int], are_found: bool) -> None:
    """No buckets, no filter, a shift beyond the word, a first symbol behind all."""
    assert bool(found(SOME, SOME, head=head)) is are_found


def test_a_shift_of_the_whole_word_is_none() -> None:
    """63 is the most."""
    assert found(SOME, SOME, shift=63) == set(SOME)


def test_what_the_filter_does_not_know_is_not_looked_for() -> None:
    """Nor what is only asked for: its symbol has no section."""
    assert found(SOME, SOME, filled=False) == set()
    assert found(SOME, SOME, sections=0) == set()


def test_names_of_one_hash_are_told_apart() -> None:
    """By the names themselves."""
    one, other = "bA", "ab"
    assert hash_of(one) == hash_of(other)
    assert found([one], [one, other]) == {one}
    assert found([one, other], [other, one]) == {one, other}


@pytest.mark.parametrize("cut", [TABLE, TABLE + 15, TABLE + 31, TABLE + 39, TABLE + 43, SYMBOLS, SYMBOLS + 70])
def test_a_file_that_ends_within_a_table(cut: int) -> None:
    """Has none of it."""
    assert found(["malloc"], ["malloc"], cut=cut, buckets=1) == set()


@pytest.mark.parametrize("lacking", TAGS)
def test_without_one_of_the_tables_nothing_is_known(lacking: int) -> None:
    """Of the dynamic section's entries, each is needed."""
    assert found(SOME, SOME, tags={tag: place for tag, place in TAGS.items() if tag != lacking}) == set()
