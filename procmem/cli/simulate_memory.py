"""``procmem simulate-memory``: what each step of a program costs in frames, faults, swap and page tables."""

from __future__ import annotations

import click

from procmem.cli.layout import layout_options, script_of, started_program
from procmem.cli.options import command, output_options
from procmem.cli.output import Output
from procmem.errors import Misuse
from procmem.model.simulated_memory import MemorySettings, Paging
from procmem.model.simulation import KernelKind, Settings, Stage
from procmem.queries.options import size_of
from procmem.text.help.simulate import OPTIONS
from procmem.text.help.simulate_memory import EPILOG, FLAGS, HELP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["simulate_memory"]

_MANY_STEPS = 200
_RAM_LEAST = 1 << 20


@command(help=HELP, epilog=EPILOG)
@click.argument("words", nargs=-1, metavar="[ELF [ARG...]]", type=click.UNPROCESSED)
@click.option("--script", metavar="FILE", help=OPTIONS["script_of_memory"])
@click.option("--threads", type=click.IntRange(0, 10_000), default=0, help=OPTIONS["threads"])
@click.option("--ram", default="2G", metavar="SIZE", help=OPTIONS["ram"])
@click.option("--pae", is_flag=True, help=OPTIONS["pae"])
@click.option("--swap", default="1G", metavar="SIZE", help=OPTIONS["swap"])
@click.option("--swappiness", type=click.IntRange(0, 200), default=60, help=OPTIONS["swappiness"])
@click.option("--page-cluster", type=click.IntRange(0, 8), default=3, help=OPTIONS["page_cluster"])
@click.option("--group", is_flag=True, help=OPTIONS["group"])
@click.option("--thp", is_flag=True, help=OPTIONS["thp"])
@click.option("--trace", is_flag=True, help=OPTIONS["trace"])
@layout_options
@output_options("procmem/simulate-memory/1", helps=FLAGS)
def simulate_memory(words: tuple[str, ...], output: Output, **given: Any) -> int:
    """Play the script, and show."""
    from procmem.cli.progress import progress  # noqa: PLC0415  # not needed for --help
    from procmem.queries import simulate as query  # noqa: PLC0415  # the same
    from procmem.render.pages.simulated_memory import memory_page  # noqa: PLC0415  # the same

    if given["pae"] and given["kernel"] != "native":
        raise Misuse("pae-is-native")
    files, settings = started_program(words, given)
    script = script_of(given, has_program=bool(words), stage=Stage.MAIN)
    if script is None:
        raise Misuse("memory-needs-script")
    machine = _machine(settings, given)
    many = script.count("\n") >= _MANY_STEPS
    bar = (lambda moments, count: progress(moments, "steps", count=count)) if many else None
    output.show([memory_page(query.play_memory(files, settings, script, machine, bar), machine)])
    return 0


def _machine(settings: Settings, given: dict[str, Any]) -> MemorySettings:
    """The machine that the options describe."""
    of_32_bit = Paging.PAE if given["pae"] else Paging.TWO_LEVEL
    paging = {KernelKind.NATIVE: of_32_bit, KernelKind.COMPAT: Paging.COMPAT, KernelKind.X86_64: Paging.FOUR_LEVEL}
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
        paging=paging[settings.kernel],
        group=given["group"],
        trace=given["trace"],
    )
