"""``procmem watch``: how a process's memory changes, while it runs."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import click

from procmem.cli.error_handling import complain
from procmem.cli.flags import UNIT_FLAGS, format_flags
from procmem.cli.live import can_redraw, show_look
from procmem.cli.multi_target import complain_of_ended, for_each
from procmem.cli.options import Seconds, command, flag_options, terminal_options
from procmem.cli.output import Output, echo
from procmem.cli.targets import target_options
from procmem.errors import AccessRefused, ExitStatus, Misuse, NothingMatches, ProcessGone, ProcmemError
from procmem.model.reports.watch import Watched
from procmem.queries.series import SERIES_SHARE, SeriesOptions, names_a_series, record_series, replayed
from procmem.queries.targets import Selection, TargetRef
from procmem.queries.watch import READING_SHARE, Watch
from procmem.render.escaping import printable_text
from procmem.render.formats import FORMATS
from procmem.render.json.series import look_line
from procmem.render.pages.watch import watch_line, watch_page
from procmem.text.help import watch as words
from procmem.text.help.record import written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["look_at_all", "watch"]

_FLAGS = (*UNIT_FLAGS, *format_flags(one for one in FORMATS if one.goes_on))


@command(help=words.HELP, epilog=words.EPILOG)
@target_options
@click.option("--interval", type=Seconds(0.01, 86_400), default=2.0, metavar="SECONDS", help=words.INTERVAL)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help=words.COUNT)
@click.option("--pss", "depth", flag_value="pss", help=words.PSS)
@click.option("--classes", "depth", flag_value="classes", help=words.CLASSES)
@click.option("--keep", metavar="FILE", help=words.KEEP)
@click.option("--reset-peak", is_flag=True, help=words.RESET_PEAK)
@flag_options(_FLAGS, helps=words.FLAGS)
@terminal_options
def watch(
    targets: Selection,
    *,
    interval: float,
    count: int | None,
    depth: str | None,
    keep: str | None,
    reset_peak: bool,
    **given: Any,
) -> int:
    """Look, show, wait; and again."""
    output = Output(**given)
    if targets.recording is not None:
        if not names_a_series(targets.recording):
            raise Misuse("recording-still")
        for number, seen in enumerate(islice(replayed(targets), count)):
            _show(seen, output, is_first=not number, redraw=False)
        return ExitStatus.DONE
    gc.enable()  # unlike all other commands, this one may run for days
    began = time.monotonic()

    def start(ref: TargetRef) -> Watch:
        if not ref.source.is_live:
            raise Misuse("recording-still-of", name=ref.name)
        return Watch(ref.open(), began=began, depth=depth or "status", reset_peak=reset_peak)

    watches, status = for_each(targets.refs(), start)
    looks, shown = 0, False
    with _keeping(targets, keep) as kept:
        while watches or (targets.name and not status):
            started = time.monotonic()
            seen, watches, gone = look_at_all(watches)
            complain_of_ended([error for error in gone if isinstance(error, ProcessGone)])
            for error in gone:
                if not isinstance(error, ProcessGone):
                    complain(error)
            if gone and not looks and not status:  # of several that were asked for
                refused = [error.exit_code for error in gone if isinstance(error, AccessRefused)]
                status = max(refused, default=ExitStatus.SOME_MISSING)
            looks += 1
            least = max(sum(item.cost for item in watches) / READING_SHARE, kept())
            pause = max(interval, least)
            due = None if looks == count else pause
            if seen:
                slowed = least > interval
                _show([one._replace(due=due, slowed=slowed) for one in seen], output, is_first=not shown)
                shown = True
            if not watches and not targets.name:
                return gone[-1].exit_code if gone else status
            if due is None:
                break
            time.sleep(max(pause - (time.monotonic() - started), 0.0))
            if targets.name and (gone or not watches):
                watches += _restarted(targets, watches, start)
    return status


@contextlib.contextmanager
def _keeping(targets: Selection, path: str | None) -> Iterator[Callable[[], float]]:
    """What adds a look to a series at each call, where there is one; it gives the least seconds until the next."""
    if path is None:
        yield lambda: 0.0
        return
    looks = 0
    series = record_series(targets, path, SeriesOptions(every=0.0), look_line, pause=_no_pause)

    def keep() -> float:
        nonlocal looks
        for look, _ in series:
            looks += 1
            return look.cost / SERIES_SHARE
        return 0.0

    try:
        yield keep
    finally:
        series.close()
        if looks:
            with contextlib.suppress(OSError):
                click.echo(printable_text(written(looks, looks, path)), err=True)


def _no_pause(seconds: float) -> None:
    """Whoever watches waits."""
    del seconds


def look_at_all(watches: Iterable[Watch]) -> tuple[list[Watched], list[Watch], list[ProcmemError]]:
    """Look at all: what was seen, who is still there, who is not, or may not be read."""
    seen: list[Watched] = []
    alive: list[Watch] = []
    gone: list[ProcmemError] = []
    for item in watches:
        try:
            seen.append(item.look())
            alive.append(item)
        except (ProcessGone, AccessRefused) as error:
            item.close()
            # a trace would lead to this frame, and it to the error: the process's folder would stay open in that circle
            gone.append(error.with_traceback(None))
    return seen, alive, gone


def _restarted(targets: Selection, watches: Iterable[Watch], start: Callable[[TargetRef], Watch]) -> list[Watch]:
    """Processes of the name that are not watched yet."""
    known = {item.pid for item in watches}
    found = []
    try:
        for ref in targets.refs():
            if ref.pid not in known:
                found.append(start(ref))
    except (NothingMatches, ProcessGone):
        pass  # not yet: we look again after the next interval
    return found


def _show(seen: list[Watched], output: Output, *, is_first: bool, redraw: bool = True) -> None:
    style = output.style
    if output.format.goes_on or (redraw and can_redraw()):
        show_look([watch_page(item, style, output.heading) for item in seen], output, is_first=is_first)
    else:
        echo("".join(watch_line(item, style) for item in seen))
