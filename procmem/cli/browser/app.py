"""The program on the whole screen: its look, the keys that hold everywhere, and the help."""

import asyncio
import gc
import signal
import warnings
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from procmem.cli.browser.process import ProcessScreen
from procmem.cli.browser.processes import ProcessesScreen
from procmem.queries.browse import OneInSeries, OneProcess, Processes, SeriesProcesses
from procmem.text.pages.browse import key_text, told

__all__ = ["Browser"]


_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


class HelpScreen(ModalScreen[None]):
    """Every key, and what it does."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,f1,enter", "app.pop_screen", show=False)]

    def compose(self) -> ComposeResult:
        """A box in the middle."""
        table = Table.grid(padding=(0, 2))
        for _ in range(2):
            table.add_column(overflow="fold")
        for key, words in key_text():
            table.add_row(Text(key), Text(words))
        with VerticalScroll(id="keys"):
            yield Static(table)

    def on_mount(self) -> None:
        """Its title."""
        self.query_one("#keys").border_title = told("help")


class Browser(App[None]):
    """The list of processes, or one process on top of it."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help", show=False),
        Binding("Q,f10,ctrl+q", "quit", show=False, priority=True),
        Binding("ctrl+c", "interrupt", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", show=False, priority=True),
    ]
    CSS = """
    Screen { background: $background; }
    #whole { height: 1fr; }
    #head { height: auto; max-height: 2; }
    #foot { height: 1; color: $text-muted; }
    #asked { height: 1; }
    #small { height: 1fr; content-align: center middle; }
    #parts { height: 1fr; }
    #parts TabPane { padding: 0; }
    #parts ContentSwitcher { height: 1fr; }
    Rows { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    PageView { height: 1fr; overflow-x: hidden; scrollbar-size-vertical: 1; }
    #space { height: 2; }
    #regions-page { height: 8; border-top: solid $primary; }
    HelpScreen { align: center middle; }
    #keys { width: 78; height: auto; max-height: 90%; border: round $primary; padding: 0 1; }
    """

    def __init__(
        self, processes: Processes | SeriesProcesses, one: OneProcess | OneInSeries | None, *, every: float
    ) -> None:
        super().__init__(ansi_color=True)
        self._processes = processes
        self._one = one
        self._every = every
        self.ended_by: signal.Signals | None = None
        """The signal that ended it, None where somebody did."""

    def on_mount(self) -> None:
        """Show the list, or the process that was named, alone."""
        loop = asyncio.get_running_loop()
        for number in _ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self._end_by, number)
        gc.enable()  # it may be looked at for days
        # smaps is read by a child that needs nothing of ours but memory: threads do not matter to it
        warnings.filterwarnings("ignore", message=".*use of fork", category=DeprecationWarning)
        if self._one is None:
            self.push_screen(ProcessesScreen(self._processes, every=self._every))
        else:
            self.push_screen(ProcessScreen(self._one, every=self._every, is_first=True))

    def _end_by(self, number: signal.Signals) -> None:
        """Put the screen back, and end: whoever started us sends the signal again."""
        self.ended_by = number
        self.exit()

    def action_interrupt(self) -> None:
        """End as every command does at Ctrl-C."""
        self._end_by(signal.SIGINT)

    def action_help(self) -> None:
        """Show the keys."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen())
