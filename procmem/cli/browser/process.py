"""The screen of one process: what fills it, its regions, threads, findings, picture, and what changed since a mark."""

import time
from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import TabbedContent, TabPane

from procmem.cli.browser.looking import Looking
from procmem.cli.browser.panes import PageView, SpaceLine, class_style
from procmem.cli.browser.rows import Rows, TableColumn
from procmem.errors import Misuse, ProcessGone, ProcmemError
from procmem.model.region import Regions
from procmem.model.reports.report import ShownGrowth
from procmem.queries.browse import OneInSeries, OneProcess, ProcessView
from procmem.queries.options import address_of
from procmem.render.escaping import printable, printable_text
from procmem.render.human import human_size, short_duration
from procmem.render.pages.diff import diff_page
from procmem.render.pages.explain import findings_page, region_page
from procmem.render.pages.growth import growth_page
from procmem.render.pages.inspect import inspect_page, picture_page
from procmem.render.pages.threads import threads_page
from procmem.render.style import size_format
from procmem.text.owners import owner_text
from procmem.text.pages.browse import TABS, heading, tab, told

__all__ = ["ProcessScreen"]

_WIDE = 140
"""Columns of a screen that holds paths beside all figures."""
_WATCHED_SECONDS = 10.0
_GROWTH_ROWS = 20
_SORTS = ("address", "rss", "pss", "uss", "swap", "virt")


