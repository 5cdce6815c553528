"""The profile of pprof: the message ``Profile`` of profile.proto (github.com/google/pprof/proto), compressed by gzip.

Here belongs the encoding of its few fields: varints and lengths, as protocol buffers have them (encoding.md of
protobuf). A frame is a function with one location; a location names no address, since a frame is a sum of ranges.
"""

import gzip
from collections.abc import Iterable

from procmem.render.stacks import StackProfile

__all__ = ["write"]

# fields of message Profile
_SAMPLE_TYPE, _SAMPLE, _LOCATION, _FUNCTION, _STRING_TABLE, _DEFAULT_SAMPLE_TYPE = 1, 2, 4, 5, 6, 14
# fields of its parts
_TYPE, _UNIT = 1, 2
_LOCATION_ID, _VALUE = 1, 2
_ID, _LINE = 1, 4
_FUNCTION_ID = 1
_NAME = 2
_BYTES_TYPE = 2
"""The wire type of what has a length: texts, messages, packed numbers."""


def write(stacks: StackProfile, measure: str) -> bytes:
    """All measures that are known; the viewer begins with the one that is asked for."""
    texts: dict[str, int] = {"": 0}

    def text(word: str) -> int:
        return texts.setdefault(word, len(texts))

    known = list(stacks.known())
    parts = [
        _message(_SAMPLE_TYPE, _number(_TYPE, text(one.name)) + _number(_UNIT, text(one.unit))) for _, one in known
    ]
    frames: dict[str, int] = {}
    for names, all_values in stacks.rows:
        values = [all_values[at] or 0 for at, _ in known]
        if any(values):
            leaf_first = [frames.setdefault(name, len(frames) + 1) for name in reversed(names)]
            parts.append(_message(_SAMPLE, _packed(_LOCATION_ID, leaf_first) + _packed(_VALUE, values)))
    for name, number in frames.items():
        line = _message(_LINE, _number(_FUNCTION_ID, number))
        parts.append(_message(_LOCATION, _number(_ID, number) + line))
        parts.append(_message(_FUNCTION, _number(_ID, number) + _number(_NAME, text(name))))
    parts.append(_number(_DEFAULT_SAMPLE_TYPE, text(measure)))
    parts += [_message(_STRING_TABLE, word.encode("utf-8")) for word in texts]
    return gzip.compress(b"".join(parts), mtime=0)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _message(field: int, body: bytes) -> bytes:
    return _varint(field << 3 | _BYTES_TYPE) + _varint(len(body)) + body


def _packed(field: int, values: Iterable[int]) -> bytes:
    return _message(field, b"".join(map(_varint, values)))
