"""``procmem crosscheck``: the simulator's prediction laid beside what the kernel really does."""

from __future__ import annotations

import click

from procmem.cli.flags import UNITLESS_FLAGS
from procmem.cli.layout import layout_options, started_program
from procmem.cli.multi_target import show_each
from procmem.cli.options import Command, CommandGroup, language_option, output_options
from procmem.cli.output import Output
from procmem.cli.targets import target_options
from procmem.errors import ExitStatus, Misuse
from procmem.model.reports.laws import LawReport
from procmem.model.simulation import Stage
from procmem.queries.targets import Selection, TargetRef
from procmem.text.help import crosscheck as words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["crosscheck"]

_HELP = {"help_option_names": ["-h", "--help"]}


class _TargetOrCommand(CommandGroup):
    """A group whose words are a target, unless the first one names a command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = 0  # behind the options of the group itself
        while at < len(args) and args[at].partition("=")[0] == "--lang":
            at += 1 if "=" in args[at] else 2
        if at < len(args) and args[at] not in (*self.commands, "-h", "--help"):
            args = [*args[:at], "target", *args[at:]]
        return super().parse_args(ctx, args)


@click.group(
    cls=_TargetOrCommand,
    help=words.HELP,
    epilog=words.EPILOG,
    context_settings=_HELP,
    subcommand_metavar="TARGET... | run ELF [ARG]...",
)
@language_option
def crosscheck() -> None:
    """Check the simulator, and the laws it is made of."""


@crosscheck.command(cls=Command, help=words.TARGET, context_settings=_HELP)
@target_options
@click.option("--all", "everything", is_flag=True, help=words.ALL)
@output_options("procmem/laws/1", flags=UNITLESS_FLAGS, helps=words.TARGET_FLAGS)
@language_option
def target(targets: Selection, output: Output, everything: bool) -> int:
    """Check a process that runs, or a recording."""
    from procmem.queries.crosscheck import check_process  # noqa: PLC0415  # not needed for --help
    from procmem.render.pages.laws import laws_page  # noqa: PLC0415

    def answer(ref: TargetRef) -> LawReport:
        with ref.open() as target:
            return check_process(target, live=ref.source.is_live)

    reports, status = show_each(targets, answer, lambda report: laws_page(report, everything=everything), output)
    if status == ExitStatus.DONE and not all(report.holds for report in reports):
        return ExitStatus.MISMATCH
    return status


@crosscheck.command(cls=Command, help=words.RUN, context_settings=_HELP)
@click.argument("words", nargs=-1, metavar="[ELF [ARG...]]", type=click.UNPROCESSED)
@layout_options
@click.option("--stage", "stages", type=click.Choice(["exec", "entry", "main"]), multiple=True, help=words.STAGE)
@click.option("--repeat", type=click.IntRange(1, 100_000), metavar="N", help=words.REPEAT)
@click.option("--script", metavar="FILE", help=words.SCRIPT)
@click.option("--all", "everything", is_flag=True, help=words.ALL_STAGES)
@output_options("procmem/crosscheck/1", flags=UNITLESS_FLAGS, helps=words.RUN_FLAGS)
@language_option
def run(
    words: tuple[str, ...],
    output: Output,
    stages: tuple[str, ...],
    repeat: int | None,
    script: str | None,
    everything: bool,
    **given: Any,
) -> int:
    """Predict a program's map, then run the program and compare."""
    if script is not None:
        return _run_script(words, script, output, stages, repeat, everything=everything, given=given)
    if not words:
        raise Misuse("no-program-to-run")
    from procmem.queries import crosscheck as query  # noqa: PLC0415  # not needed for --help
    from procmem.render.pages.crosscheck import cross_page, drawn_page  # noqa: PLC0415

    files, settings = started_program(words, given, query.facts_to_compare)
    if repeat is not None:
        if not settings.randomize:
            raise Misuse("repeat-needs-aslr")
        bases = query.bases_of_runs(files, settings, repeat)
        output.show([drawn_page(bases.rows, bases.entropies, bases.runs)])
        return ExitStatus.MISMATCH if bases.outside or bases.runs < repeat else ExitStatus.DONE
    wanted = tuple(stage for stage in Stage if not stages or stage.value in stages)
    reports = query.crosscheck(files, settings, wanted)
    output.show([cross_page(reports, settings.facts.origin, everything=everything)])
    return ExitStatus.DONE if all(report.holds for report in reports) else ExitStatus.MISMATCH


def _run_script(
    words: tuple[str, ...],
    script: str,
    output: Output,
    stages: tuple[str, ...],
    repeat: int | None,
    *,
    everything: bool,
    given: dict[str, Any],
) -> int:
    """Do a script in the simulator and in a real process."""
    from procmem.queries import crosscheck as query  # noqa: PLC0415  # not needed for --help
    from procmem.render.pages.crosscheck import script_page  # noqa: PLC0415

    if repeat is not None:
        raise Misuse("script-is-done-once")
    if set(stages) - {Stage.MAIN.value}:
        raise Misuse("script-begins-at-main")
    files, settings = started_program(words or (query.smallest_program(),), given, query.facts_to_compare)
    report = query.crosscheck_script(files, settings, query.read_script(script))
    output.show([script_page(report, settings.facts.origin, everything=everything)])
    return ExitStatus.DONE if report.holds else ExitStatus.MISMATCH
