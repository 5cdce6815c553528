"""``procmem report``: everything about several processes, series and simulations in one HTML file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import click

from procmem import __version__
from procmem.cli.layout import layout_options, script_of, started_program
from procmem.cli.multi_target import for_each
from procmem.cli.options import command
from procmem.cli.output import echo
from procmem.cli.targets import optional_targets
from procmem.errors import Misuse
from procmem.model.named_tuple import NamedTuple
from procmem.model.simulation import Stage
from procmem.queries.save import may_save_text, save_text
from procmem.queries.series import names_a_series
from procmem.queries.targets import Selection, TargetRef
from procmem.render.escaping import printable_text
from procmem.text.help import report as words
from procmem.text.help.simulate import OPTIONS
from procmem.text.pages.report import told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from procmem.model.reports.report import Subject

__all__ = ["report"]

_STANDARD_OUTPUT = "-"
_TEXTBOOK = "textbook"


class _SeriesRef(NamedTuple):
    """A series, and who of it is wanted."""

    path: str
    selection: Selection


class _ProgramRef(NamedTuple):
    """A program to simulate, by its path; None for the one of the textbook."""

    path: str | None


_Shown = TargetRef | _SeriesRef | _ProgramRef


@command(help=words.HELP, epilog=words.EPILOG)
@optional_targets
@click.option("-o", "--output", required=True, metavar="FILE", help=words.OUTPUT)
@click.option("--deep", is_flag=True, help=words.DEEP)
@click.option("--growth", "growths", multiple=True, metavar="FILE", help=words.GROWTH)
@click.option("--simulate", "programs", multiple=True, metavar="ELF", help=words.SIMULATE)
@click.option("--stage", type=click.Choice(["exec", "entry", "main"]), default="main", help=OPTIONS["stage"])
@click.option("--script", metavar="FILE", help=words.SCRIPT)
@layout_options
def report(
    targets: Selection, output: str, *, deep: bool, growths: tuple[str, ...], programs: tuple[str, ...], **given: Any
) -> int:
    """Read, simulate, and write."""
    from procmem.queries.report import (  # noqa: PLC0415  # not needed for --help
        growths_in,
        memory_report,
        subject_of,
        subjects_of_series,
    )
    from procmem.render.html.report import need_templates, report_html  # noqa: PLC0415  # the same

    if targets.is_empty and not programs and not growths:
        raise Misuse("name-a-process")
    need_templates()
    if output != _STANDARD_OUTPUT:
        may_save_text(output)

    def answer(ref: _Shown) -> tuple[list[Subject], int]:
        if isinstance(ref, _SeriesRef):
            return subjects_of_series(ref.path, ref.selection)
        if isinstance(ref, _ProgramRef):
            return [_simulated(ref.path, given)], 0
        with ref.open() as target:
            return [subject_of(target, ref.name, deep=deep)], 0

    grown = [one for path in growths for one in growths_in(path)]
    wanted = () if targets.is_empty and not programs else _all(targets, programs)
    found, status = for_each(wanted, answer)
    subjects = [subject for some, _ in found for subject in some]
    if not subjects and not grown:
        return status
    left_out = sum(more for _, more in found)
    text = report_html(memory_report(subjects, version=__version__, left_out=left_out, growths=grown))
    if output == _STANDARD_OUTPUT:
        echo(text)
        return status
    save_text(output, text)
    with contextlib.suppress(OSError):  # it is written; that nobody can be told so is no failure
        click.echo(printable_text(told("written", count=len(subjects) or len(grown), path=output)), err=True)
    return status


def _all(targets: Selection, programs: tuple[str, ...]) -> Iterator[_Shown]:
    """Everything to show, in the order of the command line; simulations are last."""
    if targets.recording is not None:
        is_series = names_a_series(targets.recording)
        yield from [_SeriesRef(targets.recording, targets)] if is_series else targets.refs()
    else:
        for word in targets.words:
            if names_a_series(word):
                yield _SeriesRef(word, Selection((), recording=word))
            else:
                yield from targets._replace(words=(word,), name=None, user=None).refs()
        if targets.name or targets.user:
            yield from targets._replace(words=()).refs()
    yield from (_ProgramRef(None if path == _TEXTBOOK else path) for path in programs)


def _simulated(path: str | None, given: dict[str, Any]) -> Subject:
    """A program at a stage, or after the last step of a script."""
    from procmem.queries import simulate as query  # noqa: PLC0415  # only with --simulate
    from procmem.queries.report import subject_of_simulation  # noqa: PLC0415  # the same

    given = {**given, "threads": 0}
    files, settings = started_program(() if path is None else (path,), given)
    stage = Stage(given["stage"])
    script = script_of(given, has_program=path is not None, stage=stage)
    _, prediction = query.predictions(files, settings, stage, script, every=False)[-1]
    return subject_of_simulation(path or _TEXTBOOK, prediction, files)
