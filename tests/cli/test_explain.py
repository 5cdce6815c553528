"""procmem explain: every region has a sentence with its own figures, in each language; findings have their figures."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from procmem.queries.examine import examine
from procmem.sources.live import ProcSource
from procmem.text import languages, use_language
from procmem.text.kinds import joined, region_sentences
from procmem.text.units import size_text
from tests.programs.build import VARIANTS, build, start
from tests.support.running import FIXTURES, procmem, python_child

LANGUAGES = languages()


@pytest.fixture
def speaking(request: pytest.FixtureRequest) -> Iterator[str]:
    """The language of the test's parameter, and English again."""
    use_language(request.param)
    yield request.param
    use_language("en")


@pytest.mark.parametrize("speaking", languages(), indirect=True)
def test_each_region_has_a_sentence_of_its_own(speaking: str, programs_folder: Path, tmp_path: Path) -> None:
    """On a process with every sort of memory: no region without words, no brace left, its own size in it."""
    binary = build("manifest.c", VARIANTS["pie"], programs_folder)
    with start(binary, "--dir", str(tmp_path), "all") as program, ProcSource().open(program.pid) as target:
        regions = examine(target).regions
    assert regions is not None
    assert speaking in languages()
    for index, region in enumerate(regions):
        sentence = joined(*region_sentences(regions, index))
        assert "{" not in sentence
        assert size_text(region.rss or region.size) in sentence or size_text(region.size) in sentence, region


def test_the_document_explains_each_region(programs_folder: Path, tmp_path: Path) -> None:
    """Sentence, reason and classic place of each region; blocks that hold each region once; English for programs."""
    binary = build("manifest.c", VARIANTS["pie"], programs_folder)
    with start(binary, "--dir", str(tmp_path), "all") as program:
        answer = procmem("explain", str(program.pid), "--json", "--lang", "zh").json
    assert answer["schema"] == "procmem/explain/1"
    assert len(answer["head"]) == 5
    assert answer["freed"] > 0
    assert answer["counted_again"] > 0, "it maps one object twice"
    for region in answer["regions"]:
        assert region["sentence"].isascii()
        assert region["why"]
        assert region["classic"]
    blocks = [index for block in answer["blocks"] for index in block["regions"]]
    assert blocks == list(range(len(answer["regions"])))


@pytest.mark.parametrize("width", [40, 80, 120, 200])
@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_fit_the_width(width: int, language: str) -> None:
    """Explanations keep to the columns, wide characters counted as two."""
    import unicodedata  # noqa: PLC0415  # for this test alone

    run = procmem("explain", "--from", str(FIXTURES / "x86_64-6.18-bash"), "--width", str(width), "--lang", language)
    for line in run.out.splitlines():
        if line.startswith("    "):
            columns = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)
            assert columns <= width + 2 or " " not in line.strip(), line


def test_one_address_and_its_page() -> None:
    """The region that holds an address, its evidence, and its page; nothing where nothing is mapped."""
    with python_child("pass") as pid:
        stack = next(
            region
            for region in procmem("inspect", str(pid), "--regions", "--json").json["regions"]
            if region["kind"] == "main"
        )
        top = int(stack["end"], 16) - 8
        run = procmem("explain", str(pid), "--address", hex(top))
        nothing = procmem("explain", str(pid), "--address", "0x10")
    assert "stack/main" in run.out
    assert "It is in memory." in run.out
    assert run.out.count("rw---") == 1
    assert (nothing.status, nothing.out) == (2, "")


def test_findings_name_their_figures() -> None:
    """Writable and executable memory, a deleted file, and idle address space are found, with numbers."""
    code = """
import mmap, os, tempfile, time
code = mmap.mmap(-1, 1 << 16, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
idle = mmap.mmap(-1, 4 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
file = tempfile.NamedTemporaryFile()
file.truncate(8192)
gone = mmap.mmap(file.fileno(), 8192)
file.close()
"""
    with python_child(code) as pid:
        answer = procmem("explain", "--findings", "--json", str(pid)).json
        page = procmem("explain", "--findings", str(pid), "--lang", "en").out
    found = {item["name"]: item for item in answer["findings"]}
    assert found["writable-and-executable"]["figures"]["size_bytes"] == 1 << 16
    assert found["unlinked-files"]["figures"]["count"] == 1
    assert "deleted-files" not in found, "no code of it is old"
    assert found["reserved-above-touched"]["figures"]["idle_bytes"] >= 4 << 30
    assert "What to do" in page


def test_the_glossary_knows_its_words() -> None:
    """One term in any case, all terms, and a clear answer for an unknown one."""
    assert procmem("explain", "--glossary", "pss", "--lang", "en").out.startswith("PSS\n")
    everything = procmem("explain", "--glossary", "--lang", "en").out
    for term in ("VIRT", "RES", "PSS", "USS", "dirty", "swap", "arena", "guard", "RELRO", "vdso"):
        assert f"{term}\n" in everything
    for words, name in ((("fault", "--lang", "en"), "page fault"), (("缺页", "--lang", "zh"), "page fault")):
        assert procmem("explain", "--glossary", *words).out.startswith(f"{name}\n")
    unknown = procmem("explain", "--glossary", "nonsense")
    assert unknown.status == 2
    assert "nonsense" in unknown.err


