"""smaps: the fast parser and the tolerant one give the same table, on the text of every kernel."""

import contextlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procmem.errors import MalformedFile
from procmem.model.mapping import Mappings
from procmem.parse import maps as maps_module
from procmem.parse import smaps as smaps_module
from procmem.parse import smaps_shape
from procmem.parse.records import RecordsReader, smaps_records
from procmem.parse.smaps import KnownSmaps, SmapsReader, parse_rollup, parse_smaps, parse_smaps_by_line
from tests.support import smaps_text
from tests.support.smaps_text import KEYS_4_4, KEYS_6_18, Record

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
RECORDED = sorted(FIXTURES.glob("*/*/smaps"))
WANTED = frozenset({"Rss", "Pss", "Swap", "Private_Dirty"})


@pytest.fixture(params=[0, 1 << 62], ids=["by a pattern", "by splitting"], scope="module", autouse=True)
def parted(request: pytest.FixtureRequest) -> Iterator[None]:
    """Records of one shape are found in two ways, as a text is long or short: everything here holds for both."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smaps_shape, "_FEW_BYTES", request.param)
        yield


def written(records: list[Record]) -> Mappings:
    """The table that must come out."""
    keys = dict.fromkeys(key for record in records for key, _ in record.counters)
    return Mappings(
        start=[record.start for record in records],
        end=[record.end for record in records],
        perms=[record.perms for record in records],
        offset=[record.offset for record in records],
        device=[record.device for record in records],
        inode=[record.inode for record in records],
        name=[record.name for record in records],
        flags=[record.flags for record in records],
        usage={
            key: [dict(record.counters)[key] * 1024 if key in dict(record.counters) else None for record in records]
            for key in keys
        },
    )


def only_wanted(table: Mappings) -> dict[str, list[int | None]]:
    """The columns that were asked for."""
    return {key: column for key, column in table.usage.items() if key in WANTED}


@given(smaps_text.records())
def test_what_is_written_is_read_back_by_both(records: list[Record]) -> None:
    """Names that look like headers or counters, and values that burst their column, change nothing."""
    data = smaps_text.smaps(records)
    assert written(records) == parse_smaps_by_line(data) == parse_smaps(data)


@given(smaps_text.records(keys=KEYS_4_4))
def test_the_same_for_linux_4_4(records: list[Record]) -> None:
    """18 lines a record, no THPeligible."""
    old = [record._replace(eligible=None) for record in records]
    data = smaps_text.smaps(old)
    if old:
        assert old[0].block().count(b"\n") == 19  # the header, and 18 lines
    assert written(old) == parse_smaps_by_line(data) == parse_smaps(data)


@given(smaps_text.records(), st.randoms())
def test_records_of_different_shapes(records: list[Record], chance: random.Random) -> None:
    """Keys in any order, missing, or unknown; ProtectionKey and VmFlags in some records only."""
    mixed = []
    for record in records:
        counters = [*record.counters, ("Invented_By_Linux_9", 4)]
        chance.shuffle(counters)
        kept = tuple(counters[: chance.randint(1, len(counters))])
        mixed.append(
            record._replace(counters=kept, key=chance.choice([None, 0, 15]), eligible=chance.choice([None, 1]))
        )
    data = smaps_text.smaps(mixed)
    assert written(mixed) == parse_smaps_by_line(data) == parse_smaps(data)


@given(st.lists(smaps_text.records(), max_size=3), st.booleans())
def test_what_is_known_of_other_processes_changes_nothing(processes: list[list[Record]], again: bool) -> None:
    """Neither lines that were read before, nor the shape that records had; tables that are alike share their shape."""
    known = KnownSmaps()
    tables = []
    for records in [*processes, *processes * again]:
        reader = SmapsReader(known=known)
        reader.feed(smaps_text.smaps(records))
        tables.append(reader.close())
        assert tables[-1] == written(records)
    alike = [[tuple(getattr(table, field)) for field in ("perms", "offset", "name", "flags")] for table in tables]
    lines = [[(record.device, record.inode) for record in records] for records in [*processes, *processes * again]]
    for one, said, of in zip(tables, alike, lines, strict=True):
        for other, other_said, other_of in zip(tables, alike, lines, strict=True):
            assert (one.shape is other.shape) == ((said, of) == (other_said, other_of))


def test_what_is_known_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large table nothing is shared, and of many different lines the first are forgotten; all are read right."""
    monkeypatch.setattr(maps_module, "_ALIKE_MAX", 2)
    monkeypatch.setattr(maps_module, "_SORTS_MAX", 5)
    known = KnownSmaps()
    for number, shared in ((2, True), (3, False), (2, True), (6, False), (2, True)):
        lines = (f"{at:x}000-{at:x}fff r--p 00000000 fe:00 1 /{number}/{at}\n" for at in range(1, number + 1))
        data = "".join(f"{line}Size: 4 kB\nRss: 4 kB\nVmFlags: rd\n" for line in lines).encode()
        reader = SmapsReader(known=known)
        reader.feed(data)
        table = reader.close()
        assert table == parse_smaps(data)
        assert table.shape.is_shared is shared
        assert len(known.sorts) <= 5
        assert len(known.alike) <= 1