class ProcessScreen(Looking):
    """One process, in parts; each is written when it is shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(at), f"part('{name}')", show=False) for at, name in enumerate(TABS, start=1)),
        Binding("tab,l,right", "next_part(1)", show=False, priority=True),
        Binding("shift+tab,h,left", "next_part(-1)", show=False, priority=True),
        Binding("m", "mark", show=False),
        Binding("f", "watch_faults", show=False),
        Binding("escape,q", "back", show=False),
    ]

    def __init__(self, one: OneProcess | OneInSeries, *, every: float, at: int = -1, is_first: bool = False) -> None:
        super().__init__(every=every, moments=one.moments, is_live=one.is_live)
        if one.moments and at >= 0:
            self._at = at
        self._one = one
        self._is_first = is_first
        self._moment: ProcessView | None = None
        self._mark: ProcessView | None = None
        self._marked_at = 0.0
        self._has_ended = False
        self._order: Sequence[int] = ()
        self._sort, self._reversed, self._filter = "address", False, ""
        self._texts: dict[int, str] = {}
        self._growth: ShownGrowth | str = ""
        self._is_watching = False

    def compose_body(self) -> ComposeResult:
        """The parts."""
        with TabbedContent(id="parts"):
            for name in TABS:
                with TabPane(tab(name), id=name):
                    if name == "regions":
                        yield SpaceLine(id="space", chosen=self._chosen)
                        yield Rows(self._columns(), id="regions-rows")
                    yield PageView(id=f"{name}-page")

    def _columns(self) -> list[TableColumn]:
        return [
            TableColumn("address", heading("address"), 16),
            TableColumn("virt", heading("virt"), 8),
            TableColumn("rss", heading("rss"), 8),
            TableColumn("pss", heading("pss"), 8, rank=3),
            TableColumn("uss", heading("uss"), 8, rank=2),
            TableColumn("swap", heading("swap"), 8, rank=1),
            TableColumn("perms", heading("perms"), 5, right=False),
            TableColumn("kind", heading("kind"), 21, right=False),
            TableColumn("whose", heading("whose"), 16, right=False),
        ]

    def look_once(self, at: int) -> object:
        """Read and classify it."""
        return self._one.look(at)

    def shown_look(self, seen: object) -> float:
        """Show it; its first look is the first mark."""
        assert isinstance(seen, ProcessView)
        chosen = self._chosen()
        before = self._moment
        address = None if chosen is None or before is None else self._regions_of(before).start[chosen]
        self._moment = seen
        self._texts = {}
        if self._mark is None and (self._is_live or self._moments):
            self._mark = seen
        self.query_one(SpaceLine).show(seen.inspection.regions)
        self._show_regions(address)
        self._show_part()
        return seen.pause

    def failed_look(self, error: ProcmemError) -> None:
        """The last look stays, where there was one."""
        self._has_ended = isinstance(error, ProcessGone) and self._moment is not None and self._is_live
        if self._has_ended:
            self._is_live = False
        else:
            self.note = printable_text(str(error))
            if self._moment is None or self._moments:
                self._moment = None
                self._show_regions(None)
                self.query_one("#overview-page", PageView).show(self.note)

    def _regions_of(self, moment: ProcessView) -> Regions:
        assert moment.inspection.regions is not None
        return moment.inspection.regions

    @property
    def _regions(self) -> Regions | None:
        return None if self._moment is None else self._moment.inspection.regions

    def _chosen(self) -> int | None:
        """The region under the cursor, by its index."""
        return self._order[self.rows.cursor] if self._order else None

    def head_text(self) -> Text:
        """Who it is, its sums, and when it was looked at."""
        moment = self._moment
        if moment is None:
            return Text(f"{printable_text(self._one.name)}   {told('reading') if self._reading else ''}", style="bold")
        process, totals = moment.inspection.process, moment.inspection.totals
        name = printable(process.comm) or printable_text(self._one.name)
        who = name if process.pid is None else f"{process.pid}  {name}"
        sums = [
            f"{heading(name)} {human_size(getattr(totals, name))}" for name in ("virt", "rss", "pss", "uss", "swap")
        ]
        words = self.state_words()
        if self._has_ended:
            words = [told("ended")]
        elif self._marked_at and self._is_live:
            words.append(told("since", time=short_duration(time.monotonic() - self._marked_at)))
        first = Text(f"{who}   {'  '.join(words)}\n", style="bold", no_wrap=True, overflow="ellipsis")
        return first.append("  ".join(sums))

    def hints(self) -> str:
        """The keys of a process."""
        if self._moments:
            return told("hints of series")
        return told("hints of one" if self._is_live else "hints of recording")

    def on_tabbed_content_tab_activated(self, event: TabbedContent.TabActivated) -> None:
        """Write the part that is shown now."""
        event.stop()
        self._show_part()

    def _show_part(self) -> None:
        name = self.query_one(TabbedContent).active or "overview"
        moment = self._moment
        if moment is None:
            return
        view = self.query_one(f"#{name}-page", PageView)
        unit = size_format(None)[1]
        if name == "overview":
            view.show(inspect_page(moment.inspection, unit, listed=None))
        elif name == "regions":
            self._show_region()
        elif name == "threads":
            view.show(told("no-threads") if moment.threads is None else threads_page(moment.threads, unit))
        elif name == "findings":
            known = None if moment.inspection.regions is None else moment.explanation
            view.show(told("no-findings") if known is None else findings_page(known))
        elif name == "picture":
            report = moment.inspection
            page = picture_page(report, inspect_page(report, unit, listed=None))
            view.show(page if report.picture else told("no-picture"))
        elif name == "growth":
            self._show_growth(view, unit)
        else:
            self._show_changes(view, moment, unit)

    def _show_growth(self, view: PageView, unit: str) -> None:
        """What was found of its page faults, or how to have it found."""
        found = self._growth
        if isinstance(found, str):
            view.show(found or told("growth hint" if self._is_live else "growth needs life", seconds=_WATCHED_SECONDS))
        else:
            view.show(growth_page(found.report, found.sums, found.functions, unit, by=None, top=_GROWTH_ROWS))

    def action_watch_faults(self) -> None:
        """Watch page faults for some seconds, beside the screen."""
        self.action_part("growth")
        if not self._is_live or self._is_watching or not isinstance(self._one, OneProcess):
            return
        self._is_watching = True
        self._growth = told("watching faults", seconds=_WATCHED_SECONDS)
        self._show_part()
        self.run_worker(self._watch_faults, thread=True, group="growth", exit_on_error=True)

    def _watch_faults(self) -> None:
        assert isinstance(self._one, OneProcess)
        try:
            found: ShownGrowth | str = self._one.growth(_WATCHED_SECONDS, lambda: self.is_mounted)
        except ProcmemError as error:
            found = printable_text(str(error))
        if self.is_mounted:
            self.app.call_from_thread(self._show_watched, found)

    def _show_watched(self, found: ShownGrowth | str) -> None:
        self._growth, self._is_watching = found, False
        if self.is_mounted:
            self._show_part()

    def _show_changes(self, view: PageView, moment: ProcessView, unit: str) -> None:
        if not self._is_live and not self._moments and not self._has_ended:
            view.show(told("one-moment"))
        elif self._mark is None or self._mark is moment:
            view.show(told("same-look"))
        elif (report := moment.compared_with(self._mark)) is not None:
            view.show(diff_page(report, unit, everything=False))
        elif (grown := moment.grown_since(self._mark)) is not None:
            view.show(inspect_page(grown, unit, listed=None))
        else:
            view.show(told("not-comparable"))

    def _show_regions(self, address: int | None) -> None:
        """Sort and filter the regions; the cursor goes to that which holds an address."""
        regions = self._regions
        rows = self.rows
        if regions is None:
            self._order = ()
            rows.show(0, lambda _: {})
            return
        order = [at for at in range(len(regions)) if not self._filter or self._filter in self._text(at)]
        if self._sort != "address":
            order.sort(key=lambda at: _size(regions, at, self._sort), reverse=True)
        self._order = order[::-1] if self._reversed else order
        rows.sorted_by = self._sort
        cursor = None
        if address is not None:
            cursor = next((row for row, at in enumerate(self._order) if regions.start[at] == address), None)
        rows.show(len(order), self._cells, self._style, cursor=cursor)

    def _cells(self, row: int) -> dict[str, str]:
        regions, at = self._regions, self._order[row]
        if regions is None:
            return {}
        label, vma = regions.label[at], regions.vma[at]
        return {
            "address": f"{regions.start[at]:x}",
            "virt": human_size(regions.end[at] - regions.start[at]),
            "rss": human_size(regions.rss[at]),
            "pss": human_size(regions.pss[at]),
            "uss": human_size(regions.uss[at]),
            "swap": human_size(regions.swap[at]) if regions.swap[at] != 0 else "",
            "perms": regions.mappings.perms[vma],
            "kind": f"{label.cls.value}/{label.kind}",
            "whose": self._whose(at),
        }

    def _whose(self, at: int) -> str:
        regions = self._regions
        if regions is None:
            return ""
        name = regions.mappings.name[regions.vma[at]]
        whose = printable_text(owner_text(regions.label[at].owner)) or printable(name)
        return whose.rsplit("/", 1)[-1] if whose.startswith("/") and not self._has_room() else whose

    def _has_room(self) -> bool:
        """Whether paths are shown whole."""
        return self.size.width >= _WIDE

    def _style(self, row: int) -> Style:
        regions = self._regions
        return Style.null() if regions is None else class_style(regions.label[self._order[row]].cls.value)

    def _text(self, at: int) -> str:
        """What of a region is searched through, in small letters."""
        text = self._texts.get(at)
        if text is None:
            regions = self._regions
            assert regions is not None
            label, vma = regions.label[at], regions.vma[at]
            name = printable(regions.mappings.name[vma])
            words = (f"{regions.start[at]:x}", regions.mappings.perms[vma], label.cls.value, str(label.kind), name)
            text = self._texts[at] = " ".join((*words, self._whose(at))).lower()
        return text

    def on_rows_moved(self, event: Rows.Moved) -> None:
        """Explain the region under the cursor."""
        event.stop()
        if self.query_one(TabbedContent).active == "regions":
            self._show_region()

    def _show_region(self) -> None:
        moment, chosen = self._moment, self._chosen()
        view = self.query_one("#regions-page", PageView)
        self.query_one(SpaceLine).refresh()
        if moment is None:
            return
        if moment.explanation is None:
            view.show(told("no-regions-kept"))
        elif moment.inspection.regions is None:
            view.show(told("no-regions"))
        elif chosen is not None:
            view.show(region_page(moment.explanation, chosen))

    def on_rows_headed(self, event: Rows.Headed) -> None:
        """Sort by a column; by the same once more the other way round."""
        event.stop()
        if event.key in _SORTS:
            self._reversed = event.key == self._sort and not self._reversed
            self._sort_by(event.key)

    def action_sort_next(self) -> None:
        """Sort by the next column."""
        self._reversed = False
        self._sort_by(_SORTS[(_SORTS.index(self._sort) + 1) % len(_SORTS)])

    def action_turn(self) -> None:
        """Turn the order."""
        self._reversed = not self._reversed
        self._sort_by(self._sort)

    def _sort_by(self, key: str) -> None:
        self._sort = key
        self._show_regions(None)
        self.rows.move_to(0)
        self.action_part("regions")

    def filter_by(self, text: str) -> None:
        """Show only regions that have a text."""
        self._filter = text.lower()
        self._show_regions(None)
        self.action_part("regions")

    def row_text(self, row: int) -> str:
        """Address, permissions, class, kind, name and owner."""
        return self._text(self._order[row])

    def row_with(self, text: str, cursor: int, step: int) -> int | None:
        """The region that holds an address, or the next one that has a text."""
        self.action_part("regions")
        regions = self._regions
        try:
            address = address_of(text)
        except Misuse:
            address = None
        if regions is not None and address is not None:
            for row, at in enumerate(self._order):
                if regions.start[at] <= address < regions.end[at]:
                    return row
        return super().row_with(text, cursor, step)

    def action_part(self, name: str) -> None:
        """Show a part."""
        self.query_one(TabbedContent).active = name
        self.focus_body()

    def focus_body(self) -> None:
        """Let keys go to the part that is shown."""
        name = self.query_one(TabbedContent).active or "overview"
        (self.rows if name == "regions" else self.query_one(f"#{name}-page", PageView)).focus()

    def action_next_part(self, step: int) -> None:
        """Show the next part, or the one before."""
        names = list(TABS)
        now = self.query_one(TabbedContent).active or names[0]
        self.action_part(names[(names.index(now) + step) % len(names)])

    def action_mark(self) -> None:
        """What changes from now on is told."""
        if self._moment is not None:
            self._mark, self._marked_at = self._moment, time.monotonic()
            self.note = told("marked")
            self._show_part()
            self.write_lines()

    def action_back(self) -> None:
        """Show all regions again, where a filter is set; else let the process go, and back to the list."""
        if self._filter:
            self.filter_by("")
            self.write_lines()
            return
        self._one.close()
        if self._is_first:
            self.app.exit()
        else:
            self.app.pop_screen()


def _size(regions: Regions, at: int, key: str) -> int:
    """What is unknown counts as nothing."""
    if key == "virt":
        return regions.end[at] - regions.start[at]
    column: list[int | None] = getattr(regions, key)
    return column[at] or 0
