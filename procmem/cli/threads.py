"""``procmem threads``: which thread has which stack, and what threads share."""

import click

from procmem.analyse.inspection import warnings_of
from procmem.analyse.threads import thread_report
from procmem.cli.multi_target import for_each
from procmem.cli.output import echo_json, size_format, table_options
from procmem.cli.targets import Selection, TargetRef, target_options
from procmem.model.raw import Refusal
from procmem.model.reports.threads import ThreadReport
from procmem.queries.examine import FILES_OF_A_THREAD, examine
from procmem.render.pages.threads import thread_sheet, threads_json, threads_page
from procmem.render.sheet import to_csv, to_markdown

__all__ = ["threads"]

_EPILOG = """\b
Examples:
  procmem threads 1234            every thread with its stack
  procmem threads 1234 --deep     exact, by the C library's own lists
  procmem threads --from bug.tar.gz --json

"depth now" is the distance from the stack's top to the stack pointer, "deepest" to the lowest page ever
used. A thread that runs at this moment shows no stack pointer; ask again, or use --deep.
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@target_options
@click.option("--deep", is_flag=True, help="Also read the C library's own list of threads; see inspect --help.")
@table_options("procmem/threads/1")
def threads(targets: Selection, *, deep: bool, unit: str | None, form: str | None) -> int:
    """Show each thread with its stack, and what all threads share against what each owns."""

    def answer(ref: TargetRef) -> ThreadReport:
        with ref.open() as target:
            seen = examine(target, thread_files=FILES_OF_A_THREAD, deep=deep)
            files = target.names("fd")
            cwd, root = target.link("cwd"), target.link("root")
        return thread_report(
            seen.snapshot,
            seen.regions,
            seen.touched,
            open_files=None if isinstance(files, Refusal) else len(files),
            cwd=None if isinstance(cwd, Refusal) else cwd,
            root=None if isinstance(root, Refusal) else root,
            warnings=warnings_of(seen.snapshot, seen.regions, seen.peek_problem),
        )

    reports, status = for_each(targets.refs(), answer)
    size, heading = size_format(unit)
    if form == "json":
        echo_json([threads_json(report) for report in reports], several=targets.are_several(len(reports)))
    elif form == "csv":
        click.echo("\n".join(to_csv(thread_sheet(report)) for report in reports), nl=False)
    elif form == "markdown":
        click.echo("\n".join(to_markdown(thread_sheet(report), size) for report in reports), nl=False)
    else:
        click.echo("\n".join(threads_page(report, size, heading) for report in reports), nl=False)
    return status