@given(smaps_text.records())
def test_wanted_keys_are_the_same_columns(records: list[Record]) -> None:
    """Fewer keys, equal values."""
    data = smaps_text.smaps(records)
    full = parse_smaps_by_line(data)
    for table in (parse_smaps(data, keys=WANTED), parse_smaps_by_line(data, keys=WANTED)):
        assert only_wanted(full) == dict(table.usage)
        assert (full.start, full.name, full.flags) == (table.start, table.name, table.flags)


@given(smaps_text.records(), st.lists(st.integers(1, 3000), max_size=20))
def test_pieces_may_end_anywhere(records: list[Record], sizes: list[int]) -> None:
    """The reader is fed while the kernel writes; where a read ends is chance."""
    data = smaps_text.smaps(records)
    reader = SmapsReader()
    at = 0
    for size in sizes:
        reader.feed(data[at : at + size])
        at += size
    reader.feed(data[at:])
    assert written(records) == reader.close()


@given(smaps_text.records(), st.lists(st.integers(1, 3000), max_size=5))
def test_mappings_of_one_sort_say_the_same(records: list[Record], sizes: list[int]) -> None:
    """Whoever read them, in however many pieces: sorts are numbered from 0, and rows are found by them."""
    data = smaps_text.smaps(records)
    reader = SmapsReader()
    at = 0
    for size in [*sizes, len(data)]:
        reader.feed(data[at : at + size])
        at += size
    for table in (parse_smaps(data), parse_smaps_by_line(data), written(records), reader.close()):
        said = list(zip(table.perms, table.device, table.inode, table.name, table.flags, strict=True))
        assert len(set(zip(table.sort, said, strict=True))) == len(set(table.sort))
        assert sorted(set(table.sort)) == list(range(len(table.one_of_each_sort())))
        assert [table.sort[row] for row in table.one_of_each_sort()] == sorted(set(table.sort))
        for perms in set(table.perms):
            rows = [row for row, text in enumerate(table.perms) if text == perms]
            assert table.rows_where(lambda row, table=table, perms=perms: table.perms[row] == perms) == rows  # type: ignore[misc]


@pytest.mark.parametrize(
    "stray", [b"Rss: 4 kB\n", b"\n", b"nonsense\n", b"7f00-7f01 r--p\n", b"x7f0000000000-7f0000001000 r--p 0 0:0 0\n"]
)
@pytest.mark.parametrize("record", [0, 7, 30])
def test_a_line_too_many_is_never_passed_over(stray: bytes, record: int) -> None:
    """Between records, before them, behind them: the tolerant reader has the word."""
    one = Record(0x7F00_0000_0000, 0x7F00_0000_1000, counters=(("Rss", 4), ("Pss", 4)), flags="rd mr")
    records = [one._replace(start=one.start + at * 8192, end=one.end + at * 8192) for at in range(31)]
    blocks = [smaps_text.smaps([item]) for item in records]
    text = b"".join([*blocks[:record], stray, *blocks[record:]])

    def outcome(parse: Callable[[bytes], Mappings]) -> object:
        try:
            return parse(text)
        except MalformedFile:
            return MalformedFile

    assert outcome(parse_smaps) == outcome(parse_smaps_by_line)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: "/".join(path.parts[-3:-1]))
