"""``procmem simulate``: what the map of a program will be, from its files alone."""

from __future__ import annotations

import os

import click

from procmem.cli.layout import layout_options, settings_from, variables
from procmem.cli.options import command, output_options
from procmem.cli.output import Output
from procmem.errors import Misuse
from procmem.model.program_files import ProgramFiles
from procmem.model.simulated_memory import MemorySettings, Paging
from procmem.model.simulation import KernelKind, Prediction, Settings, Stage
from procmem.queries.options import limit_of, size_of
from procmem.text.help.simulate import EPILOG, FLAGS, HELP, OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["simulate"]

_MANY_STEPS = 200
_RAM_LEAST = 1 << 20


@command(help=HELP, epilog=EPILOG)
@click.argument("words", nargs=-1, metavar="[ELF [ARG...]]", type=click.UNPROCESSED)
@layout_options
@click.option("--stage", type=click.Choice(["exec", "entry", "main"]), default="main", help=OPTIONS["stage"])
@click.option("--threads", type=click.IntRange(0, 10_000), default=0, help=OPTIONS["threads"])
@click.option("--script", metavar="FILE", help=OPTIONS["script"])
@click.option("--kernel-map", type=click.Choice(["classic", "6.1"]), help=OPTIONS["kernel_map"])
@click.option("--ram", default="2G", metavar="SIZE", help=OPTIONS["ram"])
@click.option("--pae", is_flag=True, help=OPTIONS["pae"])
@click.option("--memory", is_flag=True, help=OPTIONS["memory"])
@click.option("--swap", default="1G", metavar="SIZE", help=OPTIONS["swap"])
@click.option("--swappiness", type=click.IntRange(0, 200), default=60, help=OPTIONS["swappiness"])
@click.option("--page-cluster", type=click.IntRange(0, 8), default=3, help=OPTIONS["page_cluster"])
@click.option("--group", is_flag=True, help=OPTIONS["group"])
@click.option("--thp", is_flag=True, help=OPTIONS["thp"])
@click.option("--trace", is_flag=True, help=OPTIONS["trace"])
@click.option("--scale", type=click.Choice(["plain", "log", "linear"]), default="plain", help=OPTIONS["scale"])
@click.option("--as", "shown_as", type=click.Choice(["map", "inspect", "explain"]), default="map", help=OPTIONS["as"])
@click.option("--picture", is_flag=True, help=OPTIONS["picture"])
@click.option("--no-picture", is_flag=True, help=OPTIONS["no_picture"])
@output_options("procmem/simulate/1", helps=FLAGS)
def simulate(words: tuple[str, ...], output: Output, **given: Any) -> int:
    """Predict, and show."""
    from procmem.queries import simulate as query  # noqa: PLC0415  # not needed for --help

    if given["memory"] and given["pae"] and given["kernel"] != "native":
        raise Misuse("pae-is-native")
    files = query.files_of(os.fsencode(words[0]) if words else None, variables(given))
    kernel = query.kernel_of(files, given["kernel"])
    facts, _runs_here = query.kernel_facts(kernel)
    settings = settings_from(words, given, kernel, facts, query.machine_randomize() if given["aslr"] else 0)
    settings = query.really(settings, files)
    stage = Stage(given["stage"])
    script = _script(given, has_program=bool(words), stage=stage)
    if given["memory"]:
        return _memory(files, settings, script, given, output)
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


def _script(given: dict[str, Any], *, has_program: bool, stage: Stage) -> str | None:
    """What main shall do: the user's script, threads, or the textbook's own steps."""
    from procmem.queries.simulate import SCRIPT_OF_TEXTBOOK, read_script  # noqa: PLC0415

    if given["script"] is not None or given["threads"]:
        if stage is not Stage.MAIN:
            raise Misuse("script-begins-at-main")
        text = read_script(given["script"]) if given["script"] is not None else ""
        return "thread\n" * int(given["threads"]) + text
    return None if has_program or stage is not Stage.MAIN else SCRIPT_OF_TEXTBOOK


def _memory(files: ProgramFiles, settings: Settings, script: str | None, given: dict[str, Any], output: Output) -> int:
    """What each step of a script costs in frames, faults and swap."""
    from procmem.cli.progress import progress  # noqa: PLC0415
    from procmem.queries.simulate import play_memory  # noqa: PLC0415
    from procmem.render.pages.simulated_memory import memory_page  # noqa: PLC0415

    if script is None:
        raise Misuse("memory-needs-script")
    machine = _machine(settings, given)
    many = script.count("\n") >= _MANY_STEPS
    bar = (lambda moments, count: progress(moments, "steps", count=count)) if many else None
    output.show([memory_page(play_memory(files, settings, script, machine, bar), machine)])
    return 0


def _machine(settings: Settings, given: dict[str, Any]) -> MemorySettings:
    """The machine that the options describe."""
    native = settings.kernel is KernelKind.NATIVE
    ram = size_of(given["ram"], "--ram")
    swap = size_of(given["swap"], "--swap")
    if ram < _RAM_LEAST or max(ram, swap) > 1 << 36:
        raise Misuse("ram-out-of-range")
    return MemorySettings(
        ram=ram,
        swap=swap,
        page_cluster=given["page_cluster"],
        swappiness=given["swappiness"],
        thp=given["thp"],
        paging=Paging.COMPAT if not native else Paging.PAE if given["pae"] else Paging.TWO_LEVEL,
        group=given["group"],
        trace=given["trace"],
    )


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
