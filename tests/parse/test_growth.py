"""What growth -o has written, read back: the same report, and nothing of what is no such document."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.parse.checked import BadDocument
from procmem.parse.growth import parse_growths
from procmem.render.json.growth import growth_json
from tests.support.made_growth import Touch, grown_by, look

REPORT = grown_by(
    look([1, 2]),
    look(range(1, 40)),
    [*(Touch(page, 0x400, 0x300, 0) for page in range(3, 30)), Touch(500, 0x200, tid=9)],
)
DOCUMENT = json.loads(json.dumps(growth_json(REPORT)))


def test_the_same_comes_back() -> None:
    """To the last figure; names that are no UTF-8 too."""
    [found] = parse_growths(json.dumps(DOCUMENT))
    assert found == REPORT._replace(warnings=())
    assert parse_growths(json.dumps([DOCUMENT, DOCUMENT])) == (found, found)


@pytest.mark.parametrize(
    "text", ["", "x", "[]", "1", "null", '"a"', "{}", '{"schema": "procmem/inspect/1"}', "[" * 5000]
)
def test_what_is_none(text: str) -> None:
    """Told as such."""
    with pytest.raises(BadDocument):
        parse_growths(text)


@pytest.mark.parametrize(
    ("field", "value"), [("page_size", 0), ("seconds", 10**400), ("cost_seconds", float("nan")), ("seconds", -1)]
)
def test_figures_that_nothing_has(field: str, value: float) -> None:
    """They would be divided by, or are no figures."""
    with pytest.raises(BadDocument):
        parse_growths(json.dumps({**DOCUMENT, field: value}))


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values within a document."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += places(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value[:3]):
            found += places(inner, (*path, number))
    return found


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}), st.just([[1]])
)


@given(st.sampled_from(places(DOCUMENT)), VALUES)
def test_another_value_anywhere(path: tuple[Any, ...], value: Any) -> None:
    """It is believed or refused, and never an error of another kind."""
    changed = copy.deepcopy(DOCUMENT)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    try:
        found = parse_growths(json.dumps(changed))
    except BadDocument:
        return
    growth_json(found[0])
