"""One process of a recording: each of its files, links, pages and words, or why there is none."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from procmem.errors import BrokenRecording, MalformedFile, ProcessGone
from procmem.model.given_text import GivenText
from procmem.model.line_length import LINE_BYTES_MAX
from procmem.model.raw import Machine, MappedFile, PageRun, PageState, Refusal
from procmem.sources.recording import read
from procmem.sources.recording.read import PiecesReader, RecordedSource, has_too_many_mappings, page_run_letters

ABOUT = """\
schema = "procmem/recording/1"
machine = "x86_64"
page_size = 16384
clock_ticks = 250
cpus = 3
[refused]
swaps = "DENIED"
[process.7.refused]
smaps = "DENIED"
pagemap = "GONE"
root = "ABSENT"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recording of two processes, the first with a thread of its own files."""
    for name, content in {
        "about.toml": ABOUT, "uptime": "1 2\n", "7/maps": "m", "7/status": "s", "7/task/9/status": "nine",
        "7/links/exe": "/bin/x", "12/maps": "n", "12/stat": "12", "007/maps": "x", "12x/maps": "x",
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "7" / "cwd").symlink_to("/somewhere")
    return tmp_path


def test_who_is_recorded(folder: Path) -> None:
    """Folders named by a pid as it is written; a thread by its own id, with its own files before its leader's."""
    source = RecordedSource(str(folder))
    assert (source.pids(), source.is_live) == ((7, 12), False)
    with pytest.raises(BrokenRecording) as caught:
        source.only()
    assert (caught.value.code, caught.value.fields["count"], caught.value.fields["known"]) == (
        "several-recorded", 2, (7, 12),
    )  # fmt: skip
    with pytest.raises(ProcessGone) as gone:
        source.open(8)
    assert (gone.value.code, gone.value.fields["known"]) == ("not-recorded", (7, 12))
    with source.open(9) as thread:
        assert (thread.pid, thread.read("status"), thread.read("maps")) == (9, b"nine", b"m")
        assert thread.read("task/9/status") == b"nine"
        assert thread.read("smaps") is Refusal.DENIED
    with source.open(7) as leader:
        assert (leader.pid, leader.read("status")) == (7, b"s")
        assert not leader.is_live
        leader.look_through(9)
        assert leader.read("status") == b"s"


def test_what_a_recording_says_of_its_machine(folder: Path) -> None:
    """Where it says nothing, a second has 100 ticks, and all else is unknown."""
    assert RecordedSource(str(folder)).open(7).machine == Machine(
        machine="x86_64", kernel=None, page_size=16384, clock_ticks=250, cpus=3
    )
    (folder / "about.toml").unlink()
    assert RecordedSource(str(folder)).open(7).machine == Machine(clock_ticks=100)


def test_files_links_and_refusals(folder: Path) -> None:
    """What was refused when it was recorded is refused so again; what was not recorded is told as that."""
    with RecordedSource(str(folder)).open(7) as target:
        assert (target.read("smaps"), target.read("stat")) == (Refusal.DENIED, Refusal.UNRECORDED)
        assert (target.link("exe"), target.link("cwd")) == (b"/bin/x", b"/somewhere")
        assert (target.link("root"), target.link("other")) == (Refusal.ABSENT, Refusal.UNRECORDED)
        assert (target.names("task"), target.names("fd")) == (("9",), Refusal.UNRECORDED)
        assert (target.read_system("uptime"), target.read_system("swaps")) == (b"1 2\n", Refusal.DENIED)
        assert target.read_system("meminfo") is Refusal.UNRECORDED
        assert target.page_runs([(0, 1 << 40)], 4096) is Refusal.GONE
        assert isinstance(target.memory(), Refusal)
        for asked in (target.page_frame(0, 4096), target.page_word(0, 4096), target.frame_word("kpageflags", 0)):
            assert asked is Refusal.UNRECORDED
        assert target.clear_accessed() is target.reset_peak() is Refusal.UNRECORDED
        assert target.missing_right() is target.missing_right(to_attach=True) is None
        seen: list[bytes] = []
        assert target.read_pieces("maps", seen.append, keep=False) == b"m"
        assert target.read_pieces("smaps", seen.append, keep=True) is Refusal.DENIED
        assert seen == [b"m"]


