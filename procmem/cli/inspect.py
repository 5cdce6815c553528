"""``procmem inspect``: what is in a process's memory."""

from __future__ import annotations

import click

from procmem.cli.answers import answer_inspect
from procmem.cli.flags import INSPECT_FLAGS
from procmem.cli.options import command, output_options
from procmem.cli.output import Output
from procmem.cli.region_options import need_classes, region_options
from procmem.cli.targets import target_options
from procmem.errors import ExitStatus, Misuse
from procmem.model.kinds import ByteClass
from procmem.model.region_filter import RegionFilter
from procmem.model.reports.profile import MEASURES
from procmem.queries.inspect import CLASSIC, SORTS, InspectOptions
from procmem.queries.series import names_a_series, processes_at
from procmem.queries.targets import Selection
from procmem.render.pages.inspect import inspect_page
from procmem.render.picture_layout import LINEAR, LOG
from procmem.render.profiles import PROFILES
from procmem.text.help import inspect as words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["inspect"]


@command(help=words.HELP, epilog=words.EPILOG)
@target_options
@region_options
@click.option("--sort", type=click.Choice(SORTS), help=words.SORT)
@click.option("--since", metavar="A", help=words.SINCE)
@click.option("--at", "moment", metavar="TIME", help=words.AT)
@click.option("--svg", metavar="FILE", help=words.SVG)
@click.option("--scale", type=click.Choice([LOG, LINEAR]), default=LOG, help=words.SCALE)
@click.option("--format", "profile", type=click.Choice(list(PROFILES)), help=words.FORMAT)
@click.option("--value", type=click.Choice(MEASURES), default="rss", help=words.VALUE)
@output_options("procmem/inspect/1", flags=INSPECT_FLAGS, helps=words.FLAGS)
def inspect(
    targets: Selection,
    output: Output,
    only: RegionFilter,
    moment: str | None,
    svg: str | None,
    scale: str,
    profile: str | None,
    value: str,
    **others: Any,
) -> int:
    """Read, and show."""
    if svg is not None or profile is not None:
        return _export(targets, svg, scale, profile, value, deep=others["deep"])
    need_classes(only.classes, CLASSIC if others["classic"] else tuple(ByteClass))
    options = InspectOptions(only=only, **others)
    if options.sort is not None and not options.lists_regions and (options.sort == "address" or output.form == "json"):
        raise Misuse("sort-needs-regions", column=options.sort)  # classes have no address, and JSON has them in order
    if targets.recording is not None and names_a_series(targets.recording):
        return _of_series(targets, moment, options, output)
    if moment is not None:
        raise Misuse("not-a-series", name=targets.recording or " ".join(targets.words))
    return answer_inspect(targets, options, output)


def _export(targets: Selection, svg: str | None, scale: str, profile: str | None, value: str, *, deep: bool) -> int:
    """What is made for other programs."""
    from procmem.cli.exports import export_profile, export_svg  # noqa: PLC0415  # seldom

    if targets.recording is not None and names_a_series(targets.recording):
        raise Misuse("series-as-recording", name=targets.recording)
    if svg is not None:
        return export_svg(targets, svg, scale, deep=deep)
    assert profile is not None
    return export_profile(targets, profile, value, deep=deep)


def _of_series(targets: Selection, moment: str | None, options: InspectOptions, output: Output) -> int:
    """The processes of one look of a series."""
    if options.lists_regions or options.picture or options.deep:
        raise Misuse("series-as-recording", name=targets.recording)
    found = processes_at(targets, moment)
    pages = [
        inspect_page(report, output.heading, listed=None, sort=options.sort)._replace(
            of=(("pid", "count", report.process.pid),)
        )
        for report in found
    ]
    output.show(pages, several=targets.are_several(len(pages)))
    return ExitStatus.DONE
