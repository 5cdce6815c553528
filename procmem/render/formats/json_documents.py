"""JSON: each page's document, field by field as ``render.json`` lays it out; a list where several were asked for.

A field stands on a line, and so does each item of a list or a field of an object that a field holds; what lies deeper
stands behind each other. It is written item by item: a process may have many thousand regions.
"""

from __future__ import annotations

import json
from itertools import chain, repeat

from procmem.render.json.items import Items
from procmem.text import english

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from procmem.render.page import Page
    from procmem.render.style import Style

__all__ = ["pieces", "write", "write_next"]

_LEVELS = 2


def write(pages: Sequence[Page], style: Style, *, several: bool) -> str:
    """One document, or a list of them where several were asked for."""
    return "".join(pieces(pages, style, several=several))


def pieces(pages: Sequence[Page], style: Style, *, several: bool) -> Iterator[str]:
    """The same, piece by piece."""
    del style  # units and widths are for people
    with english():
        documents = (page.document() for page in pages)
        encode = json.JSONEncoder(default=list).encode
        if several:
            yield from _lines(Items(len(pages), lambda: documents), "", _LEVELS + 1, encode)
        else:
            yield from _lines(next(documents), "", _LEVELS, encode)
        yield "\n"


def _lines(value: Any, indent: str, levels: int, encode: Any) -> Iterator[str]:
    """A value over several lines, so many levels deep."""
    if not levels or not isinstance(value, dict | list | Items) or not len(value):
        yield encode(value)
        return
    inner = indent + " "
    leads = chain([f"\n{inner}"], repeat(f",\n{inner}"))
    if isinstance(value, dict):
        yield "{"
        for lead, (key, field) in zip(leads, value.items(), strict=False):
            yield f"{lead}{encode(key)}: "
            yield from _lines(field, inner, levels - 1, encode)
        yield f"\n{indent}}}"
        return
    yield "["
    if levels == 1 and isinstance(value, Items) and value.texts is not None:
        for texts in value.texts():
            yield next(leads) + f",\n{inner}".join(texts)
    elif levels == 1:
        for lead, item in zip(leads, value, strict=False):
            yield lead + encode(item)
    else:
        for lead, item in zip(leads, value, strict=False):
            yield lead
            yield from _lines(item, inner, levels - 1, encode)
    yield f"\n{indent}]"


def write_next(pages: Sequence[Page], style: Style, *, first: bool) -> str:
    """A document a line."""
    del style, first
    with english():
        return "".join(json.dumps(page.document(), default=list) + "\n" for page in pages)
