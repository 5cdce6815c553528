"""Logs of JSON objects: the member that holds the text, whatever it is called and however deep it lies."""

import json

import pytest

from procmem.errors import BrokenRecording
from procmem.model.note import note
from procmem.parse.given.read import read_given_text
from procmem.parse.maps import parse_maps
from tests.support import given_texts as texts

LINES = texts.MAPS.decode().splitlines()


def objects(*values: object) -> bytes:
    """Each value in a line."""
    return "".join(json.dumps(value) + "\n" for value in values).encode()


@pytest.mark.parametrize(
    ("data", "member"),
    [
        (objects(*({"log": f"{line}\n", "stream": "stdout", "time": "2024"} for line in LINES)), b"log"),
        (objects(*({"time": 1.5, "jsonPayload": {"message": line}} for line in LINES)), b"jsonPayload.message"),
        (objects({"msg": "dump:\n" + texts.MAPS.decode(), "level": "info"}), b"msg"),
        (objects(*({"MESSAGE": [*line.encode()], "_PID": "7"} for line in LINES)), b"MESSAGE"),
        (objects(*({"log": f"2024-05-01 10:00:0{at} app: {line}"} for at, line in enumerate(LINES))), b"log"),
    ],
)
def test_which_member_is_read(data: bytes, member: bytes) -> None:
    """Line by line, all in one, as numbers of bytes, and with a prefix inside."""
    text = read_given_text(data, "x.txt")
    assert list(parse_maps(text.files["maps"])) == list(parse_maps(texts.MAPS))
    assert text.notes[0] == note("json lines", member=member)


@pytest.mark.parametrize(
    "data",
    [
        objects({"log": "hello"}),
        objects({"a": 1, "b": [300, -1], "c": None, "d": [], "e": True}),
        b"{\n",
        b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"\n",
        objects({"a": {"b": {"c": {"d": {"log": "7f0000000000"}}}}}),
    ],
)
def test_objects_that_hold_no_text(data: bytes) -> None:
    """They are told as any other text: how it begins."""
    with pytest.raises(BrokenRecording) as raised:
        read_given_text(data, "x.txt")
    assert raised.value.code == "unknown-text"


def test_lines_between_that_are_no_objects() -> None:
    """They are passed over."""
    data = objects({"log": LINES[0]}) + b"{broken\nplain\n" + objects({"log": LINES[1]}, {"other": 1})
    found = parse_maps(read_given_text(data, "x.txt").files["maps"])
    assert list(found) == list(parse_maps("".join(f"{line}\n" for line in LINES[:2]).encode()))
