"""The first screen: all processes, the largest on top."""

import os
from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from procmem.cli.browser.looking import Looking
from procmem.cli.browser.process import ProcessScreen
from procmem.cli.browser.rows import Rows, TableColumn
from procmem.errors import ProcmemError
from procmem.queries.browse import Listed, Processes, SeriesProcesses
from procmem.render.escaping import printable, printable_text
from procmem.render.human import human_size
from procmem.text.pages.browse import heading, told

__all__ = ["ProcessesScreen"]

_SORTS = ("pss", "uss", "rss", "swap", "growth", "pid", "user", "name")
_SIZES = frozenset({"pss", "uss", "rss", "swap", "growth"})


class ProcessesScreen(Looking):
    """All processes: sorted, filtered, as a tree; Enter goes into one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("t,f5", "tree", show=False),
        Binding("escape,q", "back", show=False),
    ]

    def __init__(self, processes: Processes | SeriesProcesses, *, every: float) -> None:
        super().__init__(every=every, moments=processes.moments, is_live=processes.is_live)
        self._processes = processes
        self._sorted_by_user = False
        self._all: tuple[Listed, ...] = ()
        self._listed: Sequence[Listed] = ()
        self._sort, self._reversed, self._tree, self._filter = "pss", False, False, ""

    def compose_body(self) -> ComposeResult:
        """The table."""
        yield Rows(
            [
                TableColumn("pid", heading("pid"), 7),
                TableColumn("user", heading("user"), 8, right=False, rank=1),
                TableColumn("pss", heading("pss"), 8),
                TableColumn("uss", heading("uss"), 8),
                TableColumn("rss", heading("rss"), 8, rank=2),
                TableColumn("swap", heading("swap"), 8, rank=3),
                TableColumn("growth", heading("growth"), 9),
                TableColumn("name", heading("command"), 24, right=False),
            ],
            id="processes",
        )

    def look_once(self, at: int) -> object:
        """All processes."""
        return self._processes.look(at)

    def shown_look(self, seen: object) -> float:
        """Sort and show them; the cursor stays at its process."""
        assert isinstance(seen, tuple)
        chosen = self._chosen()
        self._all = seen
        if not self._sorted_by_user and seen and all(one.row.pss is None for one in seen):
            self._sort, self.note = "rss", told("no-pss")
        self._show_rows(chosen)
        return self._processes.pause

    def failed_look(self, error: ProcmemError) -> None:
        """Say why."""
        self._all = ()
        self._show_rows(None)
        self.note = printable_text(str(error))

    def _chosen(self) -> int | None:
        return self._listed[self.rows.cursor].row.pid if self._listed else None

    def _show_rows(self, chosen: int | None) -> None:
        kept = [one for one in self._all if self._filter.lower() in _text(one).lower()]
        if self._tree:
            self._listed = _as_tree(kept)
        else:
            descending = (self._sort in _SIZES) != self._reversed
            self._listed = sorted(kept, key=lambda one: _sort_key(one, self._sort), reverse=descending)
        rows = self.rows
        rows.sorted_by = "" if self._tree else self._sort
        cursor = next((at for at, one in enumerate(self._listed) if one.row.pid == chosen), rows.cursor)
        rows.show(len(self._listed), lambda at: _cells(self._listed[at]), cursor=cursor)

    def head_text(self) -> Text:
        """How many there are, how they are sorted, how often is looked."""
        if self._filter:
            first = told("fits", count=len(self._listed), all=len(self._all), filter=self._filter)
        else:
            first = told("processes", count=len(self._all))
        words = [told("title"), first]
        if not self._tree:
            words.append(told("sorted", column=heading(self._sort)))
        if self._reading and not self._all:
            words.append(told("reading"))
        return Text("   ".join([*words, *self.state_words()]), style="bold", no_wrap=True)

    def hints(self) -> str:
        """The keys of a list."""
        return told("hints")

    def row_text(self, row: int) -> str:
        """Pid, user, name and command line."""
        return _text(self._listed[row])

    def filter_by(self, text: str) -> None:
        """Show only processes that have a text."""
        chosen = self._chosen()
        self._filter = text
        self._show_rows(chosen)

    def action_sort_next(self) -> None:
        """Sort by the next column."""
        self._sort_by(_SORTS[(_SORTS.index(self._sort) + 1) % len(_SORTS)])

    def _sort_by(self, key: str) -> None:
        chosen = self._chosen()
        self._sort, self._tree, self._sorted_by_user = key, False, True
        self._show_rows(chosen)
        self.write_lines()

    def action_turn(self) -> None:
        """Turn the order."""
        self._reversed = not self._reversed
        self._sort_by(self._sort)

    def action_back(self) -> None:
        """Show all again, where a filter is set; else end."""
        if self._filter:
            self.filter_by("")
            self.write_lines()
        else:
            self.app.exit()

    def action_tree(self) -> None:
        """As a tree, or sorted again."""
        chosen = self._chosen()
        self._tree = not self._tree
        self._show_rows(chosen)
        self.write_lines()

    def on_rows_headed(self, event: Rows.Headed) -> None:
        """Sort by a column; by the same once more the other way round."""
        if event.key == self._sort:
            self._reversed = not self._reversed
        self._sort_by(event.key)

    def on_rows_entered(self, event: Rows.Entered) -> None:
        """Go into the process under the cursor."""
        event.stop()
        row = self._listed[self.rows.cursor].row
        try:
            one = self._processes.process(row)
        except ProcmemError as error:
            self.note = printable_text(str(error))
            self.write_lines()
            return
        self.app.push_screen(ProcessScreen(one, every=self._every, at=self._at))


def _text(one: Listed) -> str:
    row = one.row
    return f"{row.pid} {row.user or '?'} {_name(one)}"


def _name(one: Listed) -> str:
    """The command line, its program without the folder; before it the name, where that is another."""
    row = one.row
    name, command = printable(row.name), printable(row.command)
    path, _, arguments = command.partition(" ")
    program = os.path.basename(path)
    if not program:
        return name or "?"
    told = f"{program} {arguments}".rstrip()
    return told if program.startswith(name) else f"{name}: {told}"


def _cells(one: Listed) -> dict[str, str]:
    row = one.row
    grown = one.growth
    sign = "" if not grown else "+" if grown > 0 else "-"
    return {
        "pid": "?" if row.pid is None else str(row.pid),
        "user": printable_text(row.user or "?"),
        "pss": human_size(row.pss),
        "uss": human_size(row.uss),
        "rss": human_size(row.rss),
        "swap": human_size(row.swap) if row.swap != 0 else "",
        "growth": "" if not grown else sign + human_size(abs(grown)),
        "name": "  " * one.depth + _name(one),
    }


def _sort_key(one: Listed, key: str) -> tuple[bool, object]:
    """What is unknown counts as less than anything."""
    value = one.growth if key == "growth" else getattr(one.row, key)
    return value is not None, value if value is not None else 0


def _as_tree(listed: Sequence[Listed]) -> list[Listed]:
    """Parents before their children, brothers by pid."""
    by_parent: dict[int | None, list[Listed]] = {}
    pids = {one.row.pid for one in listed}
    for one in sorted(listed, key=lambda one: one.row.pid or 0):
        by_parent.setdefault(one.row.ppid if one.row.ppid in pids else None, []).append(one)
    found: list[Listed] = []
    waiting = [(one, 0) for one in reversed(by_parent.get(None, []))]
    while waiting:
        one, depth = waiting.pop()
        found.append(one._replace(depth=depth))
        waiting += [(child, depth + 1) for child in reversed(by_parent.get(one.row.pid, [])) if child is not one]
    return found
