"""JSON is written item by item, and is what was laid out, however deep."""

import json
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from procmem.render.formats import JSON, pieces, write, write_next
from procmem.render.json.items import Items, made
from procmem.render.page import Page
from procmem.render.style import Style

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)
documents = st.dictionaries(st.text(max_size=4), values, max_size=4)


def page_of(document: object) -> Page:
    """A page that has nothing but its document."""
    return Page((), table=lambda: (_ for _ in ()).throw(AssertionError), document=lambda: document)


@given(st.lists(documents, min_size=1, max_size=3), st.booleans())
def test_what_is_written_is_read_back(drawn: list[dict[str, object]], several: bool) -> None:
    """One document, or a list of them."""
    pages = [page_of(document) for document in (drawn if several else drawn[:1])]
    text = write(JSON, pages, Style(), several=several)
    assert json.loads(text) == (drawn if several else drawn[0])
    assert text.endswith("\n")
    assert "".join(pieces(JSON, pages, Style(), several=several)) == text
    assert json.loads(write_next(JSON, pages[:1], Style(), first=True)) == drawn[0]


def test_fields_and_items_stand_on_lines_of_their_own() -> None:
    """What lies deeper stands behind each other."""
    document = {"schema": "x/1", "totals": {"rss": 1, "all": {"a": [1]}}, "regions": [{"at": 1}, {"at": 2}], "none": []}
    assert write(JSON, [page_of(document)], Style()) == (
        '{\n "schema": "x/1",\n "totals": {\n  "rss": 1,\n  "all": {"a": [1]}\n },\n'
        ' "regions": [\n  {"at": 1},\n  {"at": 2}\n ],\n "none": []\n}\n'
    )
    assert write(JSON, [page_of({"a": [{"b": 1}]})], Style(), several=True) == (
        '[\n {\n  "a": [\n   {"b": 1}\n  ]\n }\n]\n'
    )
    assert write(JSON, [], Style(), several=True) == "[]\n"


def test_items_are_made_while_they_are_written() -> None:
    """Not before, and not all of them at once."""
    log: list[str] = []

    def make() -> Iterator[int]:
        for number in range(3):
            log.append(f"made {number}")
            yield number

    document = {"items": Items(3, make)}
    for piece in pieces(JSON, [page_of(document)], Style()):
        if piece.strip(" ,\n").isdigit():
            log.append(f"written {piece.strip(' ,')}".replace("\n  ", ""))
    assert log == [f"{what} {number}" for number in range(3) for what in ("made", "written")]
    assert len(document["items"]) == 3
    assert made(document) == {"items": [0, 1, 2]}
