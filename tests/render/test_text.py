"""The one writer of text: nothing is wider than the output, whatever stands in it, and what is left out is named."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.errors import Misuse
from procmem.render import width as width_module
from procmem.render.columns import chosen
from procmem.render.escaping import printable_text
from procmem.render.formats.text import block_text, page_text, pieces, table_text
from procmem.render.page import (
    READABLE,
    AnnotatedMap,
    Block,
    Column,
    Facts,
    MapLine,
    MapPiece,
    Page,
    Picture,
    Prose,
    Sheet,
)
from procmem.render.style import Style
from procmem.render.width import Folder, cells, folded, padded, shortened_name

KINDS = ("size", "count", "address", "figure", "text", "path", "class")
TEXTS = st.text(st.sampled_from("abc /-._字宽\uff0c\u3002é\u0301 "), max_size=60)
FIGURES = st.one_of(st.none(), st.integers(0, 1 << 50))


def widest(text: str) -> int:
    """The cells of the widest line, counted by Unicode's own table."""
    return max(
        sum(
            0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
            for letter in line
        )
        for line in text.split("\n")
    )


@st.composite
def sheets(draw: st.DrawFn) -> Sheet:
    """Tables of any kinds of columns, ranks and rows."""
    columns = tuple(
        Column(
            draw(st.sampled_from(("a", "PSS of all below", "栈起始", "involuntary switches", ""))),
            draw(st.sampled_from(KINDS)),
            f"key{number}",
            draw(st.integers(0, 3)),
            draw(st.integers(0, 30)),
            draw(st.booleans()),
        )
        for number in range(draw(st.integers(1, 9)))
    )
    cell = [TEXTS if column.kind in ("text", "path", "class", "figure") else FIGURES for column in columns]
    rows = draw(st.lists(st.tuples(*cell), max_size=6))
    totals = draw(st.lists(st.tuples(*cell), max_size=2))
    return Sheet(columns, rows, totals, ruled=draw(st.booleans()), indent=draw(st.integers(0, 4)))


@given(sheets(), st.integers(40, 200), st.booleans())
def test_no_line_of_a_table_is_wider_than_the_output(sheet: Sheet, width: int, unicode: bool) -> None:
    """For any columns, rows and width."""
    assert widest(table_text(sheet, Style(width=width, unicode=unicode))) <= width


def test_the_last_column_stays() -> None:
    """Also where every column may be left out, and none fits."""
    columns = tuple(Column("a", "size", f"key{at}", 1 + at) for at in range(3))
    text = table_text(Sheet(columns, [(10**60, 10**60, 10**60)]), Style(width=40))
    assert widest(text) <= 40
    assert text.strip()


@given(sheets(), st.integers(40, 120))
def test_columns_left_out_are_named_and_no_others(sheet: Sheet, width: int) -> None:
    """Each column is there, or stands below its rows, or is named in the line that says how to see it."""
    text = table_text(sheet, Style(width=width))
    found = re.search(r"columns? left out: (.*?) \(--wide", text.replace("\n", " "), re.DOTALL)
    missing = set(re.findall(r"key\d", found[1])) if found else set()
    assert all(sheet.columns[int(name[3:])] for name in missing)
    whole = table_text(sheet, Style())
    assert "left out" not in whole
    if widest(whole) <= width and not sheet.ruled:
        assert not missing


@given(sheets())
def test_wide_leaves_nothing_out(sheet: Sheet) -> None:
    """However narrow the output is."""
    assert table_text(sheet, Style(width=40, wide=True)) == table_text(sheet, Style())


def wide_sheet() -> Sheet:
    """Three figures of falling weight, and a path."""
    columns = (
        Column("RSS", "size", "rss"),
        Column("first to go", "size", "first", rank=2),
        Column("second to go", "size", "second", rank=1),
        Column("path", "path", "path", least=20),
        Column("sharers", "text", "sharers", below=True),
    )
    rows = [(4096, 1 << 40, 1 << 40, "/usr/lib/x86_64-linux-gnu/libc.so.6", "1234(python3) and 5 more")]
    return Sheet(columns, rows, main=True)


def test_a_narrow_table() -> None:
    """The least important column goes first, the path loses its middle, the last column goes below."""
    assert table_text(wide_sheet(), Style(width=48)).splitlines() == [
        "RSS  second to go  path",
        "  4    1073741824  /usr/lib/x86_64-li…/libc.so.6",
        "    1234(python3) and 5 more",
        "column left out: first (--wide shows all,",
        "--columns chooses)",
    ]


