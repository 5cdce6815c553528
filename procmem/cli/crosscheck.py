"""``procmem crosscheck``: the simulator's prediction laid beside what the kernel really does."""

import math
import os
from typing import Any

import click

from procmem.cli.multi_target import for_each
from procmem.cli.output import echo_json
from procmem.cli.simulate import layout_options, settings_from
from procmem.cli.targets import target_options
from procmem.errors import BadInput, ExitStatus
from procmem.model.reports.laws import LawReport
from procmem.model.sim import MISMATCH, KernelFacts, KernelKind, Settings, Stage
from procmem.model.sim_files import ProgramFiles
from procmem.queries.targets import Selection, TargetRef

__all__ = ["crosscheck"]

_EPILOG = """\b
Examples:
  procmem crosscheck 1234                   a process that runs: every law of the layout, and
                                            for a 32-bit one its map foretold line by line
  procmem crosscheck run ./prog arg         predict, run, compare at exec, entry and main
  procmem crosscheck run --aslr ./prog      the same with randomisation: fitted, ranges checked
  procmem crosscheck run --aslr --repeat 500 ./prog

\b
Exit status: 0 when all that was called exact is exact, 7 when it is not, 4 where nothing may be traced.
"""


class _TargetOrCommand(click.Group):
    """A group whose words are a target, unless the first one names a command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "-h", "--help"):
            args = ["target", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=_TargetOrCommand,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
    subcommand_metavar="TARGET... | run ELF [ARG]...",
)
def crosscheck() -> None:
    """Check the simulator, and the laws it is made of, against the real kernel."""


@crosscheck.command(context_settings={"help_option_names": ["-h", "--help"]})
@target_options
@click.option("--json", "as_json", is_flag=True, help="Schema procmem/laws/1; a list, for several targets.")
def target(targets: Selection, *, as_json: bool) -> int:
    """Check a process that runs, or a recording; the word "target" may be left out.

    Every law by which the kernel lays out an address space is held against its map; a 32-bit process that runs here
    is foretold from its files and compared line by line, with the drawn values filled in.
    """
    from procmem.analyse.inspection import inspection  # noqa: PLC0415  # not needed for --help
    from procmem.queries.crosscheck_process import check_target, examine_at_rest  # noqa: PLC0415
    from procmem.render.pages.laws import laws_json, laws_page  # noqa: PLC0415

    def answer(ref: TargetRef) -> LawReport:
        with ref.open() as target:
            seen = examine_at_rest(target)
            report = inspection(seen.snapshot, seen.regions, peek_problem=seen.peek_problem)
            return check_target(target, seen, report, live=ref.source.is_live)

    reports, status = for_each(targets.refs(), answer)
    if as_json:
        echo_json([laws_json(report) for report in reports], several=targets.are_several(len(reports)))
    else:
        click.echo("\n".join(laws_page(report) for report in reports), nl=False)
    if status == ExitStatus.DONE and not all(report.holds for report in reports):
        return MISMATCH
    return status


@crosscheck.command(context_settings={"help_option_names": ["-h", "--help"], "allow_interspersed_args": False})
@click.argument("words", nargs=-1, required=True, metavar="ELF [ARG...]", type=click.UNPROCESSED)
@layout_options
@click.option(
    "--stage",
    "stages",
    type=click.Choice(["exec", "entry", "main"]),
    multiple=True,
    help="Only this stage (repeatable). Default: all three.",
)
@click.option("--repeat", type=click.IntRange(1, 100_000), metavar="N", help="With --aslr: the bases of N runs.")
@click.option("--json", "as_json", is_flag=True, help="Schema procmem/crosscheck/1.")
def run(words: tuple[str, ...], stages: tuple[str, ...], repeat: int | None, as_json: bool, **given: Any) -> int:
    """Predict a program's map, then run the program and compare, line by line."""
    from procmem.queries.crosscheck_program import crosscheck as check  # noqa: PLC0415  # not needed for --help
    from procmem.queries.crosscheck_program import machine_randomize, really  # noqa: PLC0415
    from procmem.queries.predict_program import program_files  # noqa: PLC0415
    from procmem.render.pages.simulate import cross_json, cross_page  # noqa: PLC0415

    facts = _facts(given)
    settings = settings_from(words, given, facts, machine_randomize() if given["aslr"] else 0)
    files = program_files(settings.exec_path, settings.env)
    settings = really(settings, files)
    if repeat is not None:
        if not settings.randomize:
            raise click.UsageError("--repeat needs --aslr: without it every run is the same")
        return _repeated(files, settings, repeat, as_json=as_json)
    wanted = tuple(Stage(name) for name in ("exec", "entry", "main") if not stages or name in stages)
    reports = check(files, settings, wanted)
    if as_json:
        echo_json([cross_json(reports)], several=False)
    else:
        for report in reports:
            click.echo(cross_page(report), nl=False)
        click.echo(f"kernel facts from {facts.origin}")
    return ExitStatus.DONE if all(report.holds for report in reports) else MISMATCH


def _facts(given: dict[str, Any]) -> KernelFacts:
    from procmem.queries.crosscheck_program import kernel_facts  # noqa: PLC0415

    kernel = KernelKind(given["kernel"])
    facts, runs_32 = kernel_facts(kernel)
    if not runs_32:
        raise BadInput(
            "this machine does not run 32-bit x86 programs, so there is nothing to compare with",
            hint="procmem simulate works everywhere; the kernel needs CONFIG_IA32_EMULATION for this",
        )
    if (os.uname().machine == "x86_64") is not (kernel is KernelKind.COMPAT):
        raise BadInput(f"--kernel {kernel.value}: this machine runs the other kind, so nothing can be compared")
    return facts


def _repeated(files: ProgramFiles, settings: Settings, times: int, *, as_json: bool) -> int:
    from procmem.analyse.crosscheck import drawn_rows, entropy_bits  # noqa: PLC0415
    from procmem.queries.crosscheck_program import draw_bases  # noqa: PLC0415
    from procmem.render.pages.simulate import drawn_json, drawn_page  # noqa: PLC0415

    prediction, seen = draw_bases(files, settings, times)
    rows = drawn_rows(prediction.ranges, seen)
    entropies = [(entropy_bits(row.seen), math.log2(row.range.values)) for row in rows]
    if as_json:
        echo_json([drawn_json(rows, entropies)], several=False)
    else:
        click.echo(drawn_page(rows, entropies), nl=False)
        click.echo(f"{len(seen)} runs; so many can show no more than {math.log2(max(len(seen), 1)):.1f} bits")
    return MISMATCH if any(row.outside for row in rows) or len(seen) < times else ExitStatus.DONE
