"""The index of kept files: pieces lie within their bytes, and begin where a file may be read."""

import json

import pytest

from procmem.errors import BrokenRecording
from procmem.model.raw import KeptFile, Refusal
from procmem.sources.recording.about import read_objects


class Kept:
    """A store of two files."""

    def __init__(self, pieces: list[list[int]], data: bytes, **more: str) -> None:
        entry = {"device": "fe:00", "inode": 1, "path": "/x", "pieces": pieces, **more}
        self.files = {"7/objects.json": json.dumps({"objects": [entry]}).encode(), "7/objects.bin": data}

    def read(self, name: str) -> bytes | Refusal:
        return self.files.get(name, Refusal.ABSENT)


def objects(pieces: list[list[int]], data: bytes = b"abcdef", **more: str) -> KeptFile:
    """The one object of such a recording."""
    (found,) = read_objects(Kept(pieces, data, **more), "7/", "x")  # type: ignore[arg-type]
    return found


def test_pieces_follow_each_other_in_their_bytes() -> None:
    """Each begins where the one before has ended."""
    assert objects([[0, 2], [4096, 0], [9, 4]]).pieces == ((0, b"ab"), (4096, b""), (9, b"cdef"))
    assert objects([], refused="DENIED").refusal is Refusal.DENIED


@pytest.mark.parametrize("pieces", [[[-1, 1]], [[0, -1]], [[0, 7]], [[0, 3], [3, 4]], [[-5, 0]]])
def test_pieces_beyond_their_bytes_are_refused(pieces: list[list[int]]) -> None:
    """Also where only one of the two figures is wrong."""
    with pytest.raises(BrokenRecording):
        objects(pieces)
