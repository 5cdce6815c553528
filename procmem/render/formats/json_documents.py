"""JSON: each page's document, field by field as ``render.json`` lays it out; a list where several were asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence

from procmem.text import english

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.render.page import Page
    from procmem.render.style import Style

__all__ = ["write", "write_next"]


def write(pages: Sequence[Page], style: Style, *, several: bool) -> str:
    """One document, or a list of them where several were asked for."""
    del style  # units and widths are for people
    with english():
        documents = [page.document() for page in pages]
    return json.dumps(documents if several else documents[0], indent=1) + "\n"


def write_next(pages: Sequence[Page], style: Style, *, first: bool) -> str:
    """A document a line."""
    del style, first
    with english():
        return "".join(json.dumps(page.document()) + "\n" for page in pages)
