"""A text in place of a pid, in every command; what a text cannot answer is one sentence and status 4."""

import gzip
import json
from pathlib import Path

import pytest

from procmem.model.raw import FILE_BYTES_MAX
from tests.support import given_texts as texts
from tests.support.running import FIXTURES, procmem

SMAPS = next(FIXTURES.glob("x86_64-6.18-sleep/*/smaps")).read_bytes()
COMMANDS = {
    "inspect": ["inspect", "--from", "{}"],
    "explain": ["explain", "--from", "{}"],
    "account": ["account", "--from", "{}"],
    "shared": ["shared", "--from", "{}"],
    "swap": ["swap", "--from", "{}"],
    "system": ["system", "--from", "{}"],
    "classes": ["system", "--classes", "--from", "{}"],
    "pmap": ["pmap", "--from", "{}"],
    "pmap by name": ["pmap", "-X", "{}"],
    "crosscheck": ["crosscheck", "--from", "{}"],
    "threads": ["threads", "--from", "{}"],
    "diff": ["diff", "{}", "{}"],
    "translate": ["translate", "{}", "400000"],
}
"""Each command that takes a pid, given a text instead."""
ANSWERED = {
    "smaps": COMMANDS.keys() - {"threads"},
    "maps": COMMANDS.keys() - {"threads", "swap", "classes", "diff"},
    "rollup": {"inspect", "explain", "account", "swap", "system"},
    "status": {"inspect", "explain", "account", "system"},
}
DATA = {"smaps": SMAPS, "maps": texts.MAPS, "rollup": texts.ROLLUP, "status": texts.STATUS}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("form", DATA)
def test_every_command_answers_or_says_why_not(form: str, command: str, tmp_path: Path) -> None:
    """With the same status everywhere; never an empty answer, never an address space that nobody knows."""
    path = tmp_path / "bug.txt"
    path.write_bytes(DATA[form])
    run = procmem(*(word.format(path) for word in COMMANDS[command]))
    if command in ANSWERED[form]:
        assert run.status == 0, run
        assert run.out
        assert "None" not in run.out
        assert "128 TiB" not in run.out
        assert "not permitted" not in run.out
    else:
        assert (run.status, run.out, run.err.count("\n")) == (4, "", 1), run
        assert "are not known" in run.err
        assert "root" not in run.err


def test_watch_says_why_not(tmp_path: Path) -> None:
    """A text does not move."""
    path = tmp_path / "a.maps"
    path.write_bytes(texts.MAPS)
    assert "does not change" in procmem("watch", "--from", str(path)).err


def test_figures_of_a_rollup(tmp_path: Path) -> None:
    """What it tells is shown, and VIRT is unknown."""
    path = tmp_path / "x"
    path.write_bytes(texts.ROLLUP)
    totals = procmem("inspect", "--json", "--from", str(path)).json["totals"]
    known = {"rss": 12843604 << 10, "pss": 4451825 << 10, "uss": 257460 << 10, "swap": 0, "virt": None}
    assert {key: totals[key] for key in known} == known
    row = procmem("system", "--json", "--from", str(path)).json["rows"][0]
    assert {key: row[key] for key in known} == known
    assert (row["pid"], row["name"]) == (None, None)
    text = procmem("inspect", "--from", str(path)).out
    assert "PSS     4.2 GiB" in text
    assert "USS     251 MiB" in text
    assert "swap this machine has is not known" in procmem("swap", "--from", str(path)).out


def test_rows_of_a_text_are_those_of_its_mappings(tmp_path: Path) -> None:
    """The sums that system shows of smaps are those that inspect shows."""
    path = tmp_path / "x"
    path.write_bytes(SMAPS)
    totals = procmem("inspect", "--json", "--from", str(path)).json["totals"]
    row = procmem("system", "--json", "--by", "tree", "--from", str(path)).json["rows"][0]
    assert {key: row[key] for key in ("virt", "rss", "pss", "uss", "swap")} == {
        key: totals[key] for key in ("virt", "rss", "pss", "uss", "swap")
    }


@pytest.mark.parametrize(("data", "size"), [(texts.MAPS, None), (texts.LARGE_PAGES, 65536), (SMAPS, 4096)])
def test_page_size(data: bytes, size: int | None, tmp_path: Path) -> None:
    """Bare maps say it only where all addresses are multiples of a larger one."""
    path = tmp_path / "x"
    path.write_bytes(data)
    assert procmem("inspect", "--json", "--from", str(path)).json["process"]["page_size"] == size
    text = procmem("crosscheck", "--all", "--from", str(path)).out
    assert ("nothing says" in text) == (size is None)


def test_carriage_returns_change_no_class(tmp_path: Path) -> None:
    """The heap is the heap, in maps and in smaps, with a note."""
    path = tmp_path / "x"
    for data in (texts.MAPS, SMAPS):
        path.write_bytes(data)
        sound = procmem("inspect", "--json", "--regions", "--from", str(path)).json
        path.write_bytes(data.replace(b"\n", b"\r\n"))
        run = procmem("inspect", "--json", "--regions", "--from", str(path))
        assert run.json["regions"] == sound["regions"]
        assert any("CR LF" in note for note in run.json["warnings"]), run.json["warnings"]


