"""What options say of times: spans in their units, and moments of a series."""

import datetime

import pytest

from procmem.errors import Misuse
from procmem.parse.options import duration_of, parse_moment

LAST = datetime.datetime(2026, 3, 4, 15, 16, 17).astimezone().timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10", 10), ("10s", 10), (" 1.5m ", 90), ("2min", 120), ("1h", 3600), ("2d", 172_800), ("0.25", 0.25),
        ("999999999", 999_999_999), ("0.000001", 0.000001),
    ],
)  # fmt: skip
def test_spans(text: str, seconds: float) -> None:
    """A number, and a unit where it is not seconds."""
    assert duration_of(text, "--every") == seconds


@pytest.mark.parametrize("text", ["", "x", "-1", "1w", "1 m", "1.", "9" * 10, "0.0000001", "1e3", "0", "0.0h", "1M"])
def test_what_is_no_span(text: str) -> None:
    """Nor is none at all, unless that is asked for."""
    with pytest.raises(Misuse) as caught:
        duration_of(text, "--every")
    assert (caught.value.code, caught.value.fields) == ("bad-duration", {"option": "--every", "text": text})
    if text in ("0", "0.0h"):
        assert duration_of(text, "--at", zero=True) == 0


def test_moments() -> None:
    """Behind the first look, before the last, a time of that day, or a date."""
    assert parse_moment("+90s", 1000.0, LAST) == 1090
    assert parse_moment("+0", 1000.0, LAST) == 1000
    assert parse_moment("-5m", 1000.0, LAST) == LAST - 300
    assert parse_moment("-0", 1000.0, LAST) == LAST
    of_that_day = {"15:16:17": 0, "15:16": -17, "9:00": -22_577, "09:00:00": -22_577, "0:00:01": -54_976}
    for text, seconds in of_that_day.items():
        assert parse_moment(text, 0.0, LAST) == LAST + seconds
    assert parse_moment("2026-03-04T15:16:27", 0.0, LAST) == LAST + 10
    assert parse_moment("1970-01-01T00:01:00+00:00", 0.0, LAST) == 60
    for text in ("", "yesterday", "25:00", "12:60", "1:2", "+x", "12:00:00:00", "99999-01-01"):
        with pytest.raises(Misuse):
            parse_moment(text, 0.0, LAST)
