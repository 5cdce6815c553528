"""``procmem simulate --memory``: what each step of a script costs in frames, faults and swap."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Any

import click

from procmem.cli.output import echo_json
from procmem.cli.sizes import size_of
from procmem.errors import BadInput
from procmem.model.note import note
from procmem.model.program_files import ProgramFiles
from procmem.model.simulated_memory import MemorySettings, Paging
from procmem.model.simulation import KernelKind, Settings, Stage
from procmem.render.pages.simulated_memory import memory_json, memory_page, moment_of
from procmem.simulate.kernel.memory import cost
from procmem.simulate.programs.predict import start
from procmem.simulate.script.run import Moment, parse_script, run_script
from procmem.text import english
from procmem.text.simulate import outcome_text

__all__ = ["memory_settings", "play_memory"]

_MANY_STEPS = 200
_RAM_LEAST = 1 << 20


def memory_settings(settings: Settings, given: dict[str, Any]) -> MemorySettings:
    """The machine that the options describe."""
    native = settings.kernel is KernelKind.NATIVE
    ram = size_of(given["ram"], "--ram")
    swap = size_of(given["swap"], "--swap")
    if ram < _RAM_LEAST or max(ram, swap) > 1 << 36:
        raise click.UsageError("--ram lies between 1M and 64G, and --swap is no more than that")
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


def play_memory(files: ProgramFiles, settings: Settings, text: str, given: dict[str, Any], *, as_json: bool) -> int:
    """Play a script on the machine with memory, and print what it costs after each step."""
    from procmem.simulate.kernel.events import ExecFailed  # noqa: PLC0415  # only where a program cannot start

    steps = parse_script(text)
    try:
        running = start(files, settings, Stage.MAIN)
    except ExecFailed as error:
        raise BadInput("exec-failed", failure=note(error.code, **error.fields)) from error
    machine = memory_settings(settings, given)
    shown = []
    with _progress(run_script(running, steps, cpus=settings.facts.cpus, memory=machine), len(steps)) as moments:
        for moment in moments:
            assert moment.memory is not None
            with english() if as_json else contextlib.nullcontext():
                told = f"{moment.step.text} {outcome_text(moment.outcome)}".rstrip()
            costs = tuple(cost(moment.memory, pid) for pid in sorted(moment.memory.processes))
            shown.append(moment_of(told, moment.memory, costs))
    if as_json:
        document = {"schema": "procmem/simulate-memory/1", "machine": machine._asdict()}
        echo_json([document | {"steps": [memory_json(moment) for moment in shown]}], several=False)
    else:
        click.echo(memory_page(shown, trace=given["trace"]), nl=False)
    return 0


@contextlib.contextmanager
def _progress(moments: Iterator[Moment], count: int) -> Iterator[Iterator[Moment]]:
    """A progress bar on a terminal's stderr, where there are many steps."""
    if count < _MANY_STEPS or not sys.stderr.isatty():
        yield moments
        return
    with click.progressbar(moments, length=count, label="steps", file=sys.stderr) as bar:
        yield iter(bar)
