"""Columns that are laid side by side say what their cells say, one by one."""

import json

from hypothesis import given
from hypothesis import strategies as st

from procmem.queries.inspect import InspectOptions, inspect
from procmem.queries.targets import Selection
from procmem.render.json.inspect import inspect_json
from procmem.render.page import ColumnRows
from procmem.render.repeated import RepeatedCells, picked, places
from tests.support.running import FIXTURES, python_child, stopped

NUMBERS = st.one_of(st.none(), st.integers(0, 3))


@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.just(7), NUMBERS)), st.data())
def test_rows_are_the_cells_side_by_side(rows: list[tuple[int | None, ...]], data: st.DataObject) -> None:
    """Also where a column says the same in every row; any rows may be picked, in any order."""
    cells = RepeatedCells()
    for at, column in enumerate(zip(*rows, strict=True)):
        cells.add(column, lambda value, at=at: f"{at}={value};")  # type: ignore[misc]
    expected = ["".join(f"{at}={value};" for at, value in enumerate(row)) for row in rows]
    assert list(cells.rows()) == expected
    indexes = data.draw(st.lists(st.integers(0, len(rows) - 1))) if rows else []
    assert list(cells.rows_at(places(indexes))) == ([expected[index] for index in indexes] if rows else [])


@given(st.lists(st.integers(0, 9)))
def test_what_stands_side_by_side_is_cut(indexes: list[int]) -> None:
    """And the same is picked."""
    column = list(range(100, 110))
    found = places(indexes)
    assert list(found) == indexes
    assert list(picked(column, found)) == [column[index] for index in indexes]
    assert isinstance(places([3, 4, 5]), range)


def test_rows_kept_as_columns_are_rows() -> None:
    """Their number, each of them, and all."""
    rows = ColumnRows([[1, 2, 3], ["a", "b", None]])
    assert (len(rows), rows[1], list(rows)) == (3, (2, "b"), [(1, "a"), (2, "b"), (3, None)])


def texts_are_what_is_encoded(selection: Selection) -> None:
    """Of all regions, and of some in another order."""
    for ref in selection.refs():
        with ref.open() as target:
            report = inspect(target, InspectOptions(regions=True), whole=True)
        count = len(report.regions or ())
        for listed in (range(count), list(range(count))[::-2]):
            items = inspect_json(report, listed)["regions"]
            if items is None or not len(items):
                continue
            assert items.texts is not None
            texts = [text for some in items.texts() for text in some]
            assert texts == [json.dumps(item) for item in items]


def test_regions_of_a_document_are_written_as_the_encoder_does() -> None:
    """For every fixture, and a process of now."""
    for recording in sorted(FIXTURES.iterdir()):
        texts_are_what_is_encoded(Selection((), recording=str(recording)))
    with python_child("") as pid, stopped(pid):
        texts_are_what_is_encoded(Selection((str(pid),)))