def test_the_words_of_vmflags_are_explained() -> None:
    """With --why each in a phrase, in the glossary each by itself, and as codes in the document."""
    recording = str(FIXTURES / "x86_64-6.18-sleep")
    told = " ".join(procmem("explain", "--why", recording, "--lang", "en").out.split())
    assert "VmFlags: rd (may be read), wr (may be written)" in told
    assert "gd (grows downward by itself, as a stack does), ac (counted against the commit limit)" in told
    chinese = "".join(procmem("explain", "--why", recording, "--lang", "zh").out.split())
    assert "像栈一样自动向下增长" in chinese
    regions = procmem("explain", "--json", recording).json["regions"]
    (stack,) = [region for region in regions if region["path"] == "[stack]"]
    assert stack["vm_flags"] == ["rd", "wr", "mr", "mw", "me", "gd", "ac"]
    shadow = procmem("explain", "--glossary", "ss", "--lang", "en").out
    assert "shadow stack" in shadow


def test_colour_only_when_asked_for() -> None:
    """Not into a pipe by itself; by class when always; NO_COLOR is the user's last word for auto."""
    recording = str(FIXTURES / "x86_64-6.18-bash")
    assert "\x1b[" not in procmem("explain", "--from", recording).out
    assert "\x1b[" in procmem("explain", "--from", recording, "--color", "always").out


def test_descending_is_ascending_backwards() -> None:
    """The theory's picture has high addresses on top."""
    recording = str(FIXTURES / "x86_64-6.18-bash")

    def addresses(*more: str) -> list[str]:
        lines = procmem("explain", "--from", recording, "--flat", *more).out.splitlines()
        return [line.split()[0] for line in lines if re.match(r"[0-9a-f]{16} ", line)]

    assert addresses("--descending") == addresses()[::-1]


@pytest.mark.parametrize(
    ("name", "says"), [("kernel-thread", "This is a kernel thread"), ("zombie", "This is a zombie")]
)
def test_a_task_without_memory_is_explained(name: str, says: str) -> None:
    """What it is, and why there is no map; nothing is called unreadable, and no figure unknown."""
    recording = str(FIXTURES / f"x86_64-6.18-{name}")
    run = procmem("explain", recording, "--lang", "en")
    assert run.status == 0
    page = " ".join(run.out.split())
    assert says in page
    assert "no memory map to explain" in page
    assert "could not be read" not in page
    assert "?" not in page
    document = procmem("explain", recording, "--json").json
    assert says in document["head"][0]
    assert document["regions"] == []


def test_a_range_that_begins_inside_a_page_is_not_called_absent() -> None:
    """The page is counted where it begins: then only of the other pages it may be said that they are not in memory."""
    for name in ("sleep", "bash", "python-threads"):
        for region in procmem("explain", "--json", str(FIXTURES / f"x86_64-6.18-{name}")).json["regions"]:
            if "None of its" in region["sentence"]:
                assert int(region["start"], 16) % 4096 == 0, region
            if "begins inside a page" in region["sentence"]:
                assert int(region["start"], 16) % 4096 != 0, region
                assert region["rss"] == 0


def test_a_filter_that_fits_nothing_says_so() -> None:
    """In place of an empty map."""
    recording = str(FIXTURES / "x86_64-6.18-sleep")
    assert procmem("explain", recording, "--class", "jit").out.endswith("\n\nNo region fits.\n")
    assert "No region fits" not in procmem("explain", recording, "--class", "text").out


def test_what_is_told_of_a_part_is_not_about_the_rest(tmp_path: Path) -> None:
    """Of the holes of a library alone, of its code alone, and of a guard without its stack."""
    low = 0x7F0000000000
    lines = [
        (0, 0x20, "r-xp", "/usr/lib/libold.so.1"),
        (0x20, 0x21F, "---p", "/usr/lib/libold.so.1"),
        (0x21F, 0x220, "r--p", "/usr/lib/libold.so.1"),
        (0x220, 0x221, "rw-p", "/usr/lib/libold.so.1"),
    ]
    text = "".join(
        f"{low + (start << 12):x}-{low + (end << 12):x} {perms} {start << 12:08x} 08:01 77 {name}\n"
        for start, end, perms, name in lines
    )
    path = tmp_path / "maps"
    path.write_text(text)
    holes = " ".join(procmem("explain", str(path), "--perms", "---p").out.split())
    assert "A hole between the parts of the library libold.so.1" in holes
    assert "128 KiB" not in holes
    two = " ".join(procmem("explain", str(path), "--perms", "r").out.split())
    assert "The library libold.so.1: text 128 KiB, RELRO 4 KiB, data 4 KiB." in two
    assert "holes" not in two
