"""``procmem account``: where the memory went, from VIRT to RES to PSS and USS, to the kB."""

import click

from procmem.cli.multi_target import for_each
from procmem.cli.output import echo_json, size_format, table_options
from procmem.cli.targets import target_options
from procmem.model.reports.account import AccountReport
from procmem.queries.account import account_of
from procmem.queries.targets import Selection, TargetRef
from procmem.render.pages.account import account_json, account_page, account_sheet
from procmem.render.sheet import to_csv, to_markdown

__all__ = ["account"]

_EPILOG = """\b
Examples:
  procmem account 1234            where its memory went, and who says which figure
  procmem account 1234 --json     leaves that add up to each total
  procmem account --from bug.tar.gz

smaps is read once, smaps_rollup twice: on a process of many GiB that takes some 25 ms per GiB in memory.
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@target_options
@table_options("procmem/account/1")
def account(targets: Selection, *, unit: str | None, form: str | None) -> int:
    """Divide VIRT, RES, PSS and swap into parts that add up, and say why tools differ."""

    def answer(ref: TargetRef) -> AccountReport:
        with ref.open() as target:
            return account_of(target)

    reports, status = for_each(targets.refs(), answer)
    size, heading = size_format(unit)
    if form == "json":
        echo_json([account_json(report) for report in reports], several=targets.are_several(len(reports)))
    elif form is not None:
        sheets = [account_sheet(report) for report in reports]
        click.echo("\n".join(to_csv(s) if form == "csv" else to_markdown(s, size) for s in sheets), nl=False)
    else:
        click.echo("\n".join(account_page(report, size, heading) for report in reports), nl=False)
    return status