def test_recorded_files_read_alike(path: Path) -> None:
    """The oracle agrees on every recording, with all keys and with some."""
    data = path.read_bytes()
    assert parse_smaps_by_line(data) == parse_smaps(data)
    assert parse_smaps_by_line(data, keys=WANTED) == parse_smaps(data, keys=WANTED)


def test_there_are_recorded_files() -> None:
    """Else the test above would be empty."""
    assert len(RECORDED) >= 10


def test_every_live_smaps_reads_alike() -> None:
    """Whatever runs on this machine."""
    read = 0
    for path in Path("/proc").glob("[0-9]*/smaps"):
        try:
            data = path.read_bytes()
        except OSError:
            continue
        assert parse_smaps_by_line(data) == parse_smaps(data), path
        read += len(data) > 0
    assert read, "not even our own smaps could be read"


def outcome(parse: Callable[[], Mappings]) -> object:
    """A table, or what is told of the line that is wrong."""
    try:
        return parse()
    except MalformedFile as error:
        return error.code, error.line, error.text


@settings(max_examples=200)
@given(smaps_text.records(max_size=12), st.data())
def test_mutated_bytes_read_alike_or_are_refused_alike(records: list[Record], data: st.DataObject) -> None:
    """One byte changed anywhere: both parsers give one answer, or name the same line."""
    text = bytearray(smaps_text.smaps([*records, Record(1 << 46, (1 << 46) + 4096, counters=(("Rss", 4),))]))
    text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    assert outcome(lambda: parse_smaps_by_line(bytes(text))) == outcome(lambda: parse_smaps(bytes(text)))


STRAYS = (
    b"7f00-7f01 rw-p 00000000 00:00 0 ",
    b"7f01-7f00 rw-p 00000000 00:00 0 x",
    b"7f00-7f01 rw-p 00000000 00:00 99999999999999999999 x",
    b"7f00-7f01 rw-p 00000000 0:00 0 x",
    b"7f00-7f01 rw-pp 00000000 00:00 0 x",
    b"Rss:                   4 kB",
    b"Rss: x kB",
    b"Swap: 18014398509481984 kB",
    b"Size:                  4 kB",
    b"VmFlags: rd wr ",
    b"ProtectionKey:         0",
    b"THPeligible:           1 kB",
    b"New1:                  4 kB",
    b"few:                   4 kB",
    b" ss:                   4 kB",
    b"nonsense",
    b"",
)
"""Lines that are wrong by themselves, or only where they stand."""


@settings(max_examples=300)
@given(st.data(), st.sampled_from([None, WANTED]), st.integers(300, 3000))
def test_of_several_wrong_lines_the_first_is_told(data: st.DataObject, keys: frozenset[str] | None, part: int) -> None:
    """By whichever way a text is read, and in whichever parts and pieces; or the same table comes out."""
    counters = (("Rss", 4), ("Pss", 0), ("Swap", 0))
    records = [item._replace(counters=counters) for item in many(data.draw(st.integers(1, 12)))]
    lines = smaps_text.smaps(records).split(b"\n")[:-1]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(lines)))
        lines[at : at + data.draw(st.integers(0, 1))] = [data.draw(st.sampled_from(STRAYS))]
    text = b"\n".join(lines) + data.draw(st.sampled_from([b"\n", b""]))
    pieces = data.draw(st.lists(st.integers(1, 1000), max_size=5))

    def in_pieces() -> Mappings:
        reader = SmapsReader(keys=keys)
        at = 0
        for size in (*pieces, len(text)):
            reader.feed(text[at : at + size])
            at += size
        return reader.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smaps_module, "_SHORT_BYTES", 1)
        patch.setattr(smaps_module, "PART_BYTES", part)
        assert outcome(in_pieces) == outcome(lambda: parse_smaps_by_line(text, keys=keys))


