"""The registry of formats: one row here and one module beside it is all that a new format takes.

A format's module has ``write(pages, style, several) -> str``. Modules are imported when their format is asked for.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procmem.render.page import Page
    from procmem.render.style import Style

__all__ = ["FORMATS", "HTML", "TEXT", "Format", "format_named", "write"]


class Format:
    """A format: its name, which is its option as well, its module, and whether it has a place for notes.

    A plain class, since the plainest command lines load this before all else.
    """

    __slots__ = ("holds_notes", "module", "name")

    def __init__(self, name: str, module: str, *, holds_notes: bool = False) -> None:
        self.name = name
        self.module = module
        self.holds_notes = holds_notes

    @property
    def option(self) -> str:
        """The word on the command line."""
        return f"--{self.name}"


TEXT = Format("text", "text", holds_notes=True)
HTML = Format("html", "html_tables", holds_notes=True)
"""A fragment for notebooks; it is no option of the command line."""
FORMATS = (
    Format("json", "json_documents"),
    Format("csv", "csv_tables"),
    Format("markdown", "markdown_tables"),
)
"""Every format besides text, in the order of the options."""


def format_named(name: str | None) -> Format:
    """The format of a name; text where none is given."""
    return next((one for one in FORMATS if one.name == name), TEXT)


def write(form: Format, pages: "Sequence[Page]", style: "Style", *, several: bool = False) -> str:
    """Write pages; ``several`` where a list is due even for one."""
    import importlib  # noqa: PLC0415  # is loaded by every Python that imports a package

    module = importlib.import_module(f"procmem.render.formats.{form.module}")
    text: str = module.write(pages, style, several=several)
    return text
