"""Texts that people have: each is read as what it is, with a note on all that was mended, left out or is not known."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.errors import BrokenRecording, MalformedFile
from procmem.model.given_text import GivenText
from procmem.parse.given.read import LINES_MAX, read_given_text
from procmem.parse.maps import parse_maps
from procmem.parse.smaps import parse_rollup, parse_smaps
from procmem.parse.status import parse_status
from procmem.text.notes import note_text
from tests.support import given_texts as texts
from tests.support.running import FIXTURES

SMAPS_MAPS = next(FIXTURES.glob("x86_64-6.18-sleep/*/maps")).read_bytes()
SMAPS = next(FIXTURES.glob("x86_64-6.18-sleep/*/smaps")).read_bytes()


def read(data: bytes) -> GivenText:
    """The text, its notes in words too: none may lack its sentence."""
    text = read_given_text(data, "x.txt")
    assert all(note_text(one) for one in text.notes)
    return text


def codes(text: GivenText) -> list[str]:
    """What is noted."""
    return [one.code for one in text.notes]


def test_sound_texts_pass_as_they_stand() -> None:
    """Byte for byte, without a note; smaps gives the lines of maps besides."""
    assert read(texts.MAPS) == GivenText({"maps": texts.MAPS})
    text = read(SMAPS)
    assert (text.files["smaps"], text.notes) == (SMAPS, ())
    assert list(parse_maps(text.files["maps"])) == list(parse_smaps(SMAPS))


MENDED: dict[str, tuple[Callable[[bytes], bytes], list[str]]] = {
    "CR LF": (lambda data: data.replace(b"\n", b"\r\n"), ["line ends"]),
    "old Macintosh": (lambda data: data.replace(b"\n", b"\r"), ["line ends"]),
    "byte order mark": (lambda data: b"\xef\xbb\xbf" + data, ["byte order mark"]),
    "UTF-16": (lambda data: data.decode().encode("utf-16"), ["text in UTF-16"]),
    "indented": (lambda data: b"    " + data.rstrip(b"\n").replace(b"\n", b"\n    ") + b"\n", []),
    "quoted": (lambda data: b"> " + data.rstrip(b"\n").replace(b"\n", b"\n> ") + b"\n", []),
    "prompt": (lambda data: b"$ cat /proc/1956/maps\n" + data, ["other lines"]),
    "lines around": (lambda data: b"see:\n\n" + data + b"\nthat was it\n", ["other lines"]),
    "no last newline": (lambda data: data.removesuffix(b"\n"), ["no line end"]),
    "tabs": (lambda data: data.replace(b" 08:01 ", b"\t08:01\t"), []),
}


@pytest.mark.parametrize("name", MENDED)
@pytest.mark.parametrize("whole", [texts.MAPS, SMAPS], ids=["maps", "smaps"])
def test_what_a_text_is_wrapped_in_does_no_harm(name: str, whole: bytes) -> None:
    """The same table as of the file itself: names and counters without a byte too much."""
    wrap, expected = MENDED[name]
    text = read(wrap(whole))
    assert codes(text) == expected
    if whole is SMAPS:
        assert parse_smaps(text.files["smaps"]) == parse_smaps(SMAPS)
    assert list(parse_maps(text.files["maps"])) == list(parse_maps(read(whole).files["maps"]))


def test_a_prompt_tells_the_pid() -> None:
    """As do debuggers, pmap, sanitizers and HotSpot, each in its way."""
    assert read(b"$ cat /proc/1956/maps\n" + texts.MAPS).pid == 1956
    found = [read(text).pid for text in (texts.GDB, texts.PMAP_X, texts.SANITIZER, texts.HOTSPOT, texts.MAPS)]
    assert found == [14915, 26091, 4711, 10087, None]


def test_a_carriage_return_in_one_name_is_kept() -> None:
    """It may be part of the name, where other lines do not end so."""
    data = texts.MAPS.replace(b"server\n", b"server\r\n", 1)
    text = read(data)
    assert parse_maps(text.files["maps"])[0].name.endswith(b"server\r")
    assert codes(text) == ["some line ends"]


def test_every_cut_of_maps_shows_what_is_whole() -> None:
    """Never more mappings than are whole, never a label that is no label, and always a note."""
    whole = list(parse_maps(texts.MAPS))
    for at in range(texts.MAPS.index(b"\n") + 1, len(texts.MAPS)):
        text = read(texts.MAPS[:at])
        found = list(parse_maps(text.files["maps"]))
        assert found[:-1] == whole[: len(found) - 1]
        assert found[-1][:6] == whole[len(found) - 1][:6] or int(found[-1].inode) < int(whole[len(found) - 1].inode)
        assert whole[len(found) - 1].name.startswith(found[-1].name)
        assert not found[-1].name.startswith(b"[") or found[-1].name.endswith(b"]")
        assert text.notes or texts.MAPS[at - 1 : at] == b"\n"


def test_every_cut_of_smaps_shows_what_is_whole() -> None:
    """A record without its end is left out, so that no sum has half of it."""
    data = b"".join(SMAPS.partition(b"VmFlags")[:2]) + SMAPS.partition(b"VmFlags")[2][: 3 * 600]
    full = parse_smaps(SMAPS)
    for at in range(data.index(b"VmFlags") + 200, len(data), 7):
        text = read(data[:at])
        table = parse_smaps(text.files["smaps"])
        assert list(table) == list(full)[: len(table)]
        assert table.column("Rss") == (full.column("Rss") or [])[: len(table)], data[:at][-90:]


def test_a_name_broken_off_by_a_mail_program() -> None:
    """It is joined to its line again, with a note."""
    data = texts.MAPS.replace(b"                        /lib", b"\n/lib")
    text = read(data)
    assert list(parse_maps(text.files["maps"])) == list(parse_maps(texts.MAPS))
    assert codes(text) == ["broken lines"]


def test_two_maps_in_one_text() -> None:
    """One process is shown; maps and smaps of the same one are one."""
    assert "other maps" in codes(read(texts.MAPS + b"\nanother:\n" + texts.LARGE_PAGES + texts.MAPS))
    both = read(read(SMAPS).files["maps"] + b"$ cat smaps\n" + SMAPS)
    assert codes(both) == ["other lines"]
    assert parse_smaps(both.files["smaps"]) == parse_smaps(SMAPS)


def test_old_smaps() -> None:
    """Fields in any order, or missing: unknown stays unknown."""
    table = parse_smaps(read(texts.OLD_SMAPS).files["smaps"])
    assert (table.column("Rss"), table.column("Pss")) == ([892 << 10, 20 << 10], None)
    assert table.column("Shared_Dirty") == [0, None]


@pytest.mark.parametrize("label", [b"[rollup]", b""])
def test_a_rollup_alone(label: bytes) -> None:
    """Also where its label was lost on the way: it is no mapping of 128 TiB."""
    text = read(texts.ROLLUP.replace(b"[rollup]", label))
    assert list(text.files) == ["smaps_rollup"]
    assert parse_rollup(text.files["smaps_rollup"])["Pss"] == 4451825 << 10
    assert codes(text) == ["rollup alone"]


def test_a_status_alone() -> None:
    """Also in pieces, and with maps beside it."""
    text = read(texts.STATUS)
    assert parse_status(text.files["status"]).sizes["VmRSS"] == 6708500 << 10
    assert codes(text) == ["status alone"]
    both = read(b"$ cat maps\n" + texts.MAPS + b"$ cat status\n" + b"Name:\tserver\n" + texts.STATUS)
    assert set(both.files) == {"maps", "status"}
    assert parse_status(both.files["status"]).fields["Name"] == "server"


def test_a_report_of_hotspot() -> None:
    """The part "Dynamic libraries"; lines of the report that look like counters are none."""
    text = read(texts.HOTSPOT)
    assert list(text.files) == ["maps"]
    assert [vma.name for vma in parse_maps(text.files["maps"])][2:] == [b"[heap]", b""]


def test_what_glibc_prints_when_it_aborts() -> None:
    """A last line that runs into the shell's word is told by its name only."""
    table = parse_maps(read(texts.GLIBC).files["maps"])
    assert len(table) == 5
    assert table[0].name == b"/usr/local/bin/server"


