"""Writing a recording: all of it or nothing, for its owner's eyes only."""

import errno
import io
import json
import os
import shutil
import stat
import subprocess
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.errors import CannotWrite
from procmem.model.raw import KeptFile, Machine, MappedFile, PageRun, PageRuns, PageState, RawProcess, Refusal
from procmem.sources.recording import write
from procmem.sources.recording.read import RecordedSource
from procmem.sources.recording.write import Recorded, save
from tests.support.needs import lacking
from tests.support.running import FIXTURES, missing_pid, pids_in, procmem, recordings


def own(tmp_path: Path, name: str) -> Path:
    """A recording of the recorder itself."""
    path = tmp_path / name
    run = procmem("record", "self", "-o", str(path))
    assert run.status == 0, run
    assert run.out == ""
    assert "recorded 1 process" in run.err
    return path


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    """Mode 0600 for files, 0700 for folders, whatever the umask."""
    before = os.umask(0)
    try:
        folder, archive = own(tmp_path, "folder"), own(tmp_path, "x.tar.gz")
    finally:
        os.umask(before)
    for path in (folder, *folder.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    with tarfile.open(archive) as tar:
        assert {member.mode for member in tar.getmembers()} == {0o600}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "x.tar.gz"], "something was left behind"


@pytest.mark.parametrize("name", ["file", "folder", "link", "dangling"])
def test_what_is_there_is_never_replaced(tmp_path: Path, name: str) -> None:
    """Files, folders, links, also those that lead nowhere."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("nowhere")
    run = procmem("record", "self", "-o", str(tmp_path / name))
    assert run.status == 6, run
    assert "there is something already" in run.err
    assert (tmp_path / "file").read_text() == "mine"
    assert sorted(os.listdir(tmp_path)) == ["dangling", "file", "folder", "link"]


def test_a_place_that_does_not_exist(tmp_path: Path) -> None:
    """One line, status 6."""
    run = procmem("record", "self", "-o", str(tmp_path / "no" / "where"))
    assert (run.status, len(run.err.splitlines())) == (6, 1), run
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_when_nobody_is_there(tmp_path: Path) -> None:
    """The status is that of the process."""
    run = procmem("record", str(missing_pid()), "-o", str(tmp_path / "r"))
    assert run.status == 3
    assert list(tmp_path.iterdir()) == []


def test_some_of_several(tmp_path: Path) -> None:
    """Those that are there are recorded, and the status tells that some were not."""
    run = procmem("record", "self", str(missing_pid()), str(os.getpid()), "-o", str(tmp_path / "r"))
    assert run.status == 42, run
    assert "recorded 2 processes" in run.err
    assert len(pids_in(tmp_path / "r")) == 2


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    place = tmp_path / "tiny"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        lacking("no file system can be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.needs_root
@pytest.mark.needs("mount", "umount")
@pytest.mark.parametrize("name", ["folder", "x.tar.gz"])
def test_a_full_disk_leaves_nothing_behind(tiny_disk: Path, name: str) -> None:
    """Status 6, one line, and no half recording."""
    (tiny_disk / "fill").write_bytes(os.urandom(40 * 1024))
    run = procmem("record", "self", "-o", str(tiny_disk / name))
    assert run.status == 6, run
    assert "No space left" in run.err
    assert os.listdir(tiny_disk) == ["fill"]


@pytest.mark.needs_root
def test_a_place_where_we_may_not_write(tmp_path: Path) -> None:
    """As nobody, in root's folder."""
    run = procmem("record", "self", "-o", str(tmp_path / "r"), nobody=True)
    assert run.status == 6, run
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("recording", recordings(), ids=lambda path: path.name)
def test_a_recording_of_a_recording_is_the_same(recording: Path, tmp_path: Path) -> None:
    """``record --from`` copies: every file of every process comes back byte for byte."""
    pids = [str(pid) for pid in pids_in(recording)]
    run = procmem("record", "--keep-args", "--from", str(recording), *pids, "-o", str(tmp_path / "again"))
    assert run.status == 0, run
    beside = {"about.toml", "pmap-X.txt", "truth.jsonl"}
    for path in sorted(recording.rglob("*")):
        if path.is_file() and path.name not in beside:
            assert path.read_bytes() == (tmp_path / "again" / path.relative_to(recording)).read_bytes(), path
    regions = ("inspect", "--json", "--regions", *pids)
    assert procmem(*regions, "--from", str(recording)).out == procmem(*regions, "--from", str(tmp_path / "again")).out


texts = st.binary(max_size=30)
refusals = st.sampled_from(list(Refusal))
addresses = st.integers(0, (1 << 64) - 1)