def test_columns_may_be_chosen() -> None:
    """In the order asked for; in CSV and Markdown alike; an unknown one names those that there are."""
    assert table_text(wide_sheet(), Style(columns=("path", "rss"))).splitlines() == [
        "path                                 RSS",
        "/usr/lib/x86_64-linux-gnu/libc.so.6    4",
    ]
    with pytest.raises(Misuse, match="the columns are rss, first, second, path, sharers"):
        chosen(wide_sheet(), ("rss", "nothing"))


def test_ascii_where_the_terminal_has_no_more() -> None:
    """Three full stops in place of the sign."""
    text = table_text(wide_sheet(), Style(width=48, unicode=False))
    assert text.isascii()
    assert "..." in text


def test_unknown_is_a_question_mark_and_never_zero() -> None:
    """In every kind of column."""
    columns = tuple(Column(kind, kind) for kind in KINDS)
    assert table_text(Sheet(columns, [(None,) * len(KINDS)]), Style()).splitlines()[1].split() == ["?"] * len(KINDS)


def test_colour_is_of_classes_alone_and_takes_no_room() -> None:
    """The escape stands around the padded word."""
    sheet = Sheet((Column("class", "class"), Column("size", "size")), [("heap", 1024), ("other", 2048)])
    plain, coloured = (table_text(sheet, Style(color=color)) for color in (False, True))
    assert "\x1b[32mheap \x1b[0m     1" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


@given(TEXTS, st.integers(8, 100), st.integers(0, 4))
def test_folding_loses_nothing_but_blanks(text: str, width: int, indent: int) -> None:
    """And keeps to the width."""
    lines = folded(text, width, first=" " * indent)
    assert all(cells(line) <= width for line in lines)
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", text)


@given(TEXTS, st.integers(1, 60))
def test_shortened_text_keeps_to_its_width(text: str, width: int) -> None:
    """And is itself where it fits."""
    for shown in (shortened_name(text, width, "…"),):
        assert cells(shown) <= width
        assert cells(text) > width or shown == text


def test_a_path_keeps_its_last_name() -> None:
    """Where there is room for it."""
    assert shortened_name("/usr/lib/x86_64-linux-gnu/libc.so.6", 20, "…") == "/usr/lib/…/libc.so.6"


def test_a_name_of_several_words_keeps_its_beginning() -> None:
    """A thread is told apart by its number, which stands before its name; a file of one word by both ends."""
    assert shortened_name("thread 8612 GC Thread#0", 16, "…") == "thread 8612 GC…"
    assert shortened_name("libgpg-error.so.0.33.1", 15, "…") == "libgpg-….0.33.1"
    assert shortened_name("/srv/my files/core.so", 16, "…") == "/srv/my…/core.so"


def test_a_word_that_no_line_holds_is_cut_behind_a_hyphen() -> None:
    """Kinds of memory stay readable in a narrow column."""
    assert folded("glibc-arena-reserve", 17) == ["glibc-arena-", "reserve"]
    assert folded("glibcarenareserve", 10) == ["glibcarena", "reserve"]


def test_no_line_begins_with_what_parted_it_from_the_last() -> None:
    """However many blanks stood there."""
    assert folded("VmSize 1 kB    [mm/mmap.c]", 13) == ["VmSize 1 kB", "[mm/mmap.c]"]
    assert folded("VmSize 1 kB    [mm/mmap.c]", 11) == ["VmSize 1 kB", "[mm/mmap.c]"]


def test_wide_characters_take_two_cells() -> None:
    """And marks that combine none."""
    assert [cells(text) for text in ("abc", "栈", "e\u0301", "\uff0c")] == [3, 2, 1, 2]
    assert padded("栈", 4) == "栈  "
    assert padded("栈", 4, right=True) == "  栈"


@given(TEXTS, TEXTS, st.integers(40, 120))
def test_no_other_block_is_wider_than_the_output(one: str, two: str, width: int) -> None:
    """Prose, facts, lines of a map and pictures."""
    style = Style(width=width)
    blocks = (
        Prose(one, "  ", "    "),
        Facts([(one[:12], two)], indent=2, least=10),
        MapLine("0000000000400000     124     124       0 r---- ", one, "  text/exe-text", "text"),
        Picture(lambda _: f"{one}\n{two}\n"),
    )
    for block in blocks:
        assert widest(block_text(block, style)) <= width


