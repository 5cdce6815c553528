"""``procmem account``: where the memory went, from VIRT to RES to PSS and USS, to the kB."""

from __future__ import annotations

import click

from procmem.cli.answers import answer_account
from procmem.cli.options import command, output_options
from procmem.cli.output import Output
from procmem.cli.targets import target_options
from procmem.queries.targets import Selection
from procmem.text.help import account as words

__all__ = ["account"]


@command(help=words.HELP, epilog=words.EPILOG)
@target_options
@click.option("--tools", is_flag=True, help=words.TOOLS)
@output_options("procmem/account/1")
def account(targets: Selection, output: Output, *, tools: bool) -> int:
    """Read, and show."""
    return answer_account(targets, output, tools=tools)
