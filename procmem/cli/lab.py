"""``procmem lab``: experiments that ask the real kernel what the simulator has predicted."""

import os
import signal

import click

from procmem.cli.flags import UNITLESS_FLAGS
from procmem.cli.options import command, output_options
from procmem.cli.output import Output
from procmem.errors import CannotWrite, ExitStatus, Misuse
from procmem.model.reports.lab import LabVerdict, Result
from procmem.text.help import lab as words

__all__ = ["lab"]


@command(help=words.HELP, epilog=words.EPILOG)
@click.argument("names", nargs=-1, metavar="[EXPERIMENT...]")
@click.option("--all", "everything", is_flag=True, help=words.ALL)
@click.option("--report", metavar="FILE", help=words.REPORT)
@output_options("procmem/lab/1", flags=UNITLESS_FLAGS, helps=words.FLAGS)
def lab(output: Output, names: tuple[str, ...], everything: bool, report: str | None) -> int:
    """Run, and show each result when it is there."""
    from procmem.lab.catalogue import experiments, named, run_all  # noqa: PLC0415  # not needed for --help
    from procmem.render.pages.lab import list_page, result_page, results_page  # noqa: PLC0415

    if everything and names:
        raise Misuse("all-and-names")
    if not everything and not names:
        if report is not None:
            raise Misuse("report-needs-results")
        output.show([list_page((one.name, one.row, one.root) for one in experiments())])
        return ExitStatus.DONE
    chosen = experiments() if everything else named(names)
    if report is not None:
        from procmem.queries.save import may_save_text  # noqa: PLC0415  # only with --report

        may_save_text(report)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    results: list[Result] = []
    closed: OSError | None = None
    for result in run_all(chosen):
        results.append(result)
        if output.form is None and closed is None:
            try:
                output.show_part(result_page(result))
            except OSError as error:
                if report is None:
                    raise
                closed = error  # nobody reads along any more: the report is written all the same
    unwritten: CannotWrite | None = None
    if report is not None:  # before the page, which may meet a closed pipe
        try:
            _write_report(report, results)
        except CannotWrite as error:
            unwritten = error
    if closed is not None:
        raise closed
    output.show([results_page(results)])
    if unwritten is not None:
        raise unwritten
    differs = any(result.verdict is LabVerdict.DIFFERS for result in results)
    return ExitStatus.MISMATCH if differs else ExitStatus.DONE


def _interrupted(number: int, frame: object) -> None:
    """Let a request to end pass through everything that must be undone first."""
    del number, frame
    raise KeyboardInterrupt


def _write_report(path: str, results: list[Result]) -> None:
    from procmem.queries.save import save_text  # noqa: PLC0415  # only with --report
    from procmem.render.pages.lab_html import lab_html  # noqa: PLC0415

    system = os.uname()
    machine = f"Linux {system.release}, {system.machine}, {os.cpu_count()} processors"
    save_text(path, lab_html(results, machine=machine))