def test_records_without_their_own_flags_are_not_taken_as_one() -> None:
    """Two maps lines before each VmFlags: none of the mappings may be passed over, in the first record or in all."""
    pair = "%x000-%x800 r--p 00000000 00:00 0 \nSize: 2 kB\n%x800-%xfff rw-p 00000000 00:00 0 \nSize: 2 kB\n"
    behind = "Rss: 4 kB\nVmFlags: rd \n"
    text = "".join(pair % (at, at, at, at) + behind for at in range(1, 100)).encode()
    assert parse_smaps(text, keys=WANTED) == parse_smaps_by_line(text, keys=WANTED)
    assert len(parse_smaps(text, keys=WANTED)) == 198
    one = "%x000-%x800 r--p 00000000 00:00 0 \nSize: 2 kB\n" + behind
    known = KnownSmaps()
    for text in (
        "".join(one % (at, at) for at in range(1, 100)).encode(),
        b"800-900 r--p 00000000 00:00 0 \n" + "".join(one % (at, at) for at in range(1, 100)).encode(),
    ):
        reader = SmapsReader(known=known)
        reader.feed(text)
        assert reader.close() == parse_smaps_by_line(text)


def test_protection_keys_are_no_size() -> None:
    """A machine with pkeys prints a line that is a number without a unit."""
    records = [Record(0x1000 * n, 0x1000 * n + 0x1000, counters=(("Rss", 4),), key=n) for n in range(1, 20)]
    table = parse_smaps(smaps_text.smaps(records))
    assert {"Rss"} == set(table.usage)
    assert table.total("Rss") == 19 * 4096


def test_flags_may_be_empty_or_missing() -> None:
    """Empty is "none", missing is "unknown"."""
    empty = [Record(0x1000 * n, 0x1000 * n + 0x1000, counters=(("Rss", 4),), flags="") for n in range(1, 12)]
    missing = [record._replace(flags=None) for record in empty]
    assert parse_smaps(smaps_text.smaps(empty)).flags == [""] * 11
    table = parse_smaps(smaps_text.smaps(missing))
    assert table.flags == [None] * 11
    assert table.has_flag(0, "gd") is None
    assert parse_smaps(smaps_text.smaps(empty)).has_flag(0, "gd") is False


def test_missing_is_not_zero() -> None:
    """A key that some records lack is None there, and a key of none is no column."""
    records = [
        Record(0x1000, 0x2000, counters=(("Rss", 4),)),
        Record(0x2000, 0x3000, counters=(("Rss", 0), ("Pss", 0))),
    ]
    table = parse_smaps(smaps_text.smaps(records))
    assert table.column("Pss") == [None, 0]
    assert table.column("Swap") is None
    assert table.total("Swap") is None


@pytest.mark.parametrize("count", [2, 30])
@pytest.mark.parametrize("flags", ["rd mr", None])
def test_cut_off_files_never_look_whole(count: int, flags: str | None) -> None:
    """Every cut inside the last record is noticed, but for those that leave a record that could be whole."""
    counters = tuple((key, 4) for key in KEYS_6_18)
    records = [Record(0x1000 * n, 0x1000 * n + 0x1000, counters=counters, flags=flags) for n in range(1, count + 1)]
    data = smaps_text.smaps(records)
    last = data.rfind(records[-1].header())
    accepted = []
    for cut in range(last + 1, len(data)):
        try:
            parse_smaps(data[:cut])
        except MalformedFile:
            continue
        accepted.append(cut)
    if flags is not None:
        assert accepted == []
    else:
        # without VmFlags a record has no end of its own: only its bare header gives it away
        assert all(data[cut - 1 : cut] == b"\n" for cut in accepted)
        assert last + len(records[-1].header()) not in accepted


@pytest.mark.parametrize(
    "line",
    [
        *(b"Rss: 4 MB\n", b"Rss: -4 kB\n", b"Rss: 1_0 kB\n", b"Rss:               kB\n", b"Rss 4 kB\n"),
        *(b"nonsense\n", b"nonsense kB\n", b"Rss:  18446744073709551616 kB\n"),
        *(b"Pss:  99999999999999999999 kB\n", "Rss: \u0664 kB\n".encode()),
    ],
)
@pytest.mark.parametrize("count", [1, 20])
def test_wrong_numbers_are_refused(line: bytes, count: int) -> None:
    """Only digits and the kernel's unit are a size, in short files and long ones."""
    records = [Record(0x1000 * n, 0x1000 * n + 0x1000, counters=(("Locked", 0),)) for n in range(1, count + 1)]
    data = smaps_text.smaps(records).replace(b"Locked:                0 kB\n", line)
    assert line in data
    with pytest.raises(MalformedFile):
        parse_smaps(data)


