"""What both screens have: looks that are made beside the screen and again after a pause, a line to type into.

Here belongs how a screen looks, waits, searches and sorts; what it looks at and shows is the screen's own: the
methods that are abstract here, of which the type checker sees that none is missing (Textual's screens have a metaclass
of their own, so that no ABC does).
"""

import time
from abc import abstractmethod
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key, Resize
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Input, Static

from procmem.cli.browser.rows import Rows
from procmem.errors import ProcmemError
from procmem.render.human import duration, short_duration
from procmem.text.pages.browse import told
from procmem.text.units import time_text

__all__ = ["LEAST_COLUMNS", "LEAST_LINES", "Looking"]

LEAST_COLUMNS, LEAST_LINES = 80, 24
_FILTER = "filter"
_SLOW = 1.5
"""So many times the interval that was asked for, and the lines above tell when the next look is due."""


class Looking(Screen[None]):
    """A screen that looks at something again and again, while that is there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash,f3", "ask('search')", show=False),
        Binding("backslash,f4", "ask('filter')", show=False),
        Binding("n", "again(1)", show=False),
        Binding("N", "again(-1)", show=False),
        Binding("s,f6", "sort_next", show=False),
        Binding("S", "turn", show=False),
        Binding("space", "pause", show=False),
        Binding("r", "look", show=False),
        Binding("left_square_bracket", "step(-1)", show=False),
        Binding("right_square_bracket", "step(1)", show=False),
    ]

    def __init__(self, *, every: float, moments: tuple[float, ...], is_live: bool) -> None:
        super().__init__()
        self._every = every
        self._moments = moments
        self._is_live = is_live
        self._at = len(moments) - 1
        self._paused = False
        self._reading = False
        self._timer: Timer | None = None
        self._looked_at = 0.0
        self._due: float | None = None
        """When the next look is made, and when the last one was."""
        self._asked = ""
        self._sought = ""
        self.note = ""
        """What is to be said of the last key or look; it stands in the line below."""

    def compose(self) -> ComposeResult:
        """Two lines above, what is shown, a line below; a line to type into, and one for a screen that is too small."""
        with Vertical(id="whole"):
            yield Static(id="head", markup=False)
            yield from self.compose_body()
            yield Input(id="asked", compact=True)
            yield Static(id="foot", markup=False)
        yield Static(id="small", markup=False)

    @abstractmethod
    def compose_body(self) -> ComposeResult:
        """What is shown between the lines."""

    @abstractmethod
    def look_once(self, at: int) -> object:
        """Look, beside the screen.

        Raises:
            ProcmemError: it cannot be looked at.
        """

    @abstractmethod
    def shown_look(self, seen: object) -> float:
        """Show what was seen; gives the seconds that must pass before the next look."""

    @abstractmethod
    def failed_look(self, error: ProcmemError) -> None:
        """Show that there was nothing to see."""

    @abstractmethod
    def head_text(self) -> Text:
        """The lines above."""

    @abstractmethod
    def hints(self) -> str:
        """The keys that matter here."""

    @property
    def rows(self) -> Rows:
        """The table to move in."""
        return self.query_one(Rows)

    def on_mount(self) -> None:
        """Make the first look."""
        self.query_one("#asked").display = False
        self.query_one("#small").display = False
        self.action_look()
        if self._is_live:
            self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        """A look that is old says so."""
        if self._due is not None and not self._reading:
            self.query_one("#head", Static).update(self.head_text())

    def on_resize(self, event: Resize) -> None:
        """Say where the screen is too small."""
        width, height = event.size
        small = width < LEAST_COLUMNS or height < LEAST_LINES
        self.query_one("#whole").display = not small
        words = self.query_one("#small", Static)
        words.display = small
        words.update(told("too-small", columns=width, lines=height))
        if not small:
            self.write_lines()
            if self.focused is None:
                self.focus_body()

    def focus_body(self) -> None:
        """Let keys go to what is shown."""
        self.rows.focus()

    def write_lines(self) -> None:
        """Write the lines above and below anew."""
        self.query_one("#head", Static).update(self.head_text())
        self.query_one("#foot", Static).update(self.note or self.hints())

    def state_words(self) -> list[str]:
        """Whether it is paused, how often is looked, and at which moment of a series."""
        if self._moments:
            when = time_text(self._moments[self._at])
            return [told("look", number=self._at + 1, count=len(self._moments), when=when)]
        if not self._is_live:
            return []
        if self._paused:
            return [told("paused")]
        now = time.monotonic()
        if self._due is not None and self._due - self._looked_at > _SLOW * self._every:
            age, left = duration(now - self._looked_at), duration(max(self._due - now, 0))
            return [told("next", age=age, time=left)]
        return [told("every", time=short_duration(self._every))]

    def action_look(self) -> None:
        """Look now, unless a look is being made."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._reading:
            return
        self._reading = True
        at = self._at
        self.run_worker(lambda: self._look(at), thread=True, group="look", exit_on_error=True)

    def _look(self, at: int) -> None:
        try:
            seen: object = self.look_once(at)
        except ProcmemError as error:
            seen = error
        self.app.call_from_thread(self._show, seen, at)

    def _show(self, seen: object, at: int) -> None:
        self._reading = False
        if not self.is_mounted:
            return
        if at != self._at:  # another moment was asked for meanwhile
            self.action_look()
            return
        if isinstance(seen, ProcmemError):
            self.failed_look(seen)
        else:
            pause = max(self._every, self.shown_look(seen))
            self._looked_at = time.monotonic()
            self._due = self._looked_at + pause
            if self._is_live and not self._paused:
                self._timer = self.set_timer(pause, self.action_look)
        self.write_lines()

    def action_pause(self) -> None:
        """Make no more looks, or go on."""
        if not self._is_live:
            return
        self._paused = not self._paused
        if not self._paused:
            self.action_look()
        elif self._timer is not None:
            self._timer.stop()
        self.write_lines()

    def action_step(self, step: int) -> None:
        """Another moment of a series."""
        if self._moments:
            self._at = max(0, min(self._at + step, len(self._moments) - 1))
            self.action_look()
            self.write_lines()

    def action_ask(self, what: str) -> None:
        """Let something be typed."""
        self._asked = what
        line = self.query_one("#asked", Input)
        line.value = ""
        line.placeholder = told(what)
        line.display = True
        line.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Search, or filter, by what was typed."""
        event.stop()
        self._close_line()
        if self._asked == _FILTER:
            self.filter_by(event.value.strip())
        elif event.value.strip():
            self._sought = event.value.strip()
            self._seek(1)
        self.write_lines()

    def on_key(self, event: Key) -> None:
        """Escape closes the line that is typed into; any other key takes the last note away."""
        self.note = ""
        if event.key == "escape" and self.query_one("#asked").display:
            event.stop()
            self._close_line()
        self.write_lines()

    def _close_line(self) -> None:
        self.query_one("#asked").display = False
        self.focus_body()

    def action_again(self, step: int) -> None:
        """The next place where what was searched for is, or the one before."""
        if self._sought:
            self._seek(step)
            self.write_lines()

    def _seek(self, step: int) -> None:
        rows = self.rows
        found = self.row_with(self._sought, rows.cursor, step)
        if found is None:
            self.note = told("not-found", text=self._sought)
        else:
            rows.move_to(found)

    def row_with(self, text: str, cursor: int, step: int) -> int | None:
        """The row that has a text, the next one in a direction."""
        rows = self.rows
        wanted = text.lower()
        for distance in range(1, rows.count + 1):
            row = (cursor + step * distance) % rows.count
            if wanted in self.row_text(row).lower():
                return row
        return None

    @abstractmethod
    def row_text(self, row: int) -> str:
        """What of a row is searched through."""

    @abstractmethod
    def filter_by(self, text: str) -> None:
        """Show only rows that have a text; all, where it is empty."""

    @abstractmethod
    def action_sort_next(self) -> None:
        """Sort by the next column."""

    @abstractmethod
    def action_turn(self) -> None:
        """Turn the order."""