@pytest.mark.parametrize("data", [texts.GDB, texts.OLD_GDB, texts.PWNDBG, texts.GEF, texts.SANITIZER])
def test_debuggers_and_sanitizers(data: bytes) -> None:
    """Addresses, names, and permissions where they stand there; device and inode of a file are not known."""
    text = read(data)
    table = parse_maps(text.files["maps"])
    assert all((vma.device == "??:??") == vma.name.startswith(b"/") for vma in table)
    assert all("?" not in vma.perms[:3] for vma in table) != ("no permissions" in codes(text))
    assert not any(vma.name.startswith(b"[anon") for vma in table)


@pytest.mark.parametrize("end", [b"7fffe8000000", b"7fffe7fff000"])
def test_a_line_of_a_debugger_that_ends_before_it_begins_is_left_out(end: bytes) -> None:
    """And counted; the others stand."""
    whole = read(texts.GDB)
    text = read(texts.GDB.replace(b"7fffeffff000", end))
    assert [one.figures for one in text.notes if one.code == "backwards"] == [{"count": 1}]
    assert len(parse_maps(text.files["maps"])) == len(parse_maps(whole.files["maps"])) - 1
    assert (text.pid, "other lines" in codes(text)) == (14915, False)
    text = read(texts.SANITIZER.replace(b"7ffffffff000", b"7ffffffde000"))
    assert [one.figures for one in text.notes if one.code == "backwards"] == [{"count": 1}]
    assert [vma.start for vma in parse_maps(text.files["maps"])] == [0x400000, 0x4A1000]


