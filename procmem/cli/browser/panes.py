"""Widgets beside the table: a page of procmem that is folded to the screen, and the address space in one line."""

from collections.abc import Callable, Sequence
from functools import cache

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.events import Resize
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Static

from procmem.model.region import Regions
from procmem.render.colors import painted
from procmem.render.formats.text import page_text
from procmem.render.page import Page
from procmem.render.style import Style as PageStyle

__all__ = ["PageView", "SpaceLine", "class_style"]

_BAR = 2
"""Cells that a scroll bar takes."""


@cache
def class_style(cls: str) -> Style:
    """The colour of a class, as it is on every page."""
    spans = Text.from_ansi(painted("x", cls)).spans
    return spans[0].style if spans and isinstance(spans[0].style, Style) else Style.null()


class PageView(VerticalScroll):
    """A page, or a sentence where there is none; written anew when the width changes."""

    def __init__(self, *, id: str) -> None:  # noqa: A002  # textual's name
        super().__init__(id=id)
        self._page: Page | str = ""

    def compose(self) -> ComposeResult:
        """One block of text."""
        yield Static(id=f"{self.id}-text", markup=False)

    def show(self, page: Page | str) -> None:
        """Show a page, or a sentence."""
        self._page = page
        self._write()

    def on_resize(self, event: Resize) -> None:
        """Fold it anew."""
        del event
        self._write()

    def _write(self) -> None:
        width = max(self.size.width - _BAR, 20)
        if isinstance(self._page, str):
            text = Text(self._page)
        else:
            text = Text.from_ansi(
                page_text(self._page, PageStyle(width=width, prose=width, color=True, tells_options=False))
            )
        self.query_one(Static).update(text)


class SpaceLine(Widget):
    """The address space from low to high: colours of classes, each region by the logarithm of its size.

    The second line marks the region under the cursor.
    """

    def __init__(self, *, id: str, chosen: Callable[[], int | None]) -> None:  # noqa: A002  # textual's name
        super().__init__(id=id)
        self._chosen = chosen
        self._edges: Sequence[float] = (0.0,)
        self._colors: Sequence[str] = ()

    def show(self, regions: Regions | None) -> None:
        """Show another address space."""
        edges, classes = [0.0], []
        if regions is not None:
            for start, end, label in zip(regions.start, regions.end, regions.label, strict=True):
                edges.append(edges[-1] + ((end - start) >> 12 or 1).bit_length())
                classes.append(label.cls.value)
        self._edges, self._colors = edges, classes
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Colours above, the mark below."""
        width = self.size.width
        whole = self._edges[-1]
        if not whole:
            return Strip.blank(width)
        if y:
            at = self._chosen()
            if at is None or at >= len(self._colors):
                return Strip.blank(width)
            middle = (self._edges[at] + self._edges[at + 1]) / 2
            place = min(int(middle / whole * width), width - 1)
            return Strip([Segment(" " * place), Segment("^", Style(bold=True)), Segment(" " * (width - place - 1))])
        segments = []
        at = 0
        for column in range(width):
            while at + 1 < len(self._colors) and self._edges[at + 1] <= (column + 0.5) / width * whole:
                at += 1
            segments.append(Segment("\N{FULL BLOCK}", class_style(self._colors[at])))
        return Strip(segments, width)