@pytest.mark.parametrize("count", [1, 40])
def test_a_counter_that_stands_twice_is_refused(count: int) -> None:
    """In one record or in all of them, by both readers: neither figure could be trusted."""
    once = Record(0x1000, 0x2000, counters=(("Rss", 4), ("Pss", 4)))
    blocks = [smaps_text.smaps([once._replace(start=at << 12, end=(at + 1) << 12)]) for at in range(1, count + 1)]
    for twice in (range(count), [count - 1]):
        data = b"".join(
            block.replace(b"\nPss:", b"\nRss:                   8 kB\nPss:", 1) if at in twice else block
            for at, block in enumerate(blocks)
        )
        for parse in (parse_smaps, parse_smaps_by_line):
            with pytest.raises(MalformedFile, match="already"):
                parse(data)


def test_a_counter_before_the_first_mapping_is_refused() -> None:
    """It would belong to nobody."""
    with pytest.raises(MalformedFile, match="line 1"):
        parse_smaps(b"Rss:                4 kB\n" + Record(0x1000, 0x2000).block())


def test_rollup_is_a_header_and_counters() -> None:
    """The line of the whole range, then sizes in bytes."""
    text = Record(0x1000, 0x2000, "---p", name=b"[rollup]").header() + b"Rss:        4 kB\nPss_Anon:       2 kB\n"
    assert parse_rollup(text) == {"Rss": 4096, "Pss_Anon": 2048}
    assert parse_rollup(b"") == {}
    for wrong in (b"Rss: 4 kB\n", text[:-1], text + b"Rss: x kB\n"):
        with pytest.raises(MalformedFile):
            parse_rollup(wrong)


@pytest.mark.parametrize(
    "line",
    [
        b"1x-2 r--p 00000000 00:00 0",
        b"1000-2000 r--p 00000000 00:00 \xff",
        b"1000-2000 r--p 00000000 zz:00 0",
        b"1000-2000 r--p 00000000 0000 0",
        b"1000-2000 r--p offset 00:00 0",
        b"1000-2000-3000 r--p 00000000 00:00 0",
        b"10000000000000000-20000000000000000 r--p 00000000 00:00 0",
        b"Rss: 4 kB",
        b"\xff\xfe",
    ],
)
def test_records_are_refused_with_the_line(line: bytes) -> None:
    """Nothing of another form becomes a record, and nothing but MalformedFile comes out."""
    with pytest.raises(MalformedFile):
        smaps_records(line + b"\n")


@given(smaps_text.records())
def test_records_are_what_was_written(records: list[Record]) -> None:
    """Every line in order, as text; the addresses are the table's."""
    data = smaps_text.smaps(records)
    found = smaps_records(data)
    assert [(item.start, item.end, item.perms, item.name) for item in found] == [
        (record.start, record.end, record.perms, record.name) for record in records
    ]
    for item, record in zip(found, records, strict=True):
        values = dict(item.values)
        assert {key: int(values[key]) for key, _ in record.counters} == dict(record.counters)


@given(st.binary(max_size=400))
def test_any_bytes_give_records_or_a_malformed_file(data: bytes) -> None:
    """Never another error."""
    with contextlib.suppress(MalformedFile):
        smaps_records(data)


def test_a_text_without_flags_is_read_at_its_end() -> None:
    """Kernels before 3.8 do not print VmFlags, by which a record's end is known; an empty text is no mapping."""
    places = [(at, at + 0x1000) for at in (0x1000, 0x3000, 0x5000)]
    text = b"".join(b"%08x-%08x rw-p 00000000 00:00 0\nSize: 4 kB\nRss: 4 kB\n" % place for place in places)
    reader = SmapsReader()
    for piece in (text[:10], text[10:99], text[99:]):
        reader.feed(piece)
    table = reader.close()
    assert table == parse_smaps_by_line(text)
    assert (len(table), table.total("Rss")) == (3, 12288)
    assert SmapsReader().close() == parse_smaps_by_line(b"")
    assert len(SmapsReader().close()) == 0


def many(count: int, **other: object) -> list[Record]:
    """Records of one shape, all with figures of their own."""
    one = Record(0x7F00_0000_0000, 0x7F00_0000_1000, flags="rd mr")._replace(**other)  # type: ignore[arg-type]
    return [
        one._replace(
            start=one.start + at * 8192,
            end=one.end + at * 8192,
            offset=at * 4096,
            counters=tuple((key, (at * number) % 5000) for number, key in enumerate(KEYS_6_18)),
        )
        for at in range(count)
    ]


