"""``procmem threads``: which thread has which stack, and what threads share."""

import click

from procmem.cli.multi_target import show_each
from procmem.cli.options import command, output_options
from procmem.cli.output import Output
from procmem.cli.targets import target_options
from procmem.model.reports.threads import ThreadReport
from procmem.queries.targets import Selection, TargetRef
from procmem.queries.threads import threads_of
from procmem.render.pages.threads import threads_page
from procmem.text.help import threads as words

__all__ = ["threads"]


@command(help=words.HELP, epilog=words.EPILOG)
@target_options
@click.option("--deep", is_flag=True, help=words.DEEP)
@output_options("procmem/threads/1")
def threads(targets: Selection, output: Output, *, deep: bool) -> int:
    """Read, and show."""

    def answer(ref: TargetRef) -> ThreadReport:
        with ref.open() as target:
            return threads_of(target, deep=deep)

    return show_each(targets, answer, lambda report: threads_page(report, output.heading), output)[1]
