"""The registry of formats: one row here and one module beside it is all that a new format takes.

A format's module has ``write(pages, style, several) -> str``. One that can go on with what comes later (``goes_on``)
has ``write_next(pages, style, first) -> str`` as well, for the pages of one moment; one whose texts may be very long
has ``pieces(pages, style, several) -> Iterator[str]``. Modules are imported when their format is asked for.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from procmem.render.page import Page
    from procmem.render.style import Style

__all__ = ["FORMATS", "HTML", "JSON", "TEXT", "Format", "format_named", "load", "pieces", "write", "write_next"]


class Format:
    """A format: its name, which is its option as well, its module, and what it writes of a page.

    ``holds_notes``: it has a place for notes. ``is_table``: it writes the table, and nothing else. ``is_document``: it
    writes all values, whatever is shown to people. ``goes_on``: it can follow something that changes.

    A plain class, since the plainest command lines load this before all else.
    """

    __slots__ = ("goes_on", "holds_notes", "is_document", "is_table", "module", "name")

    def __init__(
        self,
        name: str,
        module: str,
        *,
        holds_notes: bool = False,
        is_table: bool = False,
        is_document: bool = False,
        goes_on: bool = False,
    ) -> None:
        self.name = name
        self.module = module
        self.holds_notes = holds_notes
        self.is_table = is_table
        self.is_document = is_document
        self.goes_on = goes_on

    @property
    def option(self) -> str:
        """The word on the command line."""
        return f"--{self.name}"


TEXT = Format("text", "text", holds_notes=True)
HTML = Format("html", "html_tables", holds_notes=True)
"""A fragment for notebooks; it is no option of the command line."""
JSON = Format("json", "json_documents", is_document=True, goes_on=True)
FORMATS = (
    JSON,
    Format("csv", "csv_tables", is_table=True, goes_on=True),
    Format("markdown", "markdown_tables", is_table=True),
)
"""Every format besides text, in the order of the options."""


def format_named(name: str | None) -> Format:
    """The format of a name; text where none is given."""
    return next((one for one in FORMATS if one.name == name), TEXT)


def load(form: Format) -> None:
    """Load what writes a format: who reads large files does it while the kernel writes these."""
    _module(form)


def write(form: Format, pages: Sequence[Page], style: Style, *, several: bool = False) -> str:
    """Write pages; ``several`` where a list is due even for one."""
    text: str = _module(form).write(pages, style, several=several)
    return text


def pieces(form: Format, pages: Sequence[Page], style: Style, *, several: bool = False) -> Iterator[str]:
    """The same, piece by piece where the format writes so."""
    module = _module(form)
    if hasattr(module, "pieces"):
        yield from module.pieces(pages, style, several=several)
    else:
        yield module.write(pages, style, several=several)


def write_next(form: Format, pages: Sequence[Page], style: Style, *, first: bool) -> str:
    """Write the pages of one moment; ``first`` where none were written before. Only for a format that goes on."""
    text: str = _module(form).write_next(pages, style, first=first)
    return text


def _module(form: Format) -> Any:
    # what importlib.import_module() does, without loading importlib and what that loads
    return __import__(f"procmem.render.formats.{form.module}", fromlist=("write",))
