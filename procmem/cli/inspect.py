"""``procmem inspect``: what is in a process's memory."""

from __future__ import annotations

import click

from procmem.cli.answers import answer_inspect
from procmem.cli.flags import INSPECT_FLAGS
from procmem.cli.options import command, output_options
from procmem.cli.output import Output
from procmem.cli.region_options import need_classes, region_options
from procmem.cli.targets import target_options
from procmem.errors import Misuse
from procmem.model.kinds import ByteClass
from procmem.model.region_filter import RegionFilter
from procmem.queries.inspect import CLASSIC, SORTS, InspectOptions
from procmem.queries.targets import Selection
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
@output_options("procmem/inspect/1", flags=INSPECT_FLAGS, helps=words.FLAGS)
def inspect(targets: Selection, output: Output, only: RegionFilter, **others: Any) -> int:
    """Read, and show."""
    need_classes(only, CLASSIC if others["classic"] else tuple(ByteClass))
    options = InspectOptions(only=only, **others)
    if options.sort is not None and not options.lists_regions and (options.sort == "address" or output.form == "json"):
        raise Misuse("sort-needs-regions", column=options.sort)  # classes have no address, and JSON has them in order
    return answer_inspect(targets, options, output)