def test_lines_and_mappings_have_a_bound(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of maps and smaps, of threads too; to the line."""
    line = b"1000-2000 r--p 00000000 00:00 0\n"
    monkeypatch.setattr(read, "MAPPINGS_MAX", 3)
    assert [has_too_many_mappings(line * count) for count in (0, 3, 4)] == [False, False, True]
    assert not has_too_many_mappings(line + b"Size: 4 kB\n" * 9)
    assert has_too_many_mappings((line + b"Size: 4 kB\n") * 4)
    with RecordedSource(str(folder)).open(7) as target:
        (folder / "7" / "maps").write_bytes(line * 4)
        with pytest.raises(BrokenRecording) as caught:
            target.read("maps")
        assert (caught.value.code, caught.value.fields["most"]) == ("too-many-mappings", 3)
        (folder / "7" / "maps").write_bytes(line + b"x" * 2 * LINE_BYTES_MAX + b"\n")
        with pytest.raises(MalformedFile) as long:
            target.read("maps")
        assert (long.value.line, long.value.code, long.value.name) == (2, "long-line", "maps")
        (folder / "7" / "status").write_bytes(b"x" * 2 * LINE_BYTES_MAX)
        assert isinstance(target.read("status"), bytes)


def test_mapped_files(folder: Path) -> None:
    """The kept heads by device, inode and path; of a copied folder map_files and exe themselves."""
    kept = {"device": "08:01", "inode": 5, "path": "/bin/x"}
    index = [{**kept, "pieces": [[0, 2], [100, 3]]}, {**kept, "inode": 6, "refused": "STUCK"}]
    (folder / "7" / "objects.json").write_text(json.dumps({"objects": index}))
    (folder / "7" / "objects.bin").write_bytes(b"abcde")
    (folder / "7" / "map_files").mkdir()
    (folder / "7" / "map_files" / "1000-2000").write_bytes(b"by range")
    (folder / "7" / "exe").write_bytes(b"by exe")
    found = MappedFile("08:01", 5, b"/bin/x", ((0x9000, 0xA000), (0x1000, 0x2000)))
    with RecordedSource(str(folder)).open(7) as target:

        def head(mapped: MappedFile) -> bytes | Refusal:
            reader = target.open_file(mapped)
            return reader if isinstance(reader, Refusal) else reader.read_at(0, 20)

        assert head(found) == b"ab"
        assert head(found._replace(inode=6)) is Refusal.STUCK
        assert head(found._replace(device="08:02")) == b"by range"
        assert head(found._replace(inode=7, ranges=(), is_program=True)) == b"by exe"
        assert head(found._replace(path=b"/bin/y", ranges=())) is Refusal.UNRECORDED


def test_pages_and_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs with their letters, cut to what is asked, with a bound to the line; words where they stood."""
    runs, words = folder / "7" / "pagemap.runs", folder / "7" / "memory.words"
    runs.write_bytes(b"1000-3000 pf\n5000-6000 s\n8000-9000 gzh\n")
    words.write_bytes(b"10 0102\n20 ff\n")
    with RecordedSource(str(folder)).open(7) as target:
        assert target.page_runs([(0x2000, 0x5800)], 4096) == (
            PageRun(0x2000, 0x3000, PageState.PRESENT | PageState.FILE), PageRun(0x5000, 0x5800, PageState.SWAPPED),
        )  # fmt: skip
        monkeypatch.setattr(read, "PAGE_RUNS_MAX", 3)
        assert not isinstance(target.page_runs([(0, 1 << 40)], 4096), Refusal)
        monkeypatch.setattr(read, "PAGE_RUNS_MAX", 2)
        with pytest.raises(BrokenRecording) as caught:
            target.page_runs([(0, 1 << 40)], 4096)
        assert (caught.value.code, caught.value.fields["most"]) == ("too-many-page-runs", 2)
        memory = target.memory()
        assert not isinstance(memory, Refusal)
        assert [memory.read_at(*place) for place in ((0x10, 9), (0x11, 1), (0x12, 1), (0x20, 1), (0xF, 2))] == [
            b"\x01\x02", b"\x02", b"", b"\xff", b"",
        ]  # fmt: skip
        for text, number in ((b"1000-2000 p\n1000 p\n", 2), (b"1-2 x\n", 1), (b"1-2 p q\n", 1), (b"1-2\n", 1)):
            runs.write_bytes(text)
            with pytest.raises(BrokenRecording) as caught:
                target.page_runs([(0, 1)], 4096)
            assert (caught.value.code, caught.value.fields.get("number")) in (
                ("bad-page-runs", number), ("too-many-page-runs", None),
            )  # fmt: skip
        for text, number in ((b"10 01\nxx 01\n", 2), (b"10 0\n", 1), (b"10\n", 1), (b"10 \xff\n", 1)):
            words.write_bytes(text)
            with pytest.raises(BrokenRecording) as caught:
                target.memory()
            assert (caught.value.code, caught.value.fields["number"]) == ("bad-memory-words", number)


def test_letters_of_page_states() -> None:
    """One for each bit, in order."""
    every = PageState.PRESENT | PageState.SWAPPED | PageState.FILE | PageState.ZERO | PageState.GUARD | PageState.HUGE
    assert page_run_letters(every) == "psfzgh"
    assert [page_run_letters(1 << bit) for bit in range(7)].count("") == 1
    assert page_run_letters(0) == ""


def test_searching_what_was_kept() -> None:
    """Each piece as far as it lies in the range, with the address at which that begins."""
    reader = PiecesReader([(10, b"abcd"), (20, b"ef"), (30, b"g")])

    def matches(low: int, data: bytes) -> Iterator[int]:
        seen.append((low, data))
        yield low

    for low, high, expected in (
        (0, 100, [(10, b"abcd"), (20, b"ef"), (30, b"g")]),
        (12, 21, [(12, b"cd"), (20, b"e")]),
        (20, 30, [(20, b"ef")]),
        (11, 13, [(11, b"bc")]),
    ):
        seen: list[tuple[int, bytes]] = []
        places = list(reader.search(low, high, matches))
        assert [one for one in seen if one[1]] == expected
        assert len(places) == len(seen)


def test_descriptors_of_a_copied_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each that is a number, in order, up to a bound."""
    (folder / "7" / "fdinfo").mkdir()
    for name in ("10", "9", "x", "2"):
        (folder / "7" / "fdinfo" / name).write_text(name)
    os.mkfifo(folder / "7" / "fdinfo" / "3")
    with RecordedSource(str(folder)).open(7) as target:
        assert target.drm_fdinfo() == ([(2, b"2"), (9, b"9"), (10, b"10")], True)
        monkeypatch.setattr(read, "_DESCRIPTORS_MAX", 4)
        assert target.drm_fdinfo() == ([(2, b"2"), (9, b"9"), (10, b"10")], True)
        monkeypatch.setattr(read, "_DESCRIPTORS_MAX", 3)
        assert target.drm_fdinfo() == ([(2, b"2"), (9, b"9")], False)
    with RecordedSource(str(folder)).open(12) as other:
        assert other.drm_fdinfo() is Refusal.UNRECORDED


def test_a_text_is_one_process(tmp_path: Path) -> None:
    """With or without a pid; it may be left out when it is asked for."""
    for pid in (None, 7):
        source = RecordedSource("x", GivenText({"maps": b"m"}, pid))
        assert (source.pids(), source.only()) == ((pid,), pid)
        assert source.open(pid).read("maps") == b"m"
    with pytest.raises(ProcessGone) as gone:
        RecordedSource("x", GivenText({"maps": b"m"}, None)).open(7)
    assert gone.value.code == "nothing-recorded"
    (tmp_path / "text").write_bytes(b"no recording")
    with pytest.raises(BrokenRecording) as caught:
        RecordedSource(str(tmp_path / "text"))
    assert caught.value.code == "no-archive"
    (tmp_path / "7").mkdir()
    with pytest.raises(BrokenRecording) as caught:
        RecordedSource(str(tmp_path / "7"))
    assert caught.value.code == "no-process-recorded"
    (tmp_path / "7" / "stat").write_bytes(b"7 (x) S")
    assert RecordedSource(str(tmp_path / "7")).pids() == (7,)