@given(
    files=st.dictionaries(st.sampled_from(["comm", "maps", "status", "task/7/stat"]), st.one_of(texts, refusals)),
    exe=st.one_of(st.binary(min_size=1, max_size=9).map(lambda data: data.replace(b"\0", b"x")), refusals),
    pieces=st.lists(st.tuples(addresses, st.binary(min_size=1, max_size=9)), max_size=4),
    path=st.binary(min_size=1, max_size=20),
    runs=st.lists(st.tuples(st.integers(0, 1 << 40), st.integers(1, 9), st.integers(1, 63)), max_size=5),
    archive=st.booleans(),
)
def test_what_is_saved_is_loaded(
    tmp_path_factory: pytest.TempPathFactory,
    files: dict[str, bytes | Refusal],
    exe: bytes | Refusal,
    pieces: list[tuple[int, bytes]],
    path: bytes,
    runs: list[tuple[int, int, int]],
    archive: bool,
) -> None:
    """Any bytes, any refusals, names that are no text."""
    mapped = MappedFile("fe:00", 4711, path, ())
    at = 0
    laid = []
    for gap, pages, state in runs:
        laid.append(PageRun(at + gap * 4096, at + (gap + pages) * 4096, state))
        at = laid[-1].end
    raw = RawProcess(
        7, {"stat": b"7 (x)\n", **files}, {"exe": exe}, None, {"uptime": b"1 2\n"}, Machine(page_size=4096)
    )
    where = tmp_path_factory.mktemp("saved") / ("r.tar.gz" if archive else "r")
    try:
        save(
            [Recorded(raw, (KeptFile(mapped, tuple(pieces)),), PageRuns.of(laid))], str(where), when="now", version="0"
        )
        with RecordedSource(str(where)).open(7) as target:
            for name, content in files.items():
                assert target.read(name) == content
            assert target.link("exe") == exe
            assert target.read_system("uptime") == b"1 2\n"
            assert target.machine.page_size == 4096
            assert target.page_runs([(0, 1 << 64)], 4096) == tuple(laid)
            reader = target.open_file(mapped)
            assert not isinstance(reader, Refusal)
            for offset, data in pieces:
                if sum(o < offset + len(data) and offset < o + len(d) for o, d in pieces) == 1:
                    assert reader.read_at(offset, len(data)) == data
    finally:
        shutil.rmtree(where.parent)


def test_writing_twice_is_refused(tmp_path: Path) -> None:
    """By the function, too."""
    raw = RawProcess(7, {}, {}, None, {}, Machine())
    save([Recorded(raw, (), PageRuns())], str(tmp_path / "r"), when="now", version="0")
    with pytest.raises(CannotWrite, match="already"):
        save([Recorded(raw, (), PageRuns())], str(tmp_path / "r"), when="now", version="0")


def test_no_fixture_holds_an_environment() -> None:
    """It is never read."""
    assert list(FIXTURES.rglob("environ")) == []


PROCESSES = (
    Recorded(
        raw=RawProcess(
            7,
            {"maps": b"m", "smaps": Refusal.DENIED},
            {"exe": b"/bin/x"},
            None,
            system={"meminfo": b"i", "swaps": Refusal.ABSENT},
            machine=Machine(machine="x86_64", page_size=4096),
        ),
        kept=(
            KeptFile(MappedFile("08:01", 5, b"/bin/x", ()), ((0, b"abc"), (9, b"de")), None),
            KeptFile(MappedFile("08:01", 6, b"/lib/\xff", ()), (), Refusal.DENIED),
        ),
        page_runs=PageRuns.merged([PageRun(0x1000, 0x3000, PageState.PRESENT)]),
        words=((0x10, b"\x01\x02"),),
    ),
    Recorded(
        raw=RawProcess(8, {"maps": b"n"}, {}, None, system={}, machine=Machine()), kept=(), page_runs=Refusal.DENIED
    ),
)
FILES = {
    "meminfo": b"i", "7/maps": b"m", "7/links/exe": b"/bin/x", "7/objects.bin": b"abcde",
    "7/pagemap.runs": b"1000-3000 p\n", "7/memory.words": b"10 0102\n", "8/maps": b"n", "8/objects.bin": b"",
}  # fmt: skip


