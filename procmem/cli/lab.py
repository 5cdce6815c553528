"""``procmem lab``: experiments that ask the real kernel what the simulator has predicted."""

import os
import signal
import sys

import click

from procmem.cli.output import echo_json
from procmem.errors import ExitStatus
from procmem.model.reports.lab import LabVerdict, Result

__all__ = ["lab"]

_EPILOG = """\b
Examples:
  procmem lab                        the list, in the order of the theory
  procmem lab demand-paging          one experiment
  procmem lab M6 M7                  those of a row of the theory
  procmem lab --all --report lab.html

\b
Exit status: 0 when all that ran agree, 7 when any differs.
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, metavar="[EXPERIMENT...]")
@click.option("--all", "everything", is_flag=True, help="Run every experiment.")
@click.option("--report", metavar="FILE", help="Also write one HTML page of the results.")
@click.option("--json", "as_json", is_flag=True, help="Schema procmem/lab/1.")
def lab(names: tuple[str, ...], everything: bool, report: str | None, as_json: bool) -> int:
    """Make the real kernel do what the theory says, and lay its figures beside the predicted ones.

    Each experiment works in a process of its own, and undoes what it changed. Without a name: the list.
    """
    from procmem.lab.catalogue import experiments, named, run_all  # noqa: PLC0415  # not needed for --help
    from procmem.render.pages.lab import lab_json, list_page, result_page, summary_line  # noqa: PLC0415

    if everything and names:
        raise click.UsageError("--all runs every experiment: name none")
    if not everything and not names:
        if report is not None:
            raise click.UsageError("--report needs results: --all, or names of experiments")
        if as_json:
            listed = [{"name": one.name, "row": one.row, "title": one.title, "root": one.root} for one in experiments()]
            echo_json([{"schema": "procmem/lab-list/1", "experiments": listed}], several=False)
        else:
            click.echo(list_page((one.name, one.row, one.title, one.root) for one in experiments()), nl=False)
        return ExitStatus.DONE
    chosen = experiments() if everything else named(names)
    if report is not None:
        from procmem.sources.recording.write import may_save_text  # noqa: PLC0415  # only with --report

        may_save_text(report)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    results = []
    for result in run_all(chosen):
        results.append(result)
        if not as_json:
            click.echo(result_page(result))
            sys.stdout.flush()
    if as_json:
        echo_json([lab_json(results)], several=False)
    else:
        click.echo(summary_line(results), nl=False)
    if report is not None:
        _write_report(report, results)
    differs = any(result.verdict is LabVerdict.DIFFERS for result in results)
    return ExitStatus.MISMATCH if differs else ExitStatus.DONE


def _interrupted(number: int, frame: object) -> None:
    """Let a request to end pass through everything that must be undone first."""
    del number, frame
    raise KeyboardInterrupt


def _write_report(path: str, results: list[Result]) -> None:
    from procmem.render.pages.lab_html import lab_html  # noqa: PLC0415  # only with --report
    from procmem.sources.recording.write import save_text  # noqa: PLC0415

    system = os.uname()
    machine = f"Linux {system.release}, {system.machine}, {os.cpu_count()} processors"
    save_text(path, lab_html(results, machine=machine))
