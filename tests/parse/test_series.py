"""Lines of a series, as they are written and as strangers may have written them."""

import json
import random
from typing import Any

import pytest

from procmem.analyse.inspection import inspection
from procmem.model.kinds import GLIBC_ARENA, ByteClass
from procmem.model.owners import Arena, ObjectFile, Thread
from procmem.model.region import Certainty
from procmem.model.reports.resident import Consumer
from procmem.model.series import SeriesLook, SeriesProcess
from procmem.parse.checked import BadDocument
from procmem.parse.series import parse_look
from procmem.queries.examine import examine
from procmem.queries.inspect import consumers_of
from procmem.queries.surroundings import read_surroundings
from procmem.queries.targets import one_target
from procmem.render.json.series import look_line
from tests.support.running import FIXTURES


def look_of(*names: str) -> SeriesLook:
    """One look at recorded processes."""
    seen = []
    for name in names:
        with one_target(str(FIXTURES / name)).open() as target:
            found = examine(target)
            report = inspection(found.snapshot, found.regions)._replace(
                picture=(),
                regions=None,
                warnings=(),
                layout=None,
                consumers=consumers_of(found),
                surroundings=read_surroundings(target, found.snapshot),
            )
            seen.append(SeriesProcess(found.snapshot.pid, 77, report))
    return SeriesLook(1_700_000_000.125, 0.0125, tuple(seen), (5, 6), (7,))


LOOK = look_of("x86_64-6.18-python-threads", "i386-6.18-areas-3gib", "x86_64-6.18-zombie", "x86_64-6.18-denied")
LINE = look_line(LOOK)


def test_a_look_comes_back_as_it_was() -> None:
    """Every figure of every process; a line is one line."""
    assert LINE.count(b"\n") == 1
    again = parse_look(LINE)
    assert look_line(again) == LINE
    for one, was in zip(again.processes, LOOK.processes, strict=True):
        assert (one.pid, one.start) == (was.pid, was.start)
        assert one.report.totals == was.report.totals
        assert one.report.classes == was.report.classes
        assert one.report.surroundings == was.report.surroundings
        assert [(row.kind, row.rss, row.ranges) for row in one.report.consumers] == [
            (row.kind, row.rss, row.ranges) for row in was.report.consumers
        ]


def test_arenas_and_names_that_are_no_text_come_back() -> None:
    """An arena is known by its address, a path by its bytes."""
    rows = (
        Consumer(GLIBC_ARENA, None, Arena(0x7F0000000030, (5, 9)), 10, 9, 0, 1, Certainty.CERTAIN, Thread(5, b"w\xff")),
        Consumer(None, None, ObjectFile(b"/opt/\xff\xfe.so"), 10, 8, None, 3, Certainty.LIKELY),
    )
    report = LOOK.processes[0].report._replace(consumers=rows)
    (one,) = parse_look(look_line(SeriesLook(1.0, 0.0, (SeriesProcess(1, None, report),)))).processes
    assert [row.identity for row in one.report.consumers] == [row.identity for row in rows]
    assert one.report.consumers[0].thread == Thread(5, b"w\xff")
    assert one.start is None


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"{",
        b"[" * 100_000,
        b'{"schema": "procmem/series/2"}',
        b'{"schema": "procmem/series/1"}',
        b"\xff",
    ],
)
def test_what_is_no_look(line: bytes) -> None:
    """Each is refused in the same way."""
    with pytest.raises(BadDocument):
        parse_look(line)


VALUES: list[Any] = [None, True, -1, 1 << 70, 1.5, "x", "\ud800", [], {}, [None], {"a": 1}, float("nan")]


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    found = [at] if at else []
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        found += paths(one, (*at, key))
    return found


def test_any_other_value_is_refused_or_unknown() -> None:
    """At each place of a document, values of every kind: never another error, and what is read can be written."""
    document = json.loads(look_line(look_of("x86_64-6.18-sleep")))
    draw = random.Random(4)
    places = paths(document)
    for place in draw.sample(places, min(len(places), 400)):
        for value in draw.sample(VALUES, 4):
            other = json.loads(json.dumps(document))
            inner = other
            for key in place[:-1]:
                inner = inner[key]
            inner[place[-1]] = value
            try:
                look_line(parse_look(json.dumps(other).encode()))
            except BadDocument:
                continue


def test_unknown_classes_are_refused() -> None:
    """A table of classes holds ours."""
    document = json.loads(LINE)
    assert document["processes"][0]["classes"][0]["class"] in tuple(ByteClass)
    document["processes"][0]["classes"][0]["class"] = "other"
    with pytest.raises(BadDocument):
        parse_look(json.dumps(document).encode())
