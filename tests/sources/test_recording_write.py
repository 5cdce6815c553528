"""Writing a recording: all of it or nothing, for its owner's eyes only."""

import os
import shutil
import stat
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.errors import CannotWrite
from procmem.model.raw import KeptFile, Machine, MappedFile, PageRun, PageRuns, RawProcess, Refusal
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
