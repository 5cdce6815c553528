"""Values of documents that others have made, checked before they are believed.

A document of ours comes back from a file, and the file from a stranger: what is not of the kind that it should be makes
the whole document a bad one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from procmem.model.kinds import KINDS, ByteClass, Kind, Role
from procmem.model.owners import Arena, MappingName, ObjectFile, Owner
from procmem.model.reports.inspection import ProcessFacts
from procmem.model.snapshot import Nature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from procmem.model.enumeration import Enumeration

    _Value = TypeVar("_Value", bound=Enumeration | Role)

__all__ = [
    "LARGEST",
    "BadDocument",
    "bytes_of",
    "facts_of",
    "figure_of",
    "kind_of",
    "list_of",
    "name_of",
    "number_of",
    "numbers_of",
    "one_of",
    "owner_of",
    "table_of",
    "text_of",
]

LARGEST = 1 << 64
_KINDS = {str(kind): kind for kind in KINDS}


class BadDocument(Exception):
    """It is not of the form that ours have."""


def figure_of(value: object) -> float | None:
    """A number, whole or not; None where it is none."""
    if not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError as error:
        raise BadDocument from error
    if not math.isfinite(found):
        raise BadDocument
    return found


def one_of(values: Iterable[_Value], wanted: object) -> _Value | None:
    """The one of an enumeration whose value is written so."""
    return next((one for one in values if one.value == wanted), None)


def numbers_of(given: Mapping[str, Any], fields: Iterable[str]) -> dict[str, int | None]:
    """Several numbers by their names."""
    return {field: number_of(given.get(field)) for field in fields}


def table_of(value: object) -> Mapping[str, Any]:
    """An object."""
    if not isinstance(value, dict):
        raise BadDocument
    return value


def list_of(value: object) -> Sequence[Any]:
    """A list."""
    if not isinstance(value, list):
        raise BadDocument
    return value


def number_of(value: object) -> int | None:
    """A whole number of at most 64 bits; None for null."""
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not -LARGEST < value < LARGEST:
        raise BadDocument
    return value


def text_of(value: object) -> str | None:
    """Text; None for null."""
    if value is None or isinstance(value, str):
        return value
    raise BadDocument


def bytes_of(value: object) -> bytes | None:
    """Text as bytes."""
    text = text_of(value)
    return None if text is None else text.encode("utf-8", "surrogatepass")


def name_of(given: Mapping[str, Any], key: str) -> bytes | None:
    """Text of a process; the twin in hexadecimal where it was no UTF-8."""
    twin = text_of(given.get(f"{key}_hex"))
    if twin is None:
        return bytes_of(given.get(key))
    try:
        return bytes.fromhex(twin)
    except ValueError as error:
        raise BadDocument from error


def kind_of(given: object) -> Kind | None:
    """A kind by its name; one that this version does not know is memory of some kind."""
    word = text_of(given)
    return None if word is None else _KINDS.get(word) or Kind(word, ByteClass.MMAP)


def facts_of(given: Mapping[str, Any]) -> ProcessFacts:
    """Who a process is."""
    cmdline = given.get("cmdline")
    return ProcessFacts(
        comm=name_of(given, "comm"),
        cmdline=None if cmdline is None else tuple(bytes_of(word) or b"" for word in list_of(cmdline)),
        exe=name_of(given, "exe"),
        machine=text_of(given.get("machine")),
        kernel=text_of(given.get("kernel")),
        state=text_of(given.get("state")),
        nature=one_of(Nature, given.get("nature")) or Nature.PROCESS,
        age_seconds=figure_of(given.get("age_seconds")),
        **numbers_of(given, ("pid", "ppid", "uid", "bits", "page_size", "threads", "thread_of", "read_through")),
    )


def owner_of(given: Mapping[str, Any], *, is_object: bool) -> Owner | None:
    """Whose memory it is; an arena is told by its address."""
    arena, name = text_of(given.get("arena")), name_of(given, "owner")
    if arena is not None:
        try:
            return Arena(int(arena, 16))
        except ValueError as error:
            raise BadDocument from error
    if name is None:
        return None
    return ObjectFile(name) if is_object else MappingName(name)
