"""Series on disk: what is written is there whole, whatever happens to the writer."""

import fcntl
import gzip
import os
from pathlib import Path

import pytest

from procmem.errors import BrokenRecording, CannotWrite
from procmem.sources import series
from procmem.sources.series import SeriesFile, is_series, read_lines
from tests.support.open_files import no_file_left_open

LINES = [
    b'{"schema":"procmem/series/1","number":%d,"more":"%s"}\n' % (at, os.urandom(40).hex().encode()) for at in range(9)
]


def written(path: Path, lines: list[bytes], most: int = 1 << 20) -> None:
    """A series of these lines."""
    file = SeriesFile(str(path), most=most)
    for line in lines:
        file.add(line)
    file.close()


def lines_of(path: Path) -> list[bytes]:
    return [line for line, _ in read_lines(str(path))]


def test_looks_are_there_as_they_were_written(tmp_path: Path) -> None:
    """In their order; for the owner's eyes alone; and any gzip can read it."""
    path = tmp_path / "a.series"
    written(path, LINES)
    assert lines_of(path) == LINES
    assert gzip.decompress(path.read_bytes()) == b"".join(LINES)
    assert path.stat().st_mode & 0o777 == 0o600
    assert is_series(str(path))


def test_a_cut_anywhere_loses_the_last_look_at_most(tmp_path: Path) -> None:
    """At each byte; and who goes on there adds to what was whole."""
    path, cut = tmp_path / "a.series", tmp_path / "b.series"
    written(path, LINES[:3])
    data = path.read_bytes()
    ends = [end for _, end in read_lines(str(path))]
    assert ends[-1] == len(data)
    for size in range(len(data) + 1):
        cut.write_bytes(data[:size])
        whole = sum(end <= size for end in ends)
        assert lines_of(cut) == LINES[:whole]
        if whole or not size:
            file = SeriesFile(str(cut), most=1 << 20)
            assert file.resumed == whole
            file.add(LINES[5])
            file.close()
            assert lines_of(cut) == [*LINES[:whole], LINES[5]]


def test_damage_in_the_middle_is_told(tmp_path: Path) -> None:
    """It is not passed over in silence, and not gone on with."""
    path = tmp_path / "a.series"
    written(path, LINES)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(BrokenRecording):
        lines_of(path)
    with pytest.raises(CannotWrite):
        SeriesFile(str(path), most=1 << 20)
    assert path.read_bytes() == data


