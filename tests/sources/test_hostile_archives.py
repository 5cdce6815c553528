"""Archives that strangers made to harm: each is refused in one line, in little time and memory."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from procmem.errors import BrokenRecording
from procmem.model.numbers import whole_number
from procmem.sources.recording.read import MAPPINGS_MAX, PiecesReader, RecordedSource
from tests.support.running import procmem
from tests.support.tar_blocks import END, header, member, plain

MAPS = b"00400000-00401000 r-xp 00000000 08:01 1 /bin/x\n7ffe00000000-7ffe00021000 rw-p 00000000 00:00 0 [stack]\n"
STATUS = b"Name:\tx\nPid:\t7\n"
BASE = (("7/maps", MAPS), ("7/status", STATUS))
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