def test_shapes_may_change_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever part of the text a record of another shape stands in: new keys, a wider figure, no flags."""
    monkeypatch.setattr(smaps_module, "PART_BYTES", 8192)
    plain, wide = many(40), many(3)
    wide[1] = wide[1]._replace(counters=(("Rss", 123_456_789_012), *wide[1].counters[3:]))
    keyed = many(40, key=3)
    records = [*plain, *wide, *plain, *keyed, *many(2, eligible=None), *plain]
    records = [item._replace(start=at << 13, end=(at << 13) + 4096) for at, item in enumerate(records, start=1)]
    data = smaps_text.smaps(records)
    assert len(data) > 10 * 8192
    assert written(records) == parse_smaps(data) == parse_smaps_by_line(data)


def test_most_of_a_large_text_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tolerant way is taken for the part alone that needs it, though no two records have the same figures."""
    monkeypatch.setattr(smaps_module, "PART_BYTES", 16384)
    taken: list[int] = []
    by_line = SmapsReader._take_by_line

    def counted(reader: SmapsReader, data: bytes) -> None:
        taken.append(data.count(b"VmFlags"))
        by_line(reader, data)

    monkeypatch.setattr(SmapsReader, "_take_by_line", counted)
    records = many(1000)
    records[500] = records[500]._replace(counters=(("Rss", 123_456_789_012), *records[500].counters[3:]))
    assert written(records) == parse_smaps(smaps_text.smaps(records))
    assert sum(taken) < 100


def test_sorts_leave_offsets_out() -> None:
    """A file that is mapped at a thousand places is looked at once."""
    table = parse_smaps(smaps_text.smaps(many(1000, name=b"/x", device="fe:00", inode=7)))
    assert len(set(table.offset)) == 1000
    assert len(table.one_of_each_sort()) == 1


SELDOM = ("Shared_Hugetlb", "Private_Hugetlb", "Swap", "SwapPss", "Locked")


def without(item: Record) -> Record:
    """The same with nothing of what most mappings have nothing of."""
    return item._replace(counters=tuple((key, 0 if key in SELDOM else value) for key, value in item.counters))