def test_a_series_that_is_too_large_is_thinned(tmp_path: Path) -> None:
    """Every other look goes; the first and the last stay, and the file keeps within its bound."""
    path = tmp_path / "a.series"
    most = 600
    written(path, LINES, most)
    found = lines_of(path)
    assert path.stat().st_size <= most
    assert (found[0], found[-1]) == (LINES[0], LINES[-1])
    assert found == [line for line in LINES if line in found], "in order"
    assert 3 <= len(found) < len(LINES)
    assert os.listdir(tmp_path) == ["a.series"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_only_one_writes(tmp_path: Path) -> None:
    """Another one is refused while it is open, also behind a thinning."""
    path = tmp_path / "a.series"
    file = SeriesFile(str(path), most=600)
    for line in LINES:
        file.add(line)
    with pytest.raises(CannotWrite) as refused:
        SeriesFile(str(path), most=600)
    assert refused.value.code == "series-in-use"
    file.close()
    SeriesFile(str(path), most=600).close()


@pytest.mark.parametrize("content", [b"text", b"\x1f\x8b" + bytes(40), gzip.compress(b"tar", mtime=0), b"{}"])
def test_nothing_else_is_written_over(content: bytes, tmp_path: Path) -> None:
    """A file that is no series stays as it is."""
    path = tmp_path / "a"
    path.write_bytes(content)
    assert not is_series(str(path))
    with pytest.raises(CannotWrite) as refused:
        SeriesFile(str(path), most=600)
    assert refused.value.code == "exists"
    assert path.read_bytes() == content
    with open(path, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nor is it kept locked


def test_links_folders_and_pipes_are_no_series(tmp_path: Path) -> None:
    """A link is not followed, and a pipe is not waited for."""
    target = tmp_path / "target"
    (tmp_path / "link").symlink_to(target)
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe", "."):
        assert not is_series(str(tmp_path / name))
        with pytest.raises(CannotWrite):
            SeriesFile(str(tmp_path / name), most=600)
    assert not target.exists()


def test_a_look_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte may unpack to a gigabyte."""
    monkeypatch.setattr("procmem.sources.series._LINE_BYTES_MAX", 1 << 20)
    path = tmp_path / "a.series"
    path.write_bytes(gzip.compress(LINES[0]) + gzip.compress(bytes(1 << 22)))
    with pytest.raises(BrokenRecording) as refused:
        lines_of(path)
    assert refused.value.code == "look-too-large"
    path.write_bytes(gzip.compress(LINES[0] + bytes((1 << 20) - len(LINES[0]))))
    assert len(lines_of(path)[0]) == 1 << 20


def test_a_full_disk_leaves_what_was_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that does not fit is taken back."""
    path = tmp_path / "a.series"
    file = SeriesFile(str(path), most=1 << 20)
    file.add(LINES[0])
    real = os.pwrite

    def full(fd: int, data: bytes, offset: int) -> int:
        if offset > path.stat().st_size - 1 and len(data) > 10:
            return real(fd, data[:10], offset)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(CannotWrite, match="No space left"):
        file.add(LINES[1])
    monkeypatch.undo()
    assert lines_of(path) == LINES[:1]
    file.add(LINES[2])
    file.close()
    assert lines_of(path) == [LINES[0], LINES[2]]


def test_each_kind_of_place_that_is_no_series(tmp_path: Path) -> None:
    """What stands there stays, its lock is let go, and the reason is the system's or ours."""
    with no_file_left_open():
        (tmp_path / "link").symlink_to("other")
        for name, code in (("none/x", "system-error"), ("link", "system-error"), (".", "system-error")):
            with pytest.raises(CannotWrite) as caught:
                SeriesFile(str(tmp_path / name), most=1000)
            assert caught.value.code == code
        damaged = gzip.compress(b'{"schema":"procmem/series/1"}') + b"xx" * 20
        for content, code in ((b"text", "exists"), (damaged, "series-damaged")):
            (tmp_path / "file").write_bytes(content)
            with pytest.raises(CannotWrite) as caught:
                SeriesFile(str(tmp_path / "file"), most=1000)
            assert caught.value.code == code
            assert (tmp_path / "file").read_bytes() == content


def test_a_write_that_takes_a_part_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the place where the part before has ended; the file is its owner's alone, and grows look by look."""
    path = tmp_path / "series"
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real(fd, data[:7], at))
    lines = [b'{"schema":"procmem/series/1","look":%d}\n' % number for number in range(5)]
    file = SeriesFile(str(path), most=1 << 20)
    assert file.resumed == 0
    for line in lines:
        file.add(line)
    file.close()
    assert path.stat().st_mode & 0o777 == 0o600
    found = list(read_lines(str(path)))
    assert [line for line, _ in found] == lines
    assert found[-1][1] == path.stat().st_size
    for at, (_, end) in enumerate(found):
        assert gzip.decompress(path.read_bytes()[:end]) == b"".join(lines[: at + 1])
    again = SeriesFile(str(path), most=1 << 20)
    assert again.resumed == 5
    again.close()


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
def test_what_is_kept_where_a_series_is_thinned(tmp_path: Path, count: int) -> None:
    """The first look, every other one behind it, and the last; then the new one is added."""
    path = tmp_path / "series"
    lines = [b'{"schema":"procmem/series/1","look":%d}\n' % number for number in range(count)]
    file = SeriesFile(str(path), most=1 << 20)
    for line in lines:
        file.add(line)
    file._most = path.stat().st_size  # full to the byte
    file.add(b"new\n")
    expected = [line for at, line in enumerate(lines) if at % 2 == 0 or at == count - 1]
    assert [line for line, _ in read_lines(str(path))] == [*expected, b"new\n"]
    with pytest.raises(CannotWrite):
        SeriesFile(str(path), most=1 << 20)
    file.close()
    assert [name for name in os.listdir(tmp_path) if name != "series"] == []


def test_a_look_of_just_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is read; one byte more is refused. What was cut off behind the last whole look is left out."""
    path = tmp_path / "series"
    assert series._LINE_BYTES_MAX == 64 << 20
    monkeypatch.setattr(series, "_LINE_BYTES_MAX", 100)
    monkeypatch.setattr(series, "_CHUNK", 10)
    whole = gzip.compress(b"x" * 100)
    path.write_bytes(whole + whole + whole[:-1])
    assert list(read_lines(str(path))) == [(b"x" * 100, len(whole)), (b"x" * 100, 2 * len(whole))]
    path.write_bytes(whole + gzip.compress(b"x" * 101))
    with pytest.raises(BrokenRecording) as caught:
        list(read_lines(str(path)))
    assert caught.value.code == "look-too-large"