@given(
    st.lists(st.tuples(TEXTS, TEXTS)),
    st.integers(3, 90),
    st.sampled_from(["", "  ", "栈 "]),
    st.sampled_from([" ", ""]),
)
def test_texts_of_two_parts_are_folded_as_whole_texts(
    parts: list[tuple[str, str]], width: int, indent: str, between: str
) -> None:
    """Whatever the first part left on its last line."""
    texts = [f"{first}{between}{second}" if second else first for first, second in parts]
    expected = [block_text(Prose(printable_text(text), indent), Style(width=width)) for text in texts]
    shown = [(printable_text(first), printable_text(second)) for first, second in parts]
    assert Folder(width, indent, between).all([*shown, *shown]) == expected * 2


@given(
    st.lists(st.lists(st.sampled_from(["a", "bc", "def", "word", "longer-word"]), min_size=1), min_size=2),
    st.integers(4, 30),
)
def test_plain_texts_of_two_parts_are_folded_alike(words: list[list[str]], width: int) -> None:
    """Words alone, of which some are wider than the line."""
    first, *others = (" ".join(some) for some in words)
    found = Folder(width, "  ", " ").all([(first, other) for other in others])
    assert found == [block_text(Prose(f"{first} {other}", "  "), Style(width=width)) for other in others]


@pytest.mark.parametrize("width", [None, 40, 60, 80])
@pytest.mark.parametrize("color", [False, True])
def test_an_annotated_map_is_its_lines_and_paragraphs(width: int | None, *, color: bool) -> None:
    """As if each of them stood by itself."""
    style = Style(width=width, color=color)
    names, whats = (
        ["[ anon ]", "a-name-that-may-be-shortened.so.1", "栈"],
        [("  heap/brk", "heap"), ("  mmap/x", "mmap")],
    )
    piece = MapPiece(
        [["00400000", "00500000", "00600000"], [" 4 ", " 8 ", " 16 "]],
        names,
        [whats[0], whats[1], whats[0]],
        [1, 2],
        [("What it is.", "All of it."), ("What they are. " * 9, "")],
        [("one", "two words"), ("three",)],
    )
    block = AnnotatedMap(lambda: iter([piece]), " ", "    ")
    lines = [
        MapLine("".join(figures), name, *what)
        for *figures, name, what in zip(*piece.figures, names, piece.whats, strict=True)
    ]
    paragraphs = ["What it is. All of it.", "one", "two words", "What they are. " * 9, "three"]
    told = [Prose(text, "    ", measure=READABLE) for text in paragraphs]
    expected: list[Block] = [lines[0], *told[:3], lines[1], lines[2], *told[3:]]
    assert block_text(block, style) == "".join(block_text(one, style) for one in expected)


def test_a_wrong_choice_of_columns_is_found_before_anything_is_written() -> None:
    """However late in the page its table stands."""
    with pytest.raises(Misuse):
        next(pieces([page(), page()], Style(columns=("nothing",)), several=True))


def test_prose_has_a_measure_of_its_own() -> None:
    """Where the output has no width; a narrower output is obeyed all the same."""
    block = Prose("word " * 40, measure=80)
    assert widest(block_text(block, Style())) <= 80 < widest(block_text(Prose("word " * 40), Style()))
    assert widest(block_text(block, Style(width=60))) <= 60


def page(notes: tuple[str, ...] = ("one thing is unknown",)) -> Page:
    """A page of prose with a table behind it."""
    table = Sheet((Column("a", "text"), Column("b", "count")), [("x", 1)])
    return Page([[Prose("told")]], lambda: table, dict, notes)


def test_notes_stand_at_the_end() -> None:
    """A blank line before them."""
    assert page_text(page(), Style()) == "told\n\nnote: one thing is unknown\n"


def test_columns_of_a_page_without_a_table_show_the_table_behind_it() -> None:
    """What CSV would show."""
    assert page_text(page(notes=()), Style(columns=("b",))) == "b\n1\n"


@given(
    st.lists(st.text("ab-/", max_size=9), max_size=9).map(" ".join),
    st.integers(1, 14),
    st.text(" ", max_size=3),
    st.sampled_from([None, "", "  ", "* "]),
)
def test_plain_words_are_folded_as_all_others_are(text: str, width: int, first: str, rest: str | None) -> None:
    """The short way, which most sentences take, and the long one."""
    lines = folded(text, width, first=first, rest=rest)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(width_module, "_folded_plain", lambda *_: None)
        assert folded(text, width, first=first, rest=rest) == lines


def test_plain_words_take_the_short_way() -> None:
    """Else the test above would compare one way with itself."""
    assert width_module._folded_plain("some plain words", 6, "", "") == ["some", "plain", "words"]