def test_spans_of_debuggers() -> None:
    """To the byte."""
    spans = {
        name: [(vma.start, vma.end, vma.perms, vma.offset) for vma in parse_maps(read(data).files["maps"])]
        for name, data in {"gdb": texts.GDB, "pwndbg": texts.PWNDBG, "gef": texts.GEF, "asan": texts.SANITIZER}.items()
    }
    assert spans["gdb"] == [(0x555555554000, 0x555555604000, "r--p", 0), (0x7FFFE8000000, 0x7FFFEFFFF000, "rwxp", 0)]
    assert spans["pwndbg"][1] == (0x555555556000, 0x55555555A000, "r-xp", 0x2000)
    assert spans["gef"][1] == (0x555555556000, 0x55555555A000, "r-x?", 0x2000)
    assert spans["asan"][0] == (0x400000, 0x4A1000, "????", 0)
    assert [len(found) for found in spans.values()] == [2, 4, 3, 3]


def test_pmap_x() -> None:
    """RSS is known, PSS is not; a line without a size is left out, and the total says that lines are missing."""
    text = read(texts.PMAP_X)
    table = parse_smaps(text.files["smaps"])
    assert [vma.name for vma in table] == [b"/.../server", b"/.../server", b"[stack]"]
    assert table.column("Rss") == [2412 << 10, 4 << 10, 12 << 10]
    assert table.column("Pss") is None
    assert text.files["cmdline"] == b"server: worker [local] COMMIT\0"
    assert codes(text) == ["pmap", "names without folders", "backwards", "total differs"]


def test_pmap_plain_and_with_devices() -> None:
    """The first process of several; a System V segment is one."""
    text = read(texts.PMAP)
    table = parse_maps(text.files["maps"])
    assert [vma.size >> 10 for vma in table] == [1364, 20, 132, 1792]
    assert (table[3].perms, table[3].inode, table[2].name) == ("rw-s", 0x8001, b"")
    assert (text.pid, text.files["comm"], "other processes" in codes(text)) == (77, b"server\n", True)
    assert parse_maps(read(texts.PMAP_D).files["maps"])[1].offset == 0x155000


