"""``procmem simulate``: what the map of a program will be, from its files alone."""

from __future__ import annotations

import click

from procmem.cli.layout import layout_options, script_of, started_program
from procmem.cli.options import Command, command, output_options, usage_error
from procmem.cli.output import Output
from procmem.errors import Misuse
from procmem.model.kernel_areas import Arm64Kind
from procmem.model.program_files import ProgramFiles
from procmem.model.simulation import Prediction, Stage
from procmem.queries.options import limit_of
from procmem.text.help.simulate import EPILOG, FLAGS, HELP, OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["simulate"]


_KERNEL_MAPS = ["classic", "6.1", *(kind.value for kind in Arm64Kind)]


class _Simulate(Command):
    """The command, which says where one of its former options has gone."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words.

        Raises:
            UsageError: among the usual ones, that what --memory did is a command of its own.
        """
        own = args[: args.index("--")] if "--" in args else args
        if "--memory" in own:
            raise usage_error(Misuse("now-a-command", option="--memory", command="procmem simulate-memory"), ctx)
        return super().parse_args(ctx, args)


@command(_Simulate, help=HELP, epilog=EPILOG)
@click.argument("words", nargs=-1, metavar="[ELF [ARG...]]", type=click.UNPROCESSED)
@layout_options
@click.option("--stage", type=click.Choice(["exec", "entry", "main"]), default="main", help=OPTIONS["stage"])
@click.option("--threads", type=click.IntRange(0, 10_000), default=0, help=OPTIONS["threads"])
@click.option("--script", metavar="FILE", help=OPTIONS["script"])
@click.option(
    "--kernel-map",
    type=click.Choice(_KERNEL_MAPS),
    metavar="NAME",
    help=OPTIONS["kernel_map"],
)
@click.option("--ram", default="2G", metavar="SIZE", help=OPTIONS["ram"])
@click.option("--pae", is_flag=True, help=OPTIONS["pae"])
@click.option("--scale", type=click.Choice(["plain", "log", "linear"]), default="plain", help=OPTIONS["scale"])
@click.option("--as", "shown_as", type=click.Choice(["map", "inspect", "explain"]), default="map", help=OPTIONS["as"])
@click.option("--picture", is_flag=True, help=OPTIONS["picture"])
@click.option("--no-picture", is_flag=True, help=OPTIONS["no_picture"])
@output_options("procmem/simulate/1", helps=FLAGS)
def simulate(words: tuple[str, ...], output: Output, **given: Any) -> int:
    """Predict, and show."""
    from procmem.queries import simulate as query  # noqa: PLC0415  # not needed for --help

    other = query.arm64(given["kernel_map"])
    if other is not None:
        from procmem.render.pages.arm64 import arm64_page  # noqa: PLC0415

        if words or given["script"] is not None or given["threads"] or given["shown_as"] != "map":
            raise Misuse("arm64-is-not-simulated")
        output.show([arm64_page(other)])
        return 0
    files, settings = started_program(words, given)
    stage = Stage(given["stage"])
    script = script_of(given, has_program=bool(words), stage=stage)
    ram = limit_of(given["ram"], "--ram")
    areas = query.kernel_areas(given["kernel_map"], ram=ram, pae=given["pae"])
    shown = query.predictions(files, settings, stage, script, every=given["script"] is not None)
    if given["shown_as"] != "map":
        _show_as(given["shown_as"], shown[-1][1], files, output)
        return 0
    from procmem.render.pages.simulate import simulate_page  # noqa: PLC0415
    from procmem.text.simulate import step_text  # noqa: PLC0415

    last = len(shown) - 1
    pages = [
        simulate_page(
            prediction,
            areas,
            step=step_text(moment.step.text, moment.outcome) if last and moment is not None else "",
            scale=given["scale"] if number == last and not given["no_picture"] else None,
            picture_only=given["picture"],
        )
        for number, (moment, prediction) in enumerate(shown)
    ]
    output.show(pages, several=len(pages) > 1)
    return 0


def _show_as(name: str, prediction: Prediction, files: ProgramFiles, output: Output) -> None:
    """The simulated process by the page of another command."""
    from procmem.queries.explain_simulated import explain_simulated  # noqa: PLC0415

    told = explain_simulated(prediction, files)
    report = told.inspection
    if name == "explain":
        from procmem.render.pages.explain import ExplainChoice, explain_page  # noqa: PLC0415

        page = explain_page(told, ExplainChoice())
    else:
        from procmem.render.pages.inspect import inspect_page  # noqa: PLC0415

        listed = range(len(report.regions or ())) if output.format.is_document else None
        page = inspect_page(report, output.heading, listed=listed)
    output.show([page])