def test_maps_of_windows_in_a_folder_are_refused(tmp_path: Path) -> None:
    """There nothing mends them, and names that end in a carriage return would be classified wrongly."""
    (tmp_path / "maps").write_bytes(texts.MAPS.replace(b"\n", b"\r\n"))
    run = procmem("inspect", "--from", str(tmp_path))
    assert (run.status, run.out) == (5, ""), run
    assert "CR LF" in run.err


@pytest.mark.parametrize("data", [texts.PMAP_X, texts.GDB, texts.PWNDBG, texts.SANITIZER, texts.HOTSPOT])
def test_regions_of_other_forms(data: bytes, tmp_path: Path) -> None:
    """They have classes as maps has, and files are files though their inode is not known."""
    path = tmp_path / "x"
    path.write_bytes(data)
    regions = procmem("inspect", "--json", "--regions", "--from", str(path)).json["regions"]
    assert regions
    named = [region for region in regions if "/" in (region["owner"] or "")]
    assert named
    assert not {region["class"] for region in named} & {"jit", "kernel", "reserved", "heap"}
    for item in procmem("shared", "--json", "--from", str(path)).json["objects"]:
        assert (item["inode"] is None) == (item["device"] is None)


def test_unknown_swap_is_not_told_as_memory_that_was_not_touched(tmp_path: Path) -> None:
    """Pmap -x has no swap: what is not in memory may be there."""
    path = tmp_path / "x"
    path.write_bytes(texts.PMAP_X)
    report = procmem("inspect", "--json", "--from", str(path)).json
    assert (report["account"], report["totals"]["swap"], report["totals"]["pss"]) == (None, None, None)


def test_memory_that_nothing_counts_is_not_told_as_not_in_memory(tmp_path: Path) -> None:
    """Where no record has a readable Rss, VIRT is not divided: what is not counted may be in memory all the same."""
    whole = next(FIXTURES.glob("x86_64-6.18-sleep/*/smaps")).read_bytes()
    (tmp_path / "smaps.txt").write_bytes(whole.replace(b"\nRss: ", b"\nRs: "))
    answer = procmem("inspect", "--json", "--from", str(tmp_path / "smaps.txt")).json
    assert (answer["totals"]["rss"], answer["account"]) == (None, None)
    assert answer["totals"]["pss"] is not None
    assert "filled by" not in procmem("inspect", "--from", str(tmp_path / "smaps.txt")).out


def test_standard_input_and_gzip(tmp_path: Path) -> None:
    """A text, one that is packed, and a whole recording, through a pipe."""
    expected = procmem("pmap", "--from", "-", text=texts.MAPS).out
    assert "server" in expected
    assert procmem("pmap", "--from", "-", text=gzip.compress(texts.MAPS)).out == expected
    assert procmem("pmap", "--from", "/dev/stdin", text=texts.MAPS).out == expected
    path = tmp_path / "report"
    path.write_bytes(gzip.compress(texts.MAPS))
    assert procmem("pmap", str(path)).out == expected


def test_bounds(tmp_path: Path) -> None:
    """A text that unpacks to more than one file may hold is refused, and so is a packed one that is damaged."""
    path = tmp_path / "x.gz"
    with gzip.open(path, "wb", compresslevel=1) as out:
        line = texts.MAPS.splitlines(True)[0] * 10_000
        for _ in range(FILE_BYTES_MAX // len(line) + 1):
            out.write(line)
    run = procmem("inspect", "--from", str(path))
    assert (run.status, run.out) == (5, ""), run
    assert "larger than the limit" in run.err
    path.write_bytes(gzip.compress(SMAPS)[:-20])
    run = procmem("inspect", "--from", str(path))
    assert (run.status, run.out) == (5, ""), run


def test_a_text_that_is_none(tmp_path: Path) -> None:
    """One sentence that says what it is."""
    path = tmp_path / "x"
    path.write_bytes(b"hello world\n")
    for command in COMMANDS.values():
        run = procmem(*(word.format(path) for word in command))
        assert (run.status, run.out, run.err.count("\n")) == (5, "", 1), run
        assert "a text, but neither maps nor smaps" in run.err


def test_a_text_recorded_is_the_same_again(tmp_path: Path) -> None:
    """Without a pid its files lie on top, as those of a copied folder do."""
    path, made = tmp_path / "x", tmp_path / "made"
    path.write_bytes(texts.PWNDBG)
    assert procmem("record", "--from", str(path), "-o", str(made)).status == 0
    first, again = (procmem("inspect", "--json", "--regions", "--from", str(one)).json for one in (path, made))
    assert again["regions"] == first["regions"]
    run = procmem("record", str(path), str(path), "-o", str(tmp_path / "two"))
    assert (run.status, run.err.count("\n")) == (6, 1), run
    assert json.loads(json.dumps(again["process"]["pid"])) is None
