"""Recordings from strangers: every trick ends in one line and status 5, soon, and without effects."""

import gzip
import io
import json
import os
import shutil
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from procmem.errors import BrokenRecording, ProcessGone
from procmem.model.raw import FILE_BYTES_MAX, MappedFile, PageState, Refusal
from procmem.sources.recording.read import PAGE_RUNS_MAX, PiecesReader, RecordedSource
from procmem.sources.recording.store import UNPACKED_BYTES_MAX
from tests.support.running import FIXTURES, pids_in, procmem

GOOD = FIXTURES / "x86_64-6.18-sleep"
PID = pids_in(GOOD)[0]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A recording to spoil."""
    return Path(shutil.copytree(GOOD, tmp_path / "recording"))


def refuse(path: Path, why: str, *words: str) -> None:
    """One line that names the file and the reason; nothing on stdout; quickly."""
    began = time.monotonic()
    run = procmem("inspect", "--from", str(path), *words)
    assert time.monotonic() - began < 20
    assert (run.status, run.out) == (5, ""), run
    assert len(run.err.splitlines()) == 1, run
    assert why in run.err


def replace_with_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replace_with_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/proc/self/smaps")


def replace_with_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def replace_with_sparse(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(FILE_BYTES_MAX + 1)


@pytest.mark.parametrize("spoil", [replace_with_fifo, replace_with_link, replace_with_device, replace_with_sparse])
def test_files_that_are_no_plain_files(recording: Path, spoil: Callable[[Path], None]) -> None:
    """They are as good as not there: never followed, never waited for, never read whole."""
    spoil(recording / str(PID) / "smaps")
    began = time.monotonic()
    run = procmem("inspect", "--json", "--from", str(recording))
    assert time.monotonic() - began < 20
    assert run.status == 0, run
    assert run.json["totals"]["pss"] is None
    assert any("smaps" in warning for warning in run.json["warnings"])


@pytest.mark.parametrize(
    "name", ["about.toml", "objects.json", "objects.bin", "status", "stat", "auxv", "pagemap.runs"]
)
def test_every_file_may_be_a_fifo(recording: Path, name: str) -> None:
    """None of them makes us wait."""
    path = recording / name if name == "about.toml" else recording / str(PID) / name
    replace_with_fifo(path)
    began = time.monotonic()
    run = procmem("inspect", "--json", "--from", str(recording))
    assert time.monotonic() - began < 20
    assert run.status in (0, 5), run


def test_a_folder_that_is_a_link(recording: Path) -> None:
    """A process folder that leads to /proc/self is not there."""
    shutil.rmtree(recording / str(PID))
    (recording / str(PID)).symlink_to("/proc/self")
    run = procmem("inspect", "--from", str(recording))
    assert run.status in (3, 5), run
    assert run.out == ""


def test_names_that_climb_out() -> None:
    """A name with .. is nowhere."""
    with RecordedSource(str(GOOD)).open(PID) as target:
        assert target.read("../../../../etc/passwd") is Refusal.UNRECORDED
        assert target.read("task/../status") is Refusal.UNRECORDED


ABOUT = [
    ('schema = "procmem/recording/2"', "reads procmem/recording/1"),
    ('schema = "procmem/recording/1"\nschema = "procmem/recording/1"', "about.toml"),
    ("schema = ", "about.toml"),
    ("schema = 7", "schema"),
    ('schema = "procmem/recording/1"\nprocess = 4', "process is no table"),
    ("\x00", "about.toml"),
    ("[" * 5000, "about.toml"),
]


@pytest.mark.parametrize(("text", "why"), ABOUT, ids=range(len(ABOUT)))
def test_an_about_that_is_none(recording: Path, text: str, why: str) -> None:
    """Another version, twice the same key, no TOML at all."""
    (recording / "about.toml").write_text(text)
    refuse(recording, why)


def test_wrong_types_in_about_are_unknown(recording: Path) -> None:
    """A page size that is a word is no page size."""
    text = (recording / "about.toml").read_text().replace("page_size = 4096", 'page_size = "many"')
    (recording / "about.toml").write_text(text.replace("cpus = 2", "cpus = [1]"))
    with RecordedSource(str(recording)).open(PID) as target:
        assert (target.machine.page_size, target.machine.cpus) == (None, None)
    assert procmem("inspect", "--from", str(recording)).status == 0


OBJECTS = [
    "",
    "[]",
    "{}",
    "nonsense",
    '{"objects": 4}',
    '{"objects": [4]}',
    '{"objects": [], "objects": []}',
    '{"objects": [{"device": "fe:00", "inode": 1, "path": "/x", "pieces": [[0, 99999999]]}]}',
    '{"objects": [{"device": "fe:00", "inode": 1, "path": "/x", "pieces": [[-1, 1]]}]}',
    '{"objects": [{"device": "fe:00", "inode": 1, "path": "/x", "pieces": [[NaN, 1]]}]}',
    '{"objects": [{"device": "fe:00", "inode": Infinity, "path": "/x", "pieces": []}]}',
    '{"objects": [{"device": "fe:00", "inode": 1e999, "path": "/x", "pieces": []}]}',
    '{"objects": [{"device": "fe:00", "inode": 1, "path": "/x", "pieces": [[0.5, 1]]}]}',
    '{"objects": [{"device": "fe:00", "inode": 1, "path": "/x", "refused": "NO_SUCH_WORD"}]}',
    '{"objects": [{"device": "fe:00", "inode": 1}]}',
    "[" * 100_000,
]


@pytest.mark.parametrize("text", OBJECTS, ids=range(len(OBJECTS)))
def test_an_index_of_heads_that_is_none(recording: Path, text: str) -> None:
    """Duplicate keys, NaN, pieces beyond the end, wrong types, nesting without end."""
    (recording / str(PID) / "objects.json").write_text(text)
    refuse(recording, "objects.json")


@pytest.mark.parametrize("text", ["x\n", "1000-2000\n", "1000-2000 pq\n", "2000-x p\n", "1000-2000 p p\n", "\xff\n"])
def test_page_runs_that_are_none(recording: Path, text: str) -> None:
    """Start, end, letters; nothing else."""
    (recording / str(PID) / "pagemap.runs").write_text(text)
    refuse(recording, "pagemap.runs")


def test_page_runs_of_any_order_and_size(recording: Path) -> None:
    """Overlapping, backwards, beyond all addresses: figures are shared out, nothing breaks, sums stay."""
    lines = "ffffffffffffffff-0 p\n0-ffffffffffffffffffffff ps\n7000-1000 p\n" * 50
    (recording / str(PID) / "pagemap.runs").write_text(lines)
    run = procmem("inspect", "--json", "--from", str(recording))
    assert run.status == 0, run
    assert sum(row["rss"] for row in run.json["classes"]) == run.json["totals"]["rss"]


def test_heads_that_are_damaged(recording: Path) -> None:
    """Flipped bytes in the kept headers: the objects are not readable, and the rest of the report stands."""
    binary = recording / str(PID) / "objects.bin"
    data = bytearray(binary.read_bytes())
    for at in range(0, len(data), 3):
        data[at] ^= 0xA5
    binary.write_bytes(bytes(data))
    run = procmem("inspect", "--json", "--regions", "--from", str(recording))
    assert run.status == 0, run
    assert sum(row["virt"] for row in run.json["classes"]) == run.json["totals"]["virt"]
    assert not [r for r in run.json["regions"] if r["class"] in ("text", "data", "bss") and r["certainty"] == "certain"]


@pytest.mark.parametrize("name", ["smaps", "status", "stat", "limits"])
@pytest.mark.parametrize("keep", [0.3, 0.77])
def test_cut_off_files_are_named(recording: Path, name: str, keep: float) -> None:
    """Never half a process that looks whole."""
    path = recording / str(PID) / name
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    refuse(recording, name)


def archive(path: Path, members: dict[str, bytes], *, gz: bool = True) -> None:
    """Write members into an archive."""
    with tarfile.open(path, "w:gz" if gz else "w") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


class Zeros(io.RawIOBase):
    """Endless zeros, for members that unpack to far more than they weigh."""

    def read(self, size: int = -1) -> bytes:
        return bytes(size)


def test_an_archive_with_one_huge_member(tmp_path: Path) -> None:
    """A gigabyte in a megabyte: refused by its header."""
    path = tmp_path / "bomb.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as out, tarfile.open(fileobj=out, mode="w|") as tar:
        member = tarfile.TarInfo("1/smaps")
        member.size = FILE_BYTES_MAX + 512
        tar.addfile(member, Zeros())
    refuse(path, "larger than 64 MiB")


def test_an_archive_with_too_much_in_sum(tmp_path: Path) -> None:
    """Each member is small enough, all together are not."""
    path = tmp_path / "bomb.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as out, tarfile.open(fileobj=out, mode="w|") as tar:
        for number in range(UNPACKED_BYTES_MAX // FILE_BYTES_MAX + 1):
            member = tarfile.TarInfo(f"1/file{number}")
            member.size = FILE_BYTES_MAX
            tar.addfile(member, Zeros())
    refuse(path, "more than a recording may hold")


def test_an_archive_with_an_endless_name(tmp_path: Path) -> None:
    """The header of a long name may claim any length."""
    path = tmp_path / "bomb.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as out:
        member = tarfile.TarInfo("././@LongLink")
        member.type = tarfile.GNUTYPE_LONGNAME
        member.size = 8 << 30
        out.write(member.tobuf(tarfile.GNU_FORMAT))
        for _ in range(UNPACKED_BYTES_MAX // (1 << 20) + 1):
            out.write(bytes(1 << 20))
    refuse(path, "a header is too long")


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b", b"\x1f\x8b\x08\0" + bytes(50), b"PK\x03\x04", b"nonsense\n" * 99])
def test_archives_that_are_none(tmp_path: Path, data: bytes) -> None:
    """Empty, cut off, another format."""
    path = tmp_path / "x.tar.gz"
    path.write_bytes(data)
    refuse(path, str(path))


def test_a_damaged_archive(tmp_path: Path) -> None:
    """Every cut, and every flipped byte of its content: the checksum says so, and no figure is taken from it."""
    path = tmp_path / "x.tar.gz"
    archive(path, {f"{PID}/{name}": (GOOD / str(PID) / name).read_bytes() for name in ("stat", "status", "smaps")})
    whole = path.read_bytes()
    for at in range(20, len(whole) - 20, len(whole) // 12):
        for data in (whole[:at], whole[:at] + b"\x55" + whole[at + 1 :]):
            path.write_bytes(data)
            with pytest.raises(BrokenRecording, match=r"not a readable archive|holds no process|a damaged archive"):
                RecordedSource(str(path))


def test_an_archive_is_never_unpacked(tmp_path: Path) -> None:
    """Absolute names, names that climb, links and devices: nothing appears anywhere, nothing is followed."""
    stat = (GOOD / str(PID) / "stat").read_bytes()
    evil = [(tarfile.REGTYPE, name) for name in ("/etc/procmem-evil", "../procmem-evil", f"{PID}/../../procmem-evil")]
    evil += [(tarfile.LNKTYPE, f"{PID}/maps"), (tarfile.FIFOTYPE, f"{PID}/status"), (tarfile.SYMTYPE, f"{PID}/smaps")]
    for number, (kind, name) in enumerate(evil):
        path = tmp_path / f"evil{number}.tar.gz"
        with tarfile.open(path, "w:gz") as tar:
            for sort, called, data in ((tarfile.REGTYPE, f"{PID}/stat", stat), (kind, name, b"x")):
                member = tarfile.TarInfo(called)
                member.type = sort
                member.linkname = "/proc/self/smaps"
                member.size = len(data) if sort == tarfile.REGTYPE else 0
                tar.addfile(member, io.BytesIO(data))
        if kind != tarfile.SYMTYPE:
            refuse(path, "in it")
            continue
        run = procmem("inspect", "--from", str(path), cwd=tmp_path)
        assert "mapping area" not in run.out, run  # a link is text, and no smaps
    assert not list(Path("/etc").glob("procmem-evil*"))
    assert {path.suffix for path in tmp_path.iterdir()} == {".gz"}
    assert not (tmp_path.parent / "procmem-evil").exists()


def test_archives_of_other_tools(tmp_path: Path) -> None:
    """Made by ``tar czf x.tar.gz recording``, with ./ or a folder on top, packed or plain."""
    members = {str(p.relative_to(GOOD)): p.read_bytes() for p in GOOD.rglob("*") if p.is_file()}
    expected = procmem("inspect", "--from", str(GOOD)).out
    for number, (prefix, gz) in enumerate((("./", True), ("recording/", True), ("", False))):
        path = tmp_path / f"{number}.tar.gz"
        archive(path, {prefix + name: data for name, data in members.items()}, gz=gz)
        run = procmem("inspect", "--from", str(path))
        assert (run.status, run.out) == (0, expected), run


def test_paths_that_are_nothing(tmp_path: Path) -> None:
    """Missing, empty, a folder of other things, a file of other things."""
    refuse(tmp_path / "missing", "no such file")
    refuse(tmp_path, "holds no process")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "photo.jpg").write_bytes(b"\xff\xd8")
    refuse(tmp_path / "other", "holds no process")
    (tmp_path / "text").write_text("dear diary\n")
    refuse(tmp_path / "text", "text")


def test_several_processes_are_all_shown() -> None:
    """Those that are named, or all; where just one can be compared, the message names them."""
    fork = FIXTURES / "x86_64-6.18-fork"
    first, second = pids_in(fork)
    every = procmem("inspect", "--json", "--from", str(fork)).json
    assert [document["process"]["pid"] for document in every] == [first, second]
    run = procmem("diff", str(fork), str(fork))
    assert (run.status, run.out) == (5, "")
    assert f"name a pid: {first}, {second}" in run.err
    named = procmem("inspect", "--json", "--from", str(fork), "--name", every[0]["process"]["comm"]).json
    assert [document["process"]["pid"] for document in named] == [first, second]
    chosen = procmem("inspect", "--json", "--from", str(fork), "--pid", str(second)).json
    assert chosen["process"]["pid"] == second
    assert procmem("inspect", "--from", str(fork), "--name", "nothing").status == 3
    for pid in (first, second):
        run = procmem("inspect", "--json", "--from", str(fork), str(pid))
        assert (run.status, run.json["process"]["pid"]) == (0, pid)
    both = procmem("inspect", "--json", "--from", str(fork), str(first), str(second))
    assert [document["process"]["pid"] for document in both.json] == [first, second]


def test_a_pid_that_is_not_recorded() -> None:
    """ProcessGone, as for a live one."""
    with pytest.raises(ProcessGone, match="not in"):
        RecordedSource(str(GOOD)).open(1)


def test_a_recording_of_nothing_but_smaps_in_a_folder(tmp_path: Path) -> None:
    """A folder shaped like /proc/PID, with only what somebody attached to a bug report."""
    folder = tmp_path / "4711"
    folder.mkdir()
    shutil.copyfile(GOOD / str(PID) / "smaps", folder / "smaps")
    for words in ((str(folder),), ("--from", str(folder)), ("--from", str(tmp_path), "4711")):
        run = procmem("inspect", "--json", *words)
        assert run.status == 0, run
        assert run.json["process"]["pid"] == 4711
        assert run.json["totals"]["rss"] > 0


def test_refusals_survive_recording() -> None:
    """What was denied then is denied now, and not merely absent."""
    denied = FIXTURES / "x86_64-6.18-denied"
    with RecordedSource(str(denied)).open(pids_in(denied)[0]) as target:
        assert target.read("smaps") is Refusal.DENIED
        assert target.link("exe") is Refusal.DENIED
        assert target.read("never/heard/of") is Refusal.UNRECORDED
        assert isinstance(target.read("status"), bytes)


def test_kept_pieces_read_like_a_file() -> None:
    """Neighbouring and overlapping pieces are one; a hole ends the reading."""
    reader = PiecesReader([(10, b"abcde"), (15, b"fgh"), (12, b"cdefgh"), (30, b"x")])
    assert reader.read_at(10, 100) == b"abcdefgh"
    assert reader.read_at(13, 2) == b"de"
    assert reader.read_at(9, 5) == b""
    assert reader.read_at(30, 5) == b"x"
    assert reader.read_at(1 << 70, 5) == b""


def test_page_runs_are_clipped_to_what_is_asked() -> None:
    """Runs that reach over the edges are cut at them."""
    with RecordedSource(str(GOOD)).open(PID) as target:
        every = target.page_runs([(0, 1 << 47)], 4096)
        assert not isinstance(every, Refusal)
        run = max(every, key=lambda run: run.end - run.start)
        assert run.end - run.start > 8192
        assert run.state & PageState.PRESENT
        (part,) = target.page_runs([(run.start + 4096, run.start + 8192)], 4096)  # type: ignore[misc]
        assert tuple(part) == (run.start + 4096, run.start + 8192, run.state)


def test_heads_are_found_by_device_inode_and_path() -> None:
    """Another path or inode is another file."""
    index = json.loads((GOOD / str(PID) / "objects.json").read_text())["objects"]
    entry = next(entry for entry in index if "pieces" in entry)
    mapped = MappedFile(entry["device"], entry["inode"], entry["path"].encode(), ())
    with RecordedSource(str(GOOD)).open(PID) as target:
        found = target.open_file(mapped)
        assert not isinstance(found, Refusal)
        assert found.read_at(0, 4) == b"\x7fELF"
        assert target.open_file(mapped._replace(inode=1)) is Refusal.UNRECORDED
        assert target.open_file(mapped._replace(path=b"/other")) is Refusal.UNRECORDED


def test_a_table_of_contents_that_is_no_toml_is_told_by_its_line(tmp_path: Path) -> None:
    """Without a word of the library that read it, so that it is told in every language."""
    folder = tmp_path / "recording"
    shutil.copytree(FIXTURES / "x86_64-6.18-sleep", folder)
    about = folder / "about.toml"
    whole = about.read_text()
    lines = whole.count("\n")
    about.write_text(whole + "a b\n")
    assert f"about.toml, line {lines + 1}: no TOML" in procmem("inspect", "--from", str(folder)).err
    about.write_bytes(b"\xff")
    assert "about.toml is no TOML" in procmem("inspect", "--from", str(folder)).err


def test_an_archive_that_is_cut_off_is_told_in_our_words(tmp_path: Path) -> None:
    """gzip, tar and zlib each say it in their own, in English."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        archive.add(FIXTURES / "x86_64-6.18-sleep", "recording")
    for size in (len(whole.getvalue()) // 2, len(whole.getvalue()) - 4):
        cut = tmp_path / f"{size}.tar.gz"
        cut.write_bytes(whole.getvalue()[:size])
        run = procmem("inspect", "--from", str(cut), "--lang", "zh")
        assert (run.status, run.out) == (5, "")
        assert "\u5df2\u635f\u574f\u6216\u4e0d\u5b8c\u6574" in run.err, run.err


@pytest.mark.parametrize(
    "table",
    [
        "[" + "a." * 15_000 + "a]\n" + "a." * 15_000 + "b=1\n",
        "a = {" + "'x' . " * 5_000 + "b = 1}\n",
        '"x".' * 9_000 + "b = 1\n",
    ],
    ids=["bare", "in a table of one line", "quoted"],
)
def test_keys_of_thousands_of_parts_are_refused_soon(recording: Path, table: str) -> None:
    """Their reader takes the square of their number, in time and memory."""
    (recording / "about.toml").write_text(table)
    began = time.process_time()
    with pytest.raises(BrokenRecording) as raised:
        RecordedSource(str(recording))
    assert raised.value.code == "bad-about"
    assert time.process_time() - began < 1


def test_dots_in_values_are_no_key(recording: Path) -> None:
    """A sentence, a version, a path."""
    about = (recording / "about.toml").read_text()
    text = "a.b.c.d/e.f " * 500
    (recording / "about.toml").write_text(f"{about}note = '{text}'\nother = \"{text}\"\n{'w' * 40_000} = 1\n")
    assert RecordedSource(str(recording)).pids() == (PID,)


def test_more_page_runs_than_anybody_has_are_refused(recording: Path) -> None:
    """Each costs time and memory."""
    (recording / str(PID) / "pagemap.runs").write_bytes(b"0-1 p\n" * (PAGE_RUNS_MAX + 1))
    refuse(recording, f"pagemap.runs: more than {PAGE_RUNS_MAX} lines")


@pytest.mark.parametrize("name", ["maps", "smaps"])
def test_a_line_of_megabytes_is_refused(recording: Path, name: str) -> None:
    """To lay out a name of that length takes a time with its square."""
    path = recording / str(PID) / name
    path.write_bytes(path.read_bytes().replace(b"/usr/bin/sleep", b"/" + b"x" * (1 << 20)))
    for other in {"maps", "smaps"} - {name}:
        (recording / str(PID) / other).unlink()
    refuse(recording, "a line is longer than 256 KiB")
