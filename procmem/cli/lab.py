"""``procmem lab``: experiments that ask the real kernel what the simulator has predicted."""

from __future__ import annotations

import os
from collections.abc import Iterable

import click

from procmem.cli.error_handling import say
from procmem.cli.flags import UNITLESS_FLAGS
from procmem.cli.lazy_completion import completed_from
from procmem.cli.options import command, output_options
from procmem.cli.output import Output
from procmem.errors import AccessRefused, CannotWrite, ExitStatus, Misuse, OutputFailed
from procmem.model.reports.lab import LabVerdict, Restored, RestoreOutcome, Result, Skipped
from procmem.text.help import lab as words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.lab.machine_state import Listener

__all__ = ["lab"]


def _names() -> list[str]:
    from procmem.lab.catalogue import experiments  # noqa: PLC0415  # not needed for --help

    return [one.name for one in experiments()]


@command(help=words.HELP, epilog=words.EPILOG)
@click.argument("names", nargs=-1, metavar="[EXPERIMENT...]", shell_complete=completed_from(_names))
@click.option("--all", "everything", is_flag=True, help=words.ALL)
@click.option("--report", metavar="FILE", help=words.REPORT)
@click.option("--restore", "restoring", is_flag=True, help=words.RESTORE)
@output_options("procmem/lab/1", flags=UNITLESS_FLAGS, helps=words.FLAGS)
def lab(output: Output, names: tuple[str, ...], everything: bool, report: str | None, restoring: bool) -> int:
    """Run, and show each result when it is there."""
    from procmem.lab.catalogue import experiments, named, run_all  # noqa: PLC0415  # not needed for --help
    from procmem.lab.machine_state import recover  # noqa: PLC0415  # the same
    from procmem.queries.signals import listening  # noqa: PLC0415  # the same
    from procmem.render.pages.lab import list_page  # noqa: PLC0415  # the same

    if everything and names:
        raise Misuse("all-and-names")
    if restoring and names:
        raise Misuse("restore-and-names")
    if not everything and not names and report is not None:
        raise Misuse("report-needs-results")
    chosen = experiments() if everything else named(names)
    if report is not None:
        from procmem.queries.save import may_save_text  # noqa: PLC0415  # only with --report

        may_save_text(report)
    with listening():
        if restoring:
            return _restore(output)
        listener, failed = _listener()
        recover(listener)
        if not chosen:
            output.show([list_page((one.name, one.row, one.root) for one in experiments())])
            return ExitStatus.DONE
        status = _show(run_all(chosen, listener), output, report)
        return ExitStatus.CANNOT_WRITE if failed and status == ExitStatus.DONE else status


def _show(ran: Iterable[Result], output: Output, report: str | None) -> int:
    from procmem.render.pages.lab import result_page, results_page  # noqa: PLC0415  # not needed for --help

    results: list[Result] = []
    closed: OSError | OutputFailed | None = None
    for result in ran:
        results.append(result)
        if output.form is None and closed is None:
            try:
                output.show_part(result_page(result))
            except (OSError, OutputFailed) as error:
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


def _restore(output: Output) -> int:
    """Undo what is left, and show it."""
    from procmem.lab.machine_state import restore_machine  # noqa: PLC0415  # not needed for --help
    from procmem.render.pages.lab import restored_page  # noqa: PLC0415  # the same
    from procmem.text.lab import reason_text  # noqa: PLC0415  # the same

    if os.geteuid() != 0:
        raise AccessRefused(None, "restore-needs-root")
    try:
        leftovers = restore_machine(_listener()[0])
    except Skipped as why:
        raise AccessRefused(None, "cannot-restore", why=reason_text(why.reason)) from why
    output.show([restored_page(leftovers)])
    failed = any(one.outcome is RestoreOutcome.FAILED for one in leftovers)
    return ExitStatus.CANNOT_WRITE if failed else ExitStatus.DONE


def _listener() -> tuple[Listener, list[Restored]]:
    """What happens beside the experiments is a note on stderr; and a list that gets what could not be put back."""
    from procmem.lab.machine_state import Listener  # noqa: PLC0415  # not needed for --help
    from procmem.render.pages.lab import restored_line, waiting_line  # noqa: PLC0415  # the same
    from procmem.text.pages.output import note  # noqa: PLC0415  # the same

    failed: list[Restored] = []

    def restored(one: Restored) -> None:
        say(note(restored_line(one)))
        if one.outcome is RestoreOutcome.FAILED:
            failed.append(one)

    return Listener(waits=lambda holder, seconds: say(note(waiting_line(holder, seconds))), restores=restored), failed


def _write_report(path: str, results: list[Result]) -> None:
    from procmem.queries.save import save_text  # noqa: PLC0415  # only with --report
    from procmem.render.pages.lab_html import lab_html  # noqa: PLC0415

    system = os.uname()
    machine = f"Linux {system.release}, {system.machine}, {os.cpu_count()} processors"
    save_text(path, lab_html(results, machine=machine))
