"""``procmem account``: where the memory went, from VIRT to RES to PSS and USS, to the kB."""

from __future__ import annotations

import click

from procmem.cli.multi_target import show_each
from procmem.cli.options import command, output_options
from procmem.cli.output import Output
from procmem.cli.targets import target_options
from procmem.model.reports.account import AccountReport
from procmem.queries.account import account_of
from procmem.queries.targets import Selection, TargetRef
from procmem.render.pages.account import account_page
from procmem.text.help import account as words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.render.page import Page

__all__ = ["account"]


@command(help=words.HELP, epilog=words.EPILOG)
@target_options
@click.option("--tools", is_flag=True, help=words.TOOLS)
@output_options("procmem/account/1")
def account(targets: Selection, output: Output, *, tools: bool) -> int:
    """Read, and show."""

    def answer(ref: TargetRef) -> AccountReport:
        with ref.open() as target:
            report = account_of(target)
        if output.format.is_table:
            report.need_leaves()  # of which nothing else is shown
        return report

    def page(report: AccountReport) -> Page:
        return account_page(report, output.style.size, output.heading, tools_only=tools)

    return show_each(targets, answer, page, output)[1]