def test_pmap_with_all_columns() -> None:
    """All counters, and VmFlags apart from the name."""
    table = parse_smaps(read(texts.PMAP_XX).files["smaps"])
    assert [vma.name for vma in table] == [b"/.../cat", b"[stack]"]
    assert (table.column("Pss"), table.column("Swap")) == ([4 << 10, 16 << 10], [0, 4 << 10])
    assert table.flags == ["rd mr mw me sd", "rd wr mr mw me gd ac"]
    assert (table[0].inode, table[0].device) == (1234567, "08:01")


def test_pmap_cut_off() -> None:
    """Without its last line nobody knows whether more was there."""
    assert "no total" in codes(read(texts.PMAP_X.partition(b"-----")[0]))


@pytest.mark.parametrize("data", [b"hello\nworld\n", b"\n\nabc", b"Rss: 12 kB\n", b"12345678\n", b"MemTotal: 1 kB\n"])
def test_a_text_that_is_none_of_these(data: bytes) -> None:
    """It is told as what it is: a text, by its first line; nothing of archives."""
    with pytest.raises(BrokenRecording, match=r"x\.txt: a text, but neither maps nor smaps") as caught:
        read_given_text(data, "x.txt")
    assert repr(data.split()[0]).strip("b'") in str(caught.value)
    assert "hs_err" in caught.value.hint
    with pytest.raises(BrokenRecording, match="nothing stands in it"):
        read_given_text(b" \n\n", "x.txt")


_WHOLE = b"00400000-00555000 r-xp 00000000 08:01 2378    /usr/bin/server\nPss:   4 kB\n"
_FLAGS = b"VmFlags: rd\n"
_BARE = b"7ffe3a6a9000-7ffe3a6ca000 rw-p 00000000 00:00 0    [stack]\n"


@pytest.mark.parametrize(
    ("data", "mappings"),
    [
        (_WHOLE + _FLAGS + _BARE + _FLAGS, 1),
        (_WHOLE + _BARE + b"Size:   4 kB\n" + _FLAGS, 1),
        (_WHOLE + _FLAGS + _BARE + _FLAGS + b"7fff00000000-7fff00001000 rw-p 00000000 00:00 0\nPss:  4 kB\n", 1),
        (_WHOLE + _BARE + _FLAGS + b"7fff00000000-7fff00001000 rw-p 00000000 00:00 0\n" + _FLAGS, 3),
        (_WHOLE + _FLAGS + b"7ffe3a6a9000-7ffe3a6ca000 rw-p 00000000 00:00 0\nPss:   4 kB\n" + _FLAGS, 2),
        (b"00400000-7ffd472e2000 ---p 00000000 00:00 0    [rollup]\nRss:   4 kB\n" + _FLAGS, 1),
    ],
)
def test_what_is_kept_of_damaged_records_can_be_read(data: bytes, mappings: int) -> None:
    """A last one that lost its counters, or its flags, is left out, but not where others lack them too."""
    text = read(data)
    assert len(parse_smaps(text.files["smaps"])) == mappings
    assert "smaps_rollup" not in text.files


_FORMS = (texts.MAPS, texts.PMAP_XX, texts.GDB, texts.ROLLUP, texts.SANITIZER, b"x\n\n\r\nVmFlags: rd\n")
PIECES = st.sampled_from([line for text in _FORMS for line in text.splitlines(keepends=True)])


@given(st.lists(PIECES, max_size=12).map(b"".join) | st.binary(max_size=200))
def test_any_text_is_read_or_refused(data: bytes) -> None:
    """And what is read has the kernel's form."""
    try:
        text = read(data)
    except BrokenRecording:
        return
    for name, parse in (("maps", parse_maps), ("smaps", parse_smaps), ("smaps_rollup", parse_rollup)):
        if name in text.files:
            assert parse(text.files[name])


@pytest.mark.parametrize(
    "head", [b"1: a", b"VmSize: a", b"Start End", b"00400000-00555000 r-xp", b"Address Perm Offset"]
)
def test_a_long_line_is_read_once(head: bytes) -> None:
    """A line of 250,000 blanks with something behind them would keep a careless pattern busy for hours."""
    data = texts.PMAP + head + b" " * 250_000 + b"b\n" + texts.STATUS
    assert read(data).files


