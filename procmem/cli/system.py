"""``procmem system``: the memory of all processes, in sums that count nothing twice."""

from typing import Any

import click

from procmem.analyse.system import GROUPINGS
from procmem.cli.flags import SYSTEM_FLAGS
from procmem.cli.output import flag_options
from procmem.cli.sizes import size_of
from procmem.cli.system_answer import SORTS, SystemWish, answer

__all__ = ["system"]

_EPILOG = """\b
Examples:
  procmem system                     all processes by PSS, the largest last
  procmem system --top 10 --human    the ten largest
  procmem system --by user           also: name, cgroup
  procmem system --by tree --name 'gunicorn.*'   a server and what one worker costs
  procmem system --quick --sort rss  status only: fast, without PSS and USS
  procmem system --classes           text, heap, stacks, ... over the whole machine

Only PSS, USS and swap are added up: they count each page once. The total of swap leaves out shared memory in
swap, which no process owns (see procmem swap).
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--sort", type=click.Choice(SORTS), help="Sort by this column; by PSS unless said otherwise.")
@click.option("--top", type=click.IntRange(min=0), metavar="N", help="Only the N largest.")
@click.option("--by", type=click.Choice([*GROUPINGS, "tree"]), help="Group processes, or show them as a tree.")
@click.option("--name", metavar="NAME", help="Only processes of this name (exact, or a regular expression).")
@click.option("--user", metavar="USER", help="Only processes of this user, by name or uid.")
@click.option("--min-size", default="0", metavar="SIZE", help="Only processes of at least this size (64K, 1M).")
@click.option("--procfs", metavar="DIR", help="Read another /proc tree, mounted or copied.")
@click.option("--from", "recording", metavar="PATH", help="Read the processes of a recording.")
@flag_options(SYSTEM_FLAGS)
def system(*, min_size: str, **others: Any) -> int:
    """Show the memory of all processes, without counting shared pages twice."""
    return answer(SystemWish(min_size=size_of(min_size), **others))
