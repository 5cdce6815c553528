"""A table of many rows, of which only those on the screen are written.

Here belongs the table as such: columns that fit, a cursor, scrolling, the mouse. What a row says is its user's.
"""

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from procmem.model.named_tuple import NamedTuple
from procmem.render.width import cells, clipped, padded

__all__ = ["Rows", "TableColumn"]

_DOTS = "\N{HORIZONTAL ELLIPSIS}"


class TableColumn(NamedTuple):
    """A column: its key, heading and width; the last one of a table takes what is left, and needs its width at least.

    Of those with a ``rank`` the highest are left out first where the screen is narrow.
    """

    key: str
    heading: str
    width: int
    right: bool = True
    rank: int = 0


class Rows(ScrollView, can_focus=True):
    """The table; ``write`` gives the cells of a row by the keys of columns, ``style`` the look of a row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup,ctrl+b,ctrl+u", "page(-1)", show=False),
        Binding("pagedown,ctrl+f,ctrl+d", "page(1)", show=False),
        Binding("home,g", "to_end(False)", show=False),
        Binding("end,G", "to_end(True)", show=False),
        Binding("enter", "enter", show=False),
    ]

    class Moved(Message):
        """The cursor is at another row, or the rows are others."""

    class Entered(Message):
        """The row under the cursor was chosen."""

    class Headed(Message):
        """The heading of a column was clicked."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, columns: Sequence[TableColumn], *, id: str) -> None:  # noqa: A002  # textual's name
        super().__init__(id=id)
        self._all = tuple(columns)
        self._shown: tuple[TableColumn, ...] = self._all
        self._count = 0
        self._write: Callable[[int], dict[str, str]] = lambda _: {}
        self._style: Callable[[int], Style] = lambda _: Style.null()
        self.cursor = 0
        self.sorted_by = ""

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self._count

    def show(
        self,
        count: int,
        write: Callable[[int], dict[str, str]],
        style: Callable[[int], Style] = lambda _: Style.null(),
        *,
        cursor: int | None = None,
    ) -> None:
        """Show other rows; the cursor stays where it was, unless it is to go elsewhere."""
        self._count, self._write, self._style = count, write, style
        self.virtual_size = Size(self.size.width, count + 1)
        self.move_to(self.cursor if cursor is None else cursor)

    def move_to(self, row: int) -> None:
        """Put the cursor to a row, or to the last before it that there is, and show it."""
        self.cursor = max(0, min(row, self._count - 1))
        height = max(self.size.height - 1, 1)
        top = int(self.scroll_offset.y)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, force=True)
        self.refresh()
        self.post_message(self.Moved())

    def action_move(self, step: int) -> None:
        """One row up or down."""
        self.move_to(self.cursor + step)

    def action_page(self, step: int) -> None:
        """A screen up or down."""
        self.move_to(self.cursor + step * max(self.size.height - 2, 1))

    def action_to_end(self, last: bool) -> None:  # textual gives it so
        """To the first row, or the last."""
        self.move_to(self._count - 1 if last else 0)

    def action_enter(self) -> None:
        """Choose the row."""
        if self._count:
            self.post_message(self.Entered())

    def on_resize(self, event: Resize) -> None:
        """Find out which columns fit."""
        room = event.size.width
        shown = list(self._all)
        while len(shown) > 1 and sum(column.width + 1 for column in shown[:-1]) + shown[-1].width > room:
            worst = max(shown[:-1], key=lambda column: column.rank)
            if not worst.rank:
                break
            shown.remove(worst)
        self._shown = tuple(shown)
        self.virtual_size = Size(room, self._count + 1)
        self.move_to(self.cursor)

    def on_click(self, event: Click) -> None:
        """Put the cursor where the mouse is; a double click chooses, one on a heading sorts."""
        if event.y == 0:
            at = 0
            for column in self._shown:
                at += column.width + 1
                if event.x < at or column is self._shown[-1]:
                    self.post_message(self.Headed(column.key))
                    return
        row = int(self.scroll_offset.y) + event.y - 1
        if row < self._count:
            self.move_to(row)
            if event.chain > 1:
                self.action_enter()

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the headings, or a row."""
        width = self.size.width
        if not y:
            cells = {column.key: self._heading(column) for column in self._shown}
            return Strip([Segment(self._line(cells, width), Style(bold=True, reverse=True))], width)
        row = int(self.scroll_offset.y) + y - 1
        if row >= self._count:
            return Strip.blank(width)
        style = self._style(row)
        if row == self.cursor:
            style += Style(reverse=True, bold=self.has_focus)
        return Strip([Segment(self._line(self._write(row), width), style)], width)

    def _heading(self, column: TableColumn) -> str:
        mark = "*" if column.key == self.sorted_by else ""
        return f"{mark}{column.heading}" if column.right else f"{column.heading}{mark}"

    def _line(self, cells: dict[str, str], width: int) -> str:
        parts = []
        left = width
        for column in self._shown:
            room = left if column is self._shown[-1] else min(column.width, left)
            parts.append(padded(_shortened(cells.get(column.key, ""), room), room, right=column.right))
            left -= room + 1
            if left <= 0:
                break
        return padded(clipped(" ".join(parts), width), width)


def _shortened(text: str, width: int) -> str:
    """As much as fits, and a mark where that is not all."""
    return text if cells(text) <= width else clipped(text, width - 1) + _DOTS[: max(width, 0)]
