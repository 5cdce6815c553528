"""``procmem watch``: how a process's memory changes, while it runs."""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Iterable

import click

from procmem.cli.error_handling import complain
from procmem.cli.multi_target import for_each
from procmem.cli.output import size_format, unicode_output
from procmem.cli.targets import target_options
from procmem.errors import NothingMatches, ProcessGone
from procmem.model.reports.watch import Watched
from procmem.queries.targets import Selection, TargetRef
from procmem.queries.watch import READING_SHARE, Watch
from procmem.render.pages.watch import watch_csv, watch_json, watch_line, watch_page

__all__ = ["watch"]

_EPILOG = """\b
Examples:
  procmem watch 1234                  redrawn on a terminal, one line each 2 s elsewhere
  procmem watch --name myserver       goes on when it is restarted
  procmem watch 1234 --classes        text, heap, stack, ... (walks its pages)
  procmem watch 1234 --json --count 30 > growth.jsonl
  procmem watch 1234 --csv --pss > growth.csv

Reads status only, unless --pss or --classes is given. Whatever is read, it takes at most 1 % of the time: the
interval grows by itself where reading costs too much. Ctrl-C ends it, with status 130.
"""
_HOME_AND_CLEAR = "\x1b[H\x1b[J"


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@target_options
@click.option(
    "--interval", type=click.FloatRange(0.01, 86_400), default=2.0, metavar="SECONDS", help="Time between looks (2)."
)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after N looks.")
@click.option("--pss", "depth", flag_value="pss", help="Also PSS and USS (smaps_rollup).")
@click.option("--classes", "depth", flag_value="classes", help="Also memory and swap of each class (smaps).")
@click.option("--bytes", "unit", flag_value="bytes", help="Sizes in bytes.")
@click.option("--human", "unit", flag_value="human", help="Sizes with units, such as 1.5 MiB.")
@click.option("--json", "form", flag_value="json", help="One JSON document a line, schema procmem/watch/1.")
@click.option("--csv", "form", flag_value="csv", help="A row for each figure at each look, in bytes.")
def watch(
    targets: Selection, *, interval: float, count: int | None, depth: str | None, unit: str | None, form: str | None
) -> int:
    """Show how the memory of processes changes, while they run."""
    if targets.recording is not None:
        raise click.UsageError("a recording does not change; compare two with: procmem diff A B")
    gc.enable()  # unlike all other commands, this one may run for days
    began = time.monotonic()

    def start(ref: TargetRef) -> Watch:
        if not ref.source.is_live:
            raise click.UsageError(f"{ref.name}: a recording does not change; compare two with: procmem diff A B")
        return Watch(ref.open(), began=began, depth=depth or "status")

    watches, status = for_each(targets.refs(), start)
    looks = 0
    while watches or (targets.name and not status):
        started = time.monotonic()
        seen, watches, gone = _looks(watches)
        for error in gone:
            complain(error)
        _show(seen, unit, form, is_first=not looks)
        looks += 1
        if count is not None and looks >= count:
            break
        if not watches and not targets.name:
            return gone[-1].exit_code if gone else status
        cost = sum(item.cost for item in watches)
        pause = max(interval, cost / READING_SHARE) - (time.monotonic() - started)
        time.sleep(max(pause, 0.0))
        if targets.name and (gone or not watches):
            watches += _restarted(targets, watches, start)
    return status


def _looks(watches: Iterable[Watch]) -> tuple[list[Watched], list[Watch], list[ProcessGone]]:
    """Look at all: what was seen, who is still there, who is not."""
    seen, alive, gone = [], [], []
    for item in watches:
        try:
            seen.append(item.look())
            alive.append(item)
        except ProcessGone as error:
            item.close()
            gone.append(error)
    return seen, alive, gone


def _restarted(targets: Selection, watches: Iterable[Watch], start: object) -> list[Watch]:
    """Processes of the name that are not watched yet."""
    known = {item.pid for item in watches}
    found = []
    try:
        for ref in targets.refs():
            if ref.pid not in known and callable(start):
                found.append(start(ref))
    except (NothingMatches, ProcessGone):
        pass  # not yet: we look again after the next interval
    return found


def _show(seen: list[Watched], unit: str | None, form: str | None, *, is_first: bool) -> None:
    size, heading = size_format(unit)
    if form == "json":
        text = "".join(json.dumps(watch_json(item)) + "\n" for item in seen)
    elif form == "csv":
        text = watch_csv(seen, heading=is_first)
    elif sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        text = _HOME_AND_CLEAR + watch_page(seen, size, heading, unicode=unicode_output())
    else:
        text = "".join(watch_line(item, size) for item in seen)
    click.echo(text, nl=False)
    sys.stdout.flush()
