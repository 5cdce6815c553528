"""Archives that strangers made to harm: each is refused in one line, in little time and memory."""

import bz2
import gc
import gzip
import io
import lzma
import tarfile
import time
from pathlib import Path

import pytest

from procmem.errors import BrokenRecording
from procmem.model.numbers import whole_number
from procmem.model.raw import Refusal
from procmem.sources.recording import gunzip, store
from procmem.sources.recording.read import MAPPINGS_MAX, PiecesReader, RecordedSource
from procmem.sources.recording.store import open_store
from tests.support.open_files import no_file_left_open
from tests.support.running import procmem
from tests.support.tar_blocks import END, header, member, plain

MAPS = b"00400000-00401000 r-xp 00000000 08:01 1 /bin/x\n7ffe00000000-7ffe00021000 rw-p 00000000 00:00 0 [stack]\n"
STATUS = b"Name:\tx\nPid:\t7\n"
BASE = (("7/maps", MAPS), ("7/status", STATUS))


def _renamed(name: str, data: bytes) -> bytes:
    """A member whose name stands in a header of its own."""
    return member(b"x", name.encode(), b"L") + member(b"x", data)


REFUSED = {
    "sparse": (member(b"7/maps", MAPS, b"S") + END, "a sparse file"),
    "sparse by header": (
        member(b"x", b"22 GNU.sparse.major=1\n", b"x") + member(b"7/maps", MAPS) + END,
        "a sparse file",
    ),
    "hard link": (member(b"7/maps", MAPS) + header(b"7/a", 0, b"1", link=b"7/maps") + END, "a hard link"),
    "device": (header(b"7/a", 0, b"3") + END, "a device"),
    "named pipe": (header(b"7/a", 0, b"6") + END, "a named pipe"),
    "unknown sort": (header(b"7/a", 0, b"Z") + END, "of a sort that no recording holds"),
    "twice": (plain(*BASE, ("7/maps", MAPS)), "stands twice in it"),
    "upwards": (plain(*BASE, ("../../etc/passwd", b"x")), "leads out of it"),
    "absolute": (member(b"/etc/passwd", b"x") + END, "leads out of it"),
    "zeros as extended header": (member(b"x", b"\0" * 400_000, b"x") + END, "a header is too long"),
    "digits as extended header": (member(b"x", b"1" * 60_000, b"x") + END, "has not its form"),
    "a record beyond its header": (member(b"x", b"999 path=y\n", b"x") + END, "has not its form"),
    "long name": (member(b"x", b"9" * 5000, b"L") + member(b"7/maps", MAPS) + END, "a name is too long"),
    "size that is no number": (header(b"7/maps", 5, b"0").replace(b"00000000005", b"0000000000x") + END, "checksum"),
    "cut": (plain(*BASE)[:700], "ends before its end mark"),
    "no end mark": (member(b"7/maps", MAPS), "ends before its end mark"),
    "a size below zero": (
        member(b"x", b"11 size=-5\n", b"x") + member(b"7/maps", MAPS) + END,
        "a size is no number",
    ),
    "deep name": (plain((f"7{'/d' * 40}", b"")), "more parts than any in a recording"),
    "long names": (
        b"".join(_renamed(f"7/{at:05}{'n' * 4000}", b"") for at in range(4400)) + END,
        "longer, all together",
    ),
    "large name of a command": (plain(*BASE, ("7/comm", b"x" * 70_000)), "larger than 64 KiB"),
    "a link of kilobytes": (plain(*BASE, ("7/links/exe", b"x" * 70_000)), "larger than 64 KiB"),
    "large table": (plain(*BASE, ("about.toml", b"a.b.c=1\n" * 20_000)), "larger than 64 KiB"),
    "many mappings": (
        plain(("7/maps", b"".join(b"%x-%x r--p 0 0:0 0\n" % (at, at + 1) for at in range(MAPPINGS_MAX + 1)))),
        f"more than {MAPPINGS_MAX} mappings",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("packed", [False, True], ids=["tar", "tar.gz"])
def test_what_no_recording_holds_is_refused_in_one_line(tmp_path: Path, name: str, *, packed: bool) -> None:
    """Whatever the command."""
    content, words = REFUSED[name]
    path = tmp_path / "stranger"
    path.write_bytes(gzip.compress(content) if packed else content)
    for command in (("inspect",), ("explain",), ("record", "-o", str(tmp_path / "out"))):
        run = procmem(*command, "--from", str(path))
        assert (run.status, run.out) == (5, ""), run
        assert words in run.trouble
        assert len(run.trouble.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_links_are_text_and_followed_nowhere(tmp_path: Path) -> None:
    """A copied process folder has exe as a link."""
    path = tmp_path / "copied.tar"
    files = b"".join(member(name.encode(), data) for name, data in BASE)
    path.write_bytes(files + header(b"7/exe", 0, b"2", link=b"/etc/passwd") + END)
    with RecordedSource(str(path)).open(7) as target:
        assert target.link("exe") == b"/etc/passwd"
        assert not isinstance(target.read("exe"), bytes)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_archives_of_all_forms_are_read_as_the_standard_library_reads_them(tmp_path: Path, form: int) -> None:
    """Long names, folders, sizes and names beyond ASCII."""
    path = tmp_path / "one.tar.gz"
    names = ["7/maps", "7/" + "n" * (80 if form == tarfile.USTAR_FORMAT else 180) + "/status", "7/größe"]
    with tarfile.open(path, "w:gz", format=form) as archive:
        folder = tarfile.TarInfo("7")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(MAPS)
            info.mtime = 1.5 if form == tarfile.PAX_FORMAT else 1
            archive.addfile(info, io.BytesIO(MAPS))
    source = RecordedSource(str(path))
    with source.open(source.only()) as target:
        for name in names:
            assert target.read(name.removeprefix("7/")) == MAPS


def test_a_number_of_thousands_of_digits_is_none(tmp_path: Path) -> None:
    """Neither an internal error nor a pid."""
    assert [whole_number(text) for text in ("12", "9" * 5000, "-1", "٣", "", " 1", "1_0")] == [12, *[None] * 6]
    path = tmp_path / "one.tar"
    path.write_bytes(plain(("maps", MAPS), ("status", b"Name:\tx\nPid:\t" + b"9" * 5000 + b"\n")))
    assert RecordedSource(str(path)).pids() == (None,)
    path.write_bytes(plain(("9" * 90 + "/maps", MAPS), ("7/maps", MAPS)))
    assert RecordedSource(str(path)).pids() == (7,)
    path.write_bytes(plain(("x/y", b"")))
    with pytest.raises(BrokenRecording):
        RecordedSource(str(path))


def test_pieces_are_found_among_many() -> None:
    """Overlapping, adjoining and apart; the first bytes said of a place count."""
    reader = PiecesReader([(10, b"abc"), (12, b"Xdef"), (16, b"g"), (30, b"z")])
    assert reader.read_at(10, 99) == b"abcdefg"
    assert reader.read_at(15, 1) == b"f"
    assert reader.read_at(9, 5) == reader.read_at(17, 5) == reader.read_at(31, 1) == b""
    assert reader.read_at(30, 9) == b"z"


PACKED_OTHERWISE = {
    "zip": b"PK\x03\x04" + bytes(600),
    "bzip2": bz2.compress(plain(*BASE)),
    "xz": lzma.compress(plain(*BASE)),
    "zstd": b"\x28\xb5\x2f\xfd" + bytes(600),
    "7z": b"7z\xbc\xaf\x27\x1c" + bytes(600),
    "gzip twice": gzip.compress(gzip.compress(plain(*BASE))),
}


@pytest.mark.parametrize("packer", PACKED_OTHERWISE)
def test_what_is_packed_otherwise_is_told_as_that(tmp_path: Path, packer: str) -> None:
    """And not as damage: the archive may be sound."""
    path = tmp_path / "recording.tar.gz"
    path.write_bytes(PACKED_OTHERWISE[packer])
    with pytest.raises(BrokenRecording) as raised:
        RecordedSource(str(path))
    assert (raised.value.code, raised.value.fields["packer"]) == ("packed-otherwise", packer)


def test_a_name_of_tar_may_begin_as_packed_files_do(tmp_path: Path) -> None:
    """What is an archive by its own mark is read as one."""
    path = tmp_path / "x.tar"
    path.write_bytes(plain(("BZh/7/maps", MAPS), ("BZh/7/status", STATUS)))
    assert RecordedSource(str(path)).pids() == (7,)


@pytest.mark.parametrize(
    "packed",
    [
        b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * 50_000_000,
        gzip.compress(b"", 1) * 1_500_000,
        gzip.compress(plain(*BASE)) + bytes(50_000_000),
        gzip.compress(plain(*BASE)) + b"x",
        gzip.compress(plain(*BASE))[:-1],
        gzip.compress(plain(*BASE))[:-5] + b"xxxxx",
    ],
    ids=["a name without an end", "members of nothing", "zeros behind", "junk behind", "cut", "another checksum"],
)
def test_gzip_costs_little_whatever_stands_in_it(tmp_path: Path, packed: bytes) -> None:
    """Zeros fill up, as on a tape; all else ends it."""
    path = tmp_path / "recording.tar.gz"
    path.write_bytes(packed)
    began = time.process_time()
    if packed.endswith(bytes(1000)):
        assert RecordedSource(str(path)).pids() == (7,)
    else:
        with pytest.raises(BrokenRecording) as raised:
            RecordedSource(str(path))
        assert raised.value.code == "bad-archive"
    assert time.process_time() - began < 2


def test_members_of_gzip_are_one_file(tmp_path: Path) -> None:
    """As gzip itself reads them, wherever the one ends and the next begins."""
    whole = plain(*BASE)
    path = tmp_path / "recording.tar.gz"
    path.write_bytes(b"".join(gzip.compress(whole[at : at + 700]) + bytes(at % 3) for at in range(0, len(whole), 700)))
    with RecordedSource(str(path)).open(7) as target:
        assert target.read("maps") == MAPS


def test_a_number_written_otherwise_is_no_pid(tmp_path: Path) -> None:
    """/proc has no folder 007; taken for 7, it would stand in the place of the other."""
    path = tmp_path / "x.tar"
    path.write_bytes(plain(*BASE, ("007/maps", b""), ("007/status", STATUS.replace(b"x", b"another"))))
    source = RecordedSource(str(path))
    assert source.pids() == (7,)
    with source.open(7) as target:
        assert (target.read("maps"), target.read("status")) == (MAPS, STATUS)


def test_an_empty_path_in_an_extended_header_changes_no_name(tmp_path: Path) -> None:
    """A record without a value takes the effect of one before it away (POSIX, pax header block)."""
    path = tmp_path / "x.tar"
    path.write_bytes(member(b"x", b"8 path=\n", b"x") + plain(*BASE))
    with RecordedSource(str(path)).open(7) as target:
        assert target.read("maps") == MAPS


def test_names_of_an_archive_have_a_bound_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All letters of all names; what reaches the bound just so is read. Members and bytes are bounded as well."""
    assert (store.UNPACKED_BYTES_MAX, store.MEMBERS_MAX, store._NAMES_LETTERS_MAX) == (256 << 20, 200_000, 16 << 20)
    path = tmp_path / "a.tar"
    path.write_bytes(plain(*BASE))
    letters = sum(len(name) for name, _ in BASE)
    monkeypatch.setattr(store, "_NAMES_LETTERS_MAX", letters)
    assert RecordedSource(str(path)).pids() == (7,)
    monkeypatch.setattr(store, "_NAMES_LETTERS_MAX", letters - 1)
    with pytest.raises(BrokenRecording) as caught:
        RecordedSource(str(path))
    assert caught.value.code == "archive-long-names"


def test_bytes_of_an_archive_have_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packed and unpacked, each to the byte; a text has the bound of a file."""
    data = plain(*BASE)
    path = tmp_path / "a"
    for content, size in (
        (data, len(data)),
        (gzip.compress(data), len(data)),
        (gzip.compress(data, 0), len(data) + 100),
    ):
        path.write_bytes(content)
        most = max(size, len(content))
        monkeypatch.setattr(store, "UNPACKED_BYTES_MAX", most)
        assert RecordedSource(str(path)).pids() == (7,)
        monkeypatch.setattr(store, "UNPACKED_BYTES_MAX", min(size, len(data)) - 1)
        with pytest.raises(BrokenRecording) as caught:
            RecordedSource(str(path))
        assert caught.value.code == "recording-too-large"
    monkeypatch.undo()
    path.write_bytes(MAPS)
    monkeypatch.setattr(store, "FILE_BYTES_MAX", len(MAPS))
    assert open_store(str(path)) == MAPS
    monkeypatch.setattr(store, "FILE_BYTES_MAX", len(MAPS) - 1)
    with pytest.raises(BrokenRecording) as caught:
        open_store(str(path))
    assert caught.value.fields["refusal"] is Refusal.TOO_LARGE


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("piece", [1, 5, 70_000])
def test_unpacking_in_pieces_of_any_size(size: int, piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Members one behind the other, empty ones and zeros between them; their number has a bound, to the member."""
    parts = [b"abc" * 40, b"", b"x", bytes(range(256))]
    packed = b"\0\0".join(map(gzip.compress, parts)) + bytes(9)

    def unpacked(packed: bytes) -> bytes:
        stream = io.BytesIO(packed)
        reader = gunzip.Gunzip(lambda most: stream.read(min(most, piece)))
        found = []
        while data := reader.read(size):
            assert len(data) <= size
            found.append(data)
        return b"".join(found)

    assert unpacked(packed) == b"".join(parts)
    with pytest.raises(EOFError):
        unpacked(gzip.compress(b"abc")[:-1])
    with pytest.raises(EOFError):
        unpacked(b"")
    assert gunzip._MEMBERS_MAX == 10_000
    monkeypatch.setattr(gunzip, "_MEMBERS_MAX", len(parts) - 1)
    assert unpacked(packed) == b"".join(parts)
    monkeypatch.setattr(gunzip, "_MEMBERS_MAX", len(parts) - 2)
    with pytest.raises(ValueError, match="too many members"):
        unpacked(packed)


def test_the_one_folder_in_which_all_is() -> None:
    """It is left away, unless it is a process's own with threads, or there is more than one."""
    only = store._only_folder
    assert only({"rec/about.toml": b"", "rec/7/maps": b""}) == "rec/"
    assert only({"7/maps": b"", "7/stat": b""}) == "7/"
    assert only({"7/maps": b"", "7/task/7/stat": b""}) == ""
    assert only({"x7/maps": b"", "x7/task/7/stat": b""}) == "x7/"
    assert only({"a/maps": b"", "b/maps": b""}) == only({"maps": b""}) == only({}) == ""


def test_how_much_a_file_of_a_recording_may_hold() -> None:
    """By its name: what is small by nature, what is larger, links, and all else."""
    names = {
        "about.toml": 65536, "7/comm": 65536, "7/smaps_rollup": 65536, "meminfo": 65536, "7/auxv": 2 << 20,
        "7/task/9/stat": 2 << 20, "7/fdinfo.drm": 4 << 20, "7/objects.json": 16 << 20, "7/links/exe": 65536,
        "7/links/x/exe": 64 << 20, "7/maps": 64 << 20, "7/objects.bin": 64 << 20, "links": 64 << 20,
    }  # fmt: skip
    assert {name: store.file_bytes_max(name) for name in names} == names


def test_what_a_text_store_has() -> None:
    """Its files, in order; neither folders nor links."""
    text = store.TextStore({"smaps": b"1", "maps": b"2"})
    assert (text.read("maps"), text.read("stat")) == (b"2", Refusal.ABSENT)
    assert (text.names(""), text.names("task")) == (("maps", "smaps"), Refusal.ABSENT)
    assert text.text_of_link("maps") is Refusal.ABSENT


def test_files_links_and_names_of_stores(tmp_path: Path) -> None:
    """A folder and an archive of the same give the same; nothing is followed, nothing is there that is not."""
    folder = tmp_path / "f"
    (folder / "7" / "task" / "9").mkdir(parents=True)
    (folder / "7" / "maps").write_bytes(MAPS)
    (folder / "7" / "task" / "9" / "stat").write_bytes(b"9")
    (folder / "7" / "exe").symlink_to("maps")
    (folder / "link").symlink_to("7")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(folder, "f")
    with no_file_left_open():
        for name in ("f", "a.tar"):
            found = open_store(str(tmp_path / name))
            assert not isinstance(found, bytes)
            assert (found.names(""), found.names("7")) == (("7", "link"), ("exe", "maps", "task"))
            assert (found.names("7/task/9"), found.names("8")) == (("stat",), Refusal.ABSENT)
            assert (found.read("7/maps"), found.read("7/task/9/stat")) == (MAPS, b"9")
            missing = ("7/exe", "link/maps", "7", "7//maps", "7/../7/maps")
            assert all(isinstance(found.read(one), Refusal) for one in missing)
            assert (found.text_of_link("7/exe"), found.text_of_link("link")) == (b"maps", b"7")
            assert isinstance(found.text_of_link("7/maps"), Refusal)
            assert isinstance(found.text_of_link("8/exe"), Refusal)
            del found
        gc.collect()


def test_who_answers_for_a_path_is_asked_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything else is asked of it; standard input has no path."""
    asked: list[str] = []
    monkeypatch.setattr(store, "need_answer", asked.append)
    with pytest.raises(BrokenRecording) as caught:
        open_store(str(tmp_path / "none"))
    assert (caught.value.code, asked) == ("no-recording", [str(tmp_path / "none")])
    assert isinstance(open_store(str(tmp_path)), store.FolderStore)
    assert asked == [str(tmp_path / "none"), str(tmp_path)]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(MAPS)))
    assert open_store("-") == MAPS
    monkeypatch.setattr("sys.stdin", None)
    assert open_store("-") == b""
    assert len(asked) == 2