@pytest.mark.parametrize("keys", [None, frozenset({"Rss", "Private_Hugetlb", "Swap", "SwapPss"})])
def test_counters_that_were_all_the_same_may_differ_later(
    keys: frozenset[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read as one text because nothing differed in it is right where it does; in every part, and in one."""
    monkeypatch.setattr(smaps_module, "PART_BYTES", 64_000)
    monkeypatch.setattr(SmapsReader, "_take_by_line", None)
    for changed in ([250], [0], range(200, 400), range(400), ()):
        records = [item if at in changed else without(item) for at, item in enumerate(many(400))]
        found = parse_smaps(smaps_text.smaps(records), keys=keys)
        for key in SELDOM if keys is None else keys - {"Rss"}:
            assert found.column(key) == [dict(item.counters)[key] << 10 for item in records]


@pytest.mark.parametrize("joined", [False, True])
def test_digits_in_the_place_of_a_blank_are_read_as_the_tolerant_way_does(*, joined: bool) -> None:
    """Behind the colon or before the unit: no kernel writes them so."""
    records = [without(item) if joined else item for item in many(400)]
    data = smaps_text.smaps(records).replace(b"Private_Hugetlb:        0 kB", b"Private_Hugetlb:12345678 kB", 1)
    data = data.replace(b"Private_Hugetlb:       0 kB", b"Private_Hugetlb:1234567 kB", 1)
    assert b"Private_Hugetlb:1" in data
    assert parse_smaps(data) == parse_smaps_by_line(data)
    data = smaps_text.smaps(records).replace(b"0 kB\nLazyFree", b"01kB\nLazyFree", 1)
    assert b"01kB" in data
    assert parse_smaps(data) == parse_smaps_by_line(data)


def test_figures_that_are_none_are_found_among_joined_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    """A blank between digits is none, wherever it stands."""
    monkeypatch.setattr(smaps_module, "PART_BYTES", 64_000)
    data = smaps_text.smaps([without(item) for item in many(400)])
    at = data.rfind(b"Swap: ")
    end = data.index(b" kB", at)
    with pytest.raises(MalformedFile, match="counter"):
        parse_smaps(data[: end - 3] + b"1 0" + data[end:])


@pytest.mark.parametrize("number", [3, 199])
def test_the_wrong_line_is_named_in_any_part(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted from 1 over the whole text."""
    monkeypatch.setattr(smaps_module, "PART_BYTES", 8192)
    blocks = [smaps_text.smaps([item]) for item in many(200)]
    lines = b"".join(blocks[:number]).count(b"\n")
    for wrong, code in (
        (b"7f00-7f00 rw-p 00000000 00:00 0 \n", "range-backwards"),
        (b"7f00-7f01 rw-p 00000000 00:00 %d \n" % (1 << 64), "inode-too-large"),
        (b"7f00-7f01 rw-p 00000000 nothing \n", "not-a-mapping"),
        (b"7f00-7f01 rw-p\n", "not-a-mapping"),
    ):
        text = blocks[number].partition(b"\n")[2]
        with pytest.raises(MalformedFile) as caught:
            parse_smaps(b"".join([*blocks[:number], wrong + text, *blocks[number + 1 :]]))
        assert (caught.value.line, caught.value.code) == (lines + 1, code)


@given(smaps_text.records(), st.lists(st.integers(1, 3000), max_size=20))
def test_records_in_pieces_are_the_same(records: list[Record], sizes: list[int]) -> None:
    """Wherever a read ends; the flags come last, or what some later kernel writes behind them."""
    for data in (smaps_text.smaps(records), smaps_text.smaps(records).replace(b"VmFlags:", b"New: 4 kB\nVmFlags:")):
        reader = RecordsReader()
        at = 0
        for size in [*sizes, len(data)]:
            reader.feed(data[at : at + size])
            at += size
        whole = smaps_records(data)
        assert list(reader.close()) == whole
        behind = smaps_records(data + b"Behind: 8 kB\n") if records else []
        assert [record.values for record in behind[-1:]] == [(*record.values, ("Behind", "8")) for record in whole[-1:]]


def test_the_wrong_line_of_records_is_named() -> None:
    """Counted over all pieces."""
    good = smaps_text.smaps(many(3))
    reader = RecordsReader()
    reader.feed(good)
    reader.feed(b"no colon here\n")
    with pytest.raises(MalformedFile) as caught:
        reader.close()
    assert (caught.value.line, caught.value.code) == (good.count(b"\n") + 1, "not-smaps")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (b"1000-2000 rw-p 00000000 00:00 x\n", "not-a-mapping"),
        (b"hello\n", "not-smaps"),
    ],
)
@pytest.mark.parametrize("size", [1, 50, 1 << 20])
def test_the_wrong_line_of_records_is_named_wherever_it_is(wrong: bytes, code: str, size: int) -> None:
    """Counted from 1 over all pieces, also before the first mapping."""
    good = b"1000-2000 rw-p 00000000 00:00 0\nRss: 4 kB\nVmFlags: rd\n"

    def read(text: bytes) -> None:
        reader = RecordsReader()
        for at in range(0, len(text), size):
            reader.feed(text[at : at + size])
        reader.close()

    for before in (0, 1, 3):
        with pytest.raises(MalformedFile) as caught:
            read(good * before + wrong + good)
        assert (caught.value.line, caught.value.code) == (3 * before + 1, code)


def test_counters_behind_the_flags_belong_to_their_record() -> None:
    """To the last one, in their order, by both readers."""
    reader, columns = RecordsReader(), SmapsReader()
    head = b"1000-2000 rw-p 00000000 00:00 0\n"
    for piece in (
        head + b"Rss: 4 kB\nVmFlags: rd\n",
        b"Behind: 1\n",
        head + b"Rss: 8 kB\nVmFlags: wr\n",
        b"Last: 2 kB\n",
    ):
        reader.feed(piece)
        columns.feed(piece)
    assert columns.close().usage == {"Rss": [4096, 8192], "Last": [None, 2048]}
    assert [record.values for record in reader.close()] == [
        (("Rss", "4"), ("VmFlags", "rd"), ("Behind", "1")), (("Rss", "8"), ("VmFlags", "wr"), ("Last", "2")),
    ]  # fmt: skip
