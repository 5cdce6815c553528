"""``procmem diff``: what grew between two recordings, or between a recording and now."""

import click

from procmem.cli.options import command, output_options
from procmem.cli.output import Output
from procmem.errors import ExitStatus, Misuse
from procmem.queries.diff import conditions_of
from procmem.queries.diff import diff as compare
from procmem.queries.options import size_of
from procmem.queries.series import names_a_series, report_of
from procmem.queries.targets import one_target
from procmem.render.pages.diff import diff_page
from procmem.render.pages.series import series_page
from procmem.text.help import diff as words

__all__ = ["diff"]


@command(help=words.HELP, epilog=words.EPILOG)
@click.argument("before", metavar="A")
@click.argument("after", metavar="[B]", required=False)
@click.option("--deep", is_flag=True, help=words.DEEP)
@click.option("--all", "everything", is_flag=True, help=words.ALL)
@click.option("--threshold", default="256K", metavar="SIZE", help=words.THRESHOLD)
@click.option("--fail-if-grows", "limits", multiple=True, metavar="CLASS>HOW", help=words.FAIL)
@output_options("procmem/diff/1", helps=words.FLAGS)
def diff(
    before: str,
    after: str | None,
    output: Output,
    *,
    deep: bool,
    everything: bool,
    threshold: str,
    limits: tuple[str, ...],
) -> int:
    """Read both, and show."""
    conditions = conditions_of(limits)
    if after is None:
        if not names_a_series(before):
            raise Misuse("second-look-missing", name=before)
        output.show([series_page(report_of(before), output.style, output.heading, everything=everything)])
        return ExitStatus.DONE
    least = max(size_of(threshold, "--threshold"), 1)
    report = compare(one_target(before), one_target(after), deep=deep, threshold=least, conditions=conditions)
    output.show([diff_page(report, output.heading, everything=everything)])
    return ExitStatus.MISMATCH if report.failed else ExitStatus.DONE