@pytest.mark.parametrize(
    "data",
    [
        b"hello\n"
        + b"".join(b"%x-%x rw-p 0 00:00 0\n" % (at << 13, (at << 13) + 4096) for at in range(1, 20_000))
        + b"bye\n",
        b"1000-2000 ---p 0 00:00 0 [rollup]\nRss: 4 kB\n\n" * 20_000,
        b"1000-2000 r--p 0 00:00 0\nRss: 4 kB\n\n" * 20_000,
    ],
    ids=["words around", "rollups", "maps"],
)
def test_the_time_grows_with_the_lines_and_not_with_their_square(data: bytes) -> None:
    """Of many maps in one text, and of lines that belong to none: a second or two, where the square took 17."""
    began = time.process_time()
    read(data)
    assert time.process_time() - began < 8


@pytest.mark.parametrize("end", [b"\n", b"\r"])
def test_more_lines_than_any_text_has_are_refused(end: bytes) -> None:
    """Each form looks at each of them."""
    with pytest.raises(BrokenRecording) as raised:
        read(texts.MAPS.replace(b"\n", end) + (b"x" + end) * LINES_MAX)
    assert raised.value.code == "too-many-lines"


def test_a_line_of_megabytes_is_refused() -> None:
    """With its number; one of 100,000 bytes, as a command line in a crash report has, is none of these."""
    with pytest.raises(MalformedFile) as raised:
        read(texts.MAPS + b"1000-2000 r--p 0 08:01 3 /" + b"x" * (1 << 20) + b"\n")
    assert (raised.value.code, raised.value.line) == ("long-line", texts.MAPS.count(b"\n") + 1)
    assert read(b"java_command: " + b"x" * 100_000 + b"\n" + texts.MAPS).files


@pytest.mark.parametrize("whole", [texts.MAPS, SMAPS], ids=["maps", "smaps"])
def test_several_processes_one_after_the_other(whole: bytes) -> None:
    """As ``cat /proc/*/maps`` gives them: one is told, and that there are others; the same one twice is one."""
    other = whole.replace(b"7f", b"7e")
    for data, count in ((whole + other, 1), (whole + other + other.replace(b"7e", b"7d"), 2)):
        text = read(data)
        assert list(parse_maps(text.files["maps"])) == list(parse_maps(read(whole).files["maps"]))
        assert [one.figures["count"] for one in text.notes if one.code == "other maps"] == [count]
    assert "other maps" not in codes(read(whole + whole))


def test_a_map_that_was_read_while_its_process_remapped() -> None:
    """Some out of order are no other process, nor is an excerpt that somebody put together."""
    lines = SMAPS_MAPS.splitlines(keepends=True)
    moved = [*lines[:-3], lines[-2], lines[-3], lines[-1]]
    turned = [*lines[len(lines) // 2 : -5], *lines[: len(lines) // 2], *lines[-5:]]
    for some in (moved, turned):
        assert read(b"".join(some)) == GivenText({"maps": b"".join(some)})


def test_the_name_that_kernels_of_android_repeat() -> None:
    """It belongs to the record, sound or not, and ends it nowhere; any other name does not."""
    named = b"[anon:x y]"
    header = b"12c00000-12d00000 rw-p 00000000 00:00 0 " + named + b"\n"
    record = header + b"Name:           " + named + b"\nSize: 1024 kB\nRss: 8 kB\nVmFlags: rd wr\n"
    after = b"12d00000-12e00000 rw-p 00000000 00:00 0 \nSize: 1024 kB\nRss: 4 kB\nVmFlags: rd wr\n"
    assert read(record + after).notes == ()
    for data in (record + after, b"$ cat smaps\n" + record + after):
        assert parse_smaps(read(data).files["smaps"]).usage["Rss"] == [8192, 4096]
    status = b"Name:\tx\nVmSize:\t64 kB\nVmRSS:\t8 kB\n"
    assert set(read(b"$\n" + header + status).files) == {"maps", "status"}
