"""``procmem diff``: what grew between two recordings, or between a recording and now."""

from __future__ import annotations

import os
import re

import click

from procmem.analyse.diff import Condition, Look, diff_report
from procmem.analyse.inspection import warnings_of
from procmem.cli.output import echo_json, size_format, table_options
from procmem.cli.sizes import size_of
from procmem.errors import AccessRefused, ExitStatus
from procmem.model.kinds import ByteClass
from procmem.queries.examine import examine
from procmem.queries.targets import Selection, TargetRef
from procmem.render.pages.diff import change_sheet, diff_json, diff_page
from procmem.render.sheet import to_csv, to_markdown

__all__ = ["diff"]

_CLASSES = (*(cls.value for cls in ByteClass), "total")
_EPILOG = """\b
Examples:
  procmem record 1234 --deep -o before.tar.gz; sleep 3600; procmem diff before.tar.gz 1234 --deep
  procmem diff monday.tar.gz friday.tar.gz
  procmem diff before.tar.gz 1234 --fail-if-grows 'heap>10%' --fail-if-grows 'total>64M'

Regions are matched by what they are (file, thread, arena, kind), so that two runs of a program compare, too. With
--deep, arenas of malloc are known by their threads. Of a recording with several processes: PATH:PID.
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--deep", is_flag=True, help="Also read the headers of malloc and of threads; see inspect --help.")
@click.option("--all", "everything", is_flag=True, help="Show unchanged regions, too.")
@click.option("--threshold", default="256K", metavar="SIZE", help="What changed by less is the same (256K).")
@click.option(
    "--fail-if-grows",
    "limits",
    multiple=True,
    metavar="CLASS>HOW",
    help="Exit with 7 if a class (or 'total') grew in memory and swap by more: 'heap>10%', 'total>64M' (repeatable).",
)
@table_options("procmem/diff/1")
def diff(
    before: str,
    after: str,
    *,
    deep: bool,
    everything: bool,
    threshold: str,
    limits: tuple[str, ...],
    unit: str | None,
    form: str | None,
) -> int:
    """Show what grew, shrank, came and went between A and B.

    A and B are recordings or pids.
    """
    conditions = [_condition(text) for text in limits]
    least = size_of(threshold, "--threshold")
    first, notes = _look(before, deep=deep)
    last, more = _look(after, deep=deep)
    notes = [f"{look.name}: {text}" for look, texts in ((first, notes), (last, more)) for text in texts]
    report = diff_report(first, last, threshold=max(least, 1), conditions=conditions, warnings=notes)
    size, heading = size_format(unit)
    if form == "json":
        echo_json([diff_json(report)], several=False)
    elif form is not None:
        sheet = change_sheet(report, everything=True)
        click.echo(to_csv(sheet) if form == "csv" else to_markdown(sheet, size), nl=False)
    else:
        click.echo(diff_page(report, size, heading, everything=everything), nl=False)
    return ExitStatus.MISMATCH if report.failed else ExitStatus.DONE


def _look(word: str, *, deep: bool) -> tuple[Look, list[str]]:
    with _ref(word).open() as target:
        seen = examine(target, deep=deep)
    if seen.regions is None or not seen.snapshot.has_usage:
        raise AccessRefused(seen.snapshot.pid or 0, "its smaps may not be read, so there is nothing to compare")
    return Look(word, seen.snapshot, seen.regions), list(warnings_of(seen.snapshot, seen.regions, seen.peek_problem))


def _ref(word: str) -> TargetRef:
    """One target; ``PATH:PID`` names a process of a recording that has several."""
    path, colon, pid = word.rpartition(":")
    if colon and pid.isdecimal() and not os.path.exists(word):
        return next(Selection((pid,), None, path, None, None, children=False).refs())
    return next(Selection((word,), None, None, None, None, children=False).refs())


def _condition(text: str) -> Condition:
    """``CLASS>HOW``: a class or total, and per cent or a size."""
    found = re.fullmatch(r"\s*([a-z]+)\s*>\s*(?:([0-9]+(?:\.[0-9]+)?)%|([0-9A-Za-z]+))\s*", text)
    if found is None or found[1] not in _CLASSES:
        raise click.UsageError(
            f"--fail-if-grows {text!r}: not CLASS>10% or CLASS>64M, where CLASS is one of {', '.join(_CLASSES)}"
        )
    if found[2] is not None:
        return Condition(text, found[1], None, float(found[2]))
    return Condition(text, found[1], size_of(found[3], "--fail-if-grows"), None)