def test_each_file_of_a_recording() -> None:
    """By its name and to the byte; what was refused is told in about.toml, first of all."""
    files = write._all_files(PROCESSES, "then", "1")
    assert next(iter(files)) == "about.toml"
    assert {name: data for name, data in files.items() if name in FILES} == FILES
    assert set(files) - set(FILES) == {"about.toml", "7/objects.json", "8/objects.json"}
    assert json.loads(files["7/objects.json"]) == {
        "objects": [
            {"device": "08:01", "inode": 5, "path": "/bin/x", "pieces": [[0, 3], [9, 2]]},
            {"device": "08:01", "inode": 6, "path": "/lib/\udcff", "refused": "DENIED"},
        ]
    }
    about = tomllib.loads(files["about.toml"].decode())
    assert (about["when"], about["procmem"], about["machine"], about["page_size"]) == ("then", "1", "x86_64", 4096)
    assert about["refused"] == {"swaps": "ABSENT"}
    assert about["process"] == {"7": {"refused": {"smaps": "DENIED"}}, "8": {"refused": {"pagemap": "DENIED"}}}
    nameless = [one._replace(raw=one.raw._replace(pid=None)) for one in PROCESSES[:1]]
    assert {"maps", "links/exe", "objects.bin", "pagemap.runs"} < set(write._all_files(nameless, "", ""))


def test_a_folder_and_an_archive_hold_the_same(tmp_path: Path) -> None:
    """Readable by nobody else, and so is what is written to a stream."""
    expected = write._all_files(PROCESSES, "then", "1")
    write.save(PROCESSES, str(tmp_path / "f"), when="then", version="1")
    write.save(PROCESSES, str(tmp_path / "f.tgz"), when="then", version="1")
    stream = io.BytesIO()
    write.save_to(PROCESSES, stream, when="then", version="1")
    files = [path for path in (tmp_path / "f").rglob("*") if path.is_file()]
    assert {str(path.relative_to(tmp_path / "f")): path.read_bytes() for path in files} == expected
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "f").rglob("*") if path.is_dir()} == {0o700}
    for packed in (io.BytesIO((tmp_path / "f.tgz").read_bytes()), io.BytesIO(stream.getvalue())):
        with tarfile.open(fileobj=packed) as archive:
            members = archive.getmembers()
            assert {one.mode for one in members} == {0o600}
            found = {one.name: archive.extractfile(one) for one in members}
            assert {name: file.read() for name, file in found.items() if file is not None} == expected


def test_several_without_a_pid_have_no_place(tmp_path: Path) -> None:
    """One has, and several with pids have."""
    nameless = PROCESSES[0]._replace(raw=PROCESSES[0].raw._replace(pid=None))
    for pair in ((nameless, PROCESSES[1]), (PROCESSES[1], nameless), (nameless, nameless)):
        with pytest.raises(CannotWrite) as caught:
            write.save(pair, str(tmp_path / "x"), when="", version="")
        assert caught.value.code == "several-nameless"
        with pytest.raises(CannotWrite) as caught:
            write.save_to(pair, io.BytesIO(), when="", version="")
        assert caught.value.code == "several-nameless"
    write.save((nameless,), str(tmp_path / "one"), when="", version="")
    write.save_to((nameless,), io.BytesIO(), when="", version="")
    assert sorted(os.listdir(tmp_path)) == ["one"]


@pytest.mark.parametrize("method", ["write", "flush"])
def test_a_stream_that_takes_no_more(method: str) -> None:
    """Whether it says so at once or when it is flushed."""

    def refused(*_: object) -> int:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    broken = type("Broken", (io.BytesIO,), {method: refused})()
    with pytest.raises(CannotWrite) as caught:
        write.save_to(PROCESSES, broken, when="", version="")
    assert (caught.value.code, caught.value.fields["reason"]) == ("system-error", "Broken pipe")


def test_where_a_text_may_be_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new file, or in place of a regular one; told before the work is done."""
    (tmp_path / "file").write_text("old")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder").mkdir()
    for name, code in (("none/x", "no-folder-to-write"), ("link", "not-regular"), ("folder", "not-regular")):
        with pytest.raises(CannotWrite) as caught:
            write.save_text(str(tmp_path / name), "new")
        assert caught.value.code == code
    for name in ("file", "new"):
        write.save_text(str(tmp_path / name), "täxt")
        assert (tmp_path / name).read_text(encoding="utf-8") == "täxt"
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    with monkeypatch.context() as patched:
        patched.setattr(os, "access", lambda _path, how: how != os.W_OK | os.X_OK)
        with pytest.raises(CannotWrite) as caught:
            write.may_save_text(str(tmp_path / "x"))
        assert caught.value.code == "folder-read-only"
    monkeypatch.setattr(os, "fsync", lambda _fd: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space")))
    with pytest.raises(CannotWrite) as caught:
        write.save_text(str(tmp_path / "file"), "other")
    assert caught.value.fields["reason"] == "No space"
    assert (tmp_path / "file").read_text(encoding="utf-8") == "täxt"
    assert sorted(os.listdir(tmp_path)) == ["file", "folder", "link", "new"]
