"""What a log puts before lines: left out where rows of a known text stand behind it, and nowhere else."""

from collections.abc import Callable

import pytest

from procmem.errors import BrokenRecording
from procmem.model.note import note
from procmem.parse.given.read import read_given_text
from procmem.parse.maps import parse_maps
from procmem.parse.smaps import parse_smaps
from tests.support import given_texts as texts
from tests.support.running import FIXTURES

SMAPS = next(FIXTURES.glob("x86_64-6.18-sleep/*/smaps")).read_bytes()
SANITIZER = (
    b"==7==Process memory map follows:\n\t0x000000001000-0x000000003000\t/a b\n==7==End of process memory map.\n"
)

PREFIXES: dict[str, Callable[[int], bytes]] = {
    "journald": lambda at: b"Nov %2d 08:00:%02d web1 app[812]: " % (8 + at // 5, at % 60),
    "the kernel's own": lambda at: b"[%12.6f] " % (9.5 + at * 1.7),
    "Kubernetes": lambda at: b"2024-05-01T10:00:00.%09dZ stdout F " % (at * 7919),
    "compose": lambda _: b"web_1  | ",
    "logcat": lambda at: b"11-08 13:30:31.%03d  5692  5692 F DEBUG   : " % at,
    "logcat brief": lambda _: b"F/DEBUG   (  182): ",
    "glog": lambda at: b"I0501 10:00:00.%06d  812 mem.cc:12] " % at,
    "cat -n": lambda at: b"%6d\t" % (at + 1),
    "grep -n": lambda at: b"%d:" % (at + 1),
    "grep -rn": lambda at: b"/tmp/dump.txt:%d:" % (at + 1),
}


def logged(data: bytes, prefix: Callable[[int], bytes]) -> bytes:
    """A text as a log has it."""
    return b"".join(prefix(at) + line + b"\n" for at, line in enumerate(data.splitlines()))


@pytest.mark.parametrize("name", PREFIXES)
def test_every_text_is_read_behind_a_prefix(name: str) -> None:
    """The same table as without, and a note that says how many lines had one, and how the first began."""
    for whole in (texts.MAPS, SMAPS):
        text = read_given_text(logged(whole, PREFIXES[name]), "x.txt")
        assert list(parse_maps(text.files["maps"])) == list(parse_maps(read_given_text(whole, "x.txt").files["maps"]))
        first = PREFIXES[name](0).strip()
        assert text.notes == (note("log prefix", count=len(whole.splitlines()), text=first),)
    assert parse_smaps(text.files["smaps"]).total("Rss") == parse_smaps(SMAPS).total("Rss")


@pytest.mark.parametrize("name", ["PMAP", "PMAP_X", "PMAP_D", "PMAP_XX"])
@pytest.mark.parametrize("prefix", ["Kubernetes", "compose", "glog"])
def test_tables_keep_their_columns(name: str, prefix: str) -> None:
    """Where a column begins counts in some of them: as much is taken from each line."""
    whole: bytes = getattr(texts, name)
    text = read_given_text(logged(whole, PREFIXES[prefix]), "x.txt")
    assert text.files == read_given_text(whole, "x.txt").files
    assert text.notes[0].code == "log prefix"


def test_headings_and_rows_that_are_indented_in_themselves() -> None:
    """A sanitizer indents its rows and not its heading, by which they are known."""
    text = read_given_text(logged(SANITIZER, PREFIXES["logcat"]), "x.txt")
    assert text.files == read_given_text(SANITIZER, "x.txt").files
    assert text.pid == 7


def test_lines_of_others_between_them() -> None:
    """They are passed over, as other lines are."""
    lines = logged(texts.MAPS, PREFIXES["journald"]).splitlines(keepends=True)
    mixed = b"Nov  8 08:00:00 web1 cron[1]: (root) CMD (true)\n".join(lines)
    text = read_given_text(mixed, "x.txt")
    assert text.files == read_given_text(logged(texts.MAPS, PREFIXES["journald"]), "x.txt").files
    assert note("other lines", count=len(lines) - 1) in text.notes


def test_a_file_of_proc_tells_the_process() -> None:
    """``grep -r`` over several processes: the one with most lines, of which the name tells the pid."""
    other = logged(texts.MAPS.splitlines(keepends=True)[0], lambda _: b"/proc/1/maps:")
    text = read_given_text(other + logged(texts.MAPS, lambda _: b"/proc/812/maps:"), "x.txt")
    assert text.pid == 812
    assert text.files["maps"].count(b"\n") == texts.MAPS.count(b"\n")
    assert note("other lines", count=1) in text.notes


def test_a_long_line_before_a_row_is_no_prefix() -> None:
    """Nor is what only one in a text of other lines has, unless it is a row."""
    row = texts.MAPS.splitlines()[0]
    assert read_given_text(b"x" * 255 + b" " + row + b"\n", "x.txt").files
    for data in (b"x" * 257 + b" " + row + b"\n", b"a: hello\nb: hello\n"):
        with pytest.raises(BrokenRecording):
            read_given_text(data, "x.txt")


def test_numbers_beside_each_other_are_searched_once() -> None:
    """A prefix of many numbers, and lines of digits alone that it does not fit, take no long search."""
    data = b"1 " * 100 + texts.MAPS.splitlines()[0] + b"\n" + (b"1" * 3000 + b"\n") * 2000
    text = read_given_text(data, "x.txt")
    assert note("log prefix", count=1, text=(b"1 " * 100).strip()[:80]) in text.notes


def test_what_a_log_puts_behind_a_quoted_line() -> None:
    """The closing quotation mark, and what follows it, is no part of a file's name."""
    lines = texts.MAPS.splitlines()
    data = b"".join(b'time=10:00:%02d level=info msg="%s" id=%d\n' % (at, line, at) for at, line in enumerate(lines))
    assert list(parse_maps(read_given_text(data, "x.txt").files["maps"])) == list(parse_maps(texts.MAPS))
