"""``procmem system``: the memory of all processes, in sums that count nothing twice."""

from __future__ import annotations

import click

from procmem.cli.answers import answer_system
from procmem.cli.flags import SYSTEM_FLAGS
from procmem.cli.lazy_completion import completed_from
from procmem.cli.live import watch_system
from procmem.cli.options import Seconds, command, output_options
from procmem.cli.output import Output
from procmem.cli.region_options import need_classes
from procmem.errors import Misuse
from procmem.model.kinds import ByteClass
from procmem.queries.all_processes import GROUPINGS, SORTS, SystemOptions
from procmem.queries.options import size_of
from procmem.text.help import options as shared_words
from procmem.text.help import system as words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["system"]


@command(help=words.HELP, epilog=words.EPILOG)
@click.option("--sort", type=click.Choice(SORTS), help=words.SORT)
@click.option("--top", type=click.IntRange(min=0), metavar="N", help=words.TOP)
@click.option("--by", type=click.Choice(GROUPINGS), help=words.BY)
@click.option("--name", metavar="NAME", help=words.NAME)
@click.option("--user", metavar="USER", help=words.USER)
@click.option("--cgroup", metavar="TEXT", help=words.CGROUP)
@click.option(
    "--class",
    "only",
    multiple=True,
    metavar="CLASS",
    shell_complete=completed_from(lambda: ByteClass),
    help=words.CLASS,
)
@click.option("--min-size", default="0", metavar="SIZE", help=words.MIN_SIZE)
@click.option("--watch", "every", type=Seconds(0.1, 86_400), metavar="SECONDS", help=words.WATCH)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help=words.COUNT)
@click.option("--procfs", metavar="DIR", help=shared_words.PROCFS)
@click.option("--from", "recording", metavar="PATH", help=words.FROM)
@output_options("procmem/system/1", flags=SYSTEM_FLAGS, helps=words.FLAGS)
def system(output: Output, min_size: str, every: float | None, count: int | None, **others: Any) -> int:
    """Read, and show."""
    if others["quick"] and others["sort"] in ("pss", "uss"):
        raise Misuse("sort-needs-sizes", column=others["sort"])
    if others["mappings"] and others["sort"] in ("pid", "user"):
        raise Misuse("sort-of-processes", column=others["sort"])
    need_classes(others["only"], tuple(ByteClass))
    options = SystemOptions(min_size=size_of(min_size), **others)
    if every is not None:
        return watch_system(options, output, every=every, count=count)
    return answer_system(options, output)
