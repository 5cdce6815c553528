"""A report laid out once, for every format: sections of blocks, and nothing about terminals, colours or options.

A page is made by ``render.pages``; each format of ``render.formats`` writes what it has a place for. Values stay plain
(bytes, counts, addresses) until a format writes them.
"""

from __future__ import annotations

from procmem.model.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    _Rows = Sequence[Sequence["Value"]]
else:
    _Rows = object  # an abstract base would load collections

__all__ = [
    "READABLE",
    "AnnotatedMap",
    "Block",
    "Column",
    "ColumnRows",
    "Facts",
    "MapLine",
    "MapPiece",
    "Page",
    "Picture",
    "Prose",
    "Sheet",
    "Value",
]

READABLE = -1
"""A measure of prose: as wide as sentences are well read, which the style says."""

Value = int | float | str | None
"""What a cell may hold: a number, text, or None for what is unknown."""


class Column(NamedTuple):
    """A column of a sheet.

    ``kind`` says what its values are: ``size`` (bytes), ``change`` (bytes more or less), ``count``, ``seconds``,
    ``address``, ``share`` (a part of one, shown in percent), ``figure`` (text to the right), ``text``, ``path`` (text
    whose middle may be left out), ``command`` (text whose end may be left out) or ``class`` (text that has a colour).
    ``key`` names it for programs and for ``--columns``; it is made of the heading where it is empty. Where a line is
    too narrow the columns with the highest ``rank`` are left out first, text of more than ``least`` cells is folded or
    shortened, and a column that may stand ``below`` goes to lines of its own under each row. A ``detail`` is shown to a
    person with ``--wide``, or by its name alone.
    """

    heading: str
    kind: str
    key: str = ""
    rank: int = 0
    least: int = 0
    below: bool = False
    detail: bool = False

    @property
    def name(self) -> str:
        """The key that ``--columns`` takes."""
        return self.key or self.heading.lower().replace(" ", "_")


class ColumnRows(_Rows):
    """Rows of a sheet that are kept as columns, since there may be sixty thousand."""

    __slots__ = ("columns",)

    def __init__(self, columns: Sequence[Sequence[Value]]) -> None:
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0])

    def __getitem__(self, at: Any) -> Any:
        return tuple(column[at] for column in self.columns)

    def __iter__(self) -> Iterator[Sequence[Value]]:
        return zip(*self.columns, strict=True)


class Sheet(NamedTuple):
    """A table. ``totals`` are rows that stand below a line; ``ruled`` draws one below the headings as well.

    ``main`` is the table of its page that ``--columns`` chooses from; ``indent`` are blanks before each line.
    """

    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Value]]
    totals: Sequence[Sequence[Value]] = ()
    ruled: bool = False
    main: bool = False
    indent: int = 0


class Prose(NamedTuple):
    """Text that is folded to the width. The first line begins with ``first``, the others with ``rest``.

    ``measure`` is the most that a line takes even where the width is not limited: 0 for no such limit, ``READABLE`` for
    what the style says.
    """

    text: str
    first: str = ""
    rest: str | None = None
    measure: int = 0


class Facts(NamedTuple):
    """Labels and what is said of them, one a line; ``right`` puts the labels to the right of their column.

    ``gap`` are the cells between label and text, ``least`` the cells that the labels take at least.
    """

    rows: Sequence[tuple[str, str]]
    indent: int = 0
    gap: int = 2
    right: bool = False
    least: int = 0
    measure: int = 0


class Picture(NamedTuple):
    """Lines drawn with characters; ``draw`` is told whether the output takes more than ASCII."""

    draw: Callable[[bool], str]


class MapLine(NamedTuple):
    """A line of a memory map: figures, a name that may be shortened, and what the region is, in a colour."""

    figures: str
    name: str
    what: str
    cls: str = ""


class MapPiece(NamedTuple):
    """Some blocks of an annotated map, whose lines are columns.

    A line has figures (texts that stand side by side), a name, and what the region is with its class.
    Each block has so many of the ``lines``, then a paragraph in two parts, the second of which may be empty, then the
    paragraphs of ``further`` (none of any block where that is empty).
    """

    figures: Sequence[Sequence[str]]
    names: Sequence[str]
    whats: Sequence[tuple[str, str]]
    lines: Sequence[int]
    told: Sequence[tuple[str, str]]
    further: Sequence[Sequence[str]] = ()


class AnnotatedMap(NamedTuple):
    """Lines of a memory map with paragraphs below them, made piece by piece whenever they are written.

    ``between`` stands between the parts of a paragraph, ``indent`` before its lines.
    """

    pieces: Callable[[], Iterator[MapPiece]]
    between: str
    indent: str


Block = Prose | Facts | Sheet | Picture | MapLine | AnnotatedMap


class Page(NamedTuple):
    """A report. A blank line stands between two sections, none between the blocks of one.

    ``table`` gives what the formats of tables write (CSV, Markdown), ``document`` the values for JSON. ``notes`` tell
    what could not be read: they stand at the end of a text, and on stderr where a format has no place for them.
    ``remarks`` are the same, of those that a text has among its sections. ``of`` tells the pages of several apart:
    keys, kinds and values of columns that stand before those of the table where several tables are written.
    """

    sections: Sequence[Sequence[Block]]
    table: Callable[[], Sheet]
    document: Callable[[], Any]
    notes: Sequence[str] = ()
    remarks: Sequence[str] = ()
    of: Sequence[tuple[str, str, Value]] = ()

    def named_table(self, *, several: bool) -> Sheet:
        """The table; where it is one of ``several``, with the columns that tell whose rows these are."""
        sheet = self.table()
        own = {column.name for column in sheet.columns}
        of = [(key, kind, value) for key, kind, value in self.of if key not in own] if several else []
        if not of:
            return sheet
        values = [value for _, _, value in of]
        blanks = [""] * len(of)
        return sheet._replace(
            columns=(*(Column(key, kind, key) for key, kind, _ in of), *sheet.columns),
            rows=[(*values, *row) for row in sheet.rows],
            totals=[(*blanks, *row) for row in sheet.totals],
        )
