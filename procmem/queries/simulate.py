"""The questions of ``procmem simulate``: the map of a program, before it runs, and what its memory costs."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext

from procmem.errors import BadInput
from procmem.model.kernel_areas import Arm64Kind, Arm64Space, KernelArea
from procmem.model.note import note
from procmem.model.program_files import ProgramFiles
from procmem.model.reports.simulated_memory import MemoryMoment
from procmem.model.simulated_memory import MemorySettings, ProcessCost, SimMemory
from procmem.model.simulation import PAGE, Prediction, Settings, Stage
from procmem.queries.crosscheck_program import kernel_facts, machine_randomize, really
from procmem.queries.predict_program import files_for_script, kernel_of, program_files
from procmem.simulate.arch.arm64 import arm64_space
from procmem.simulate.arch.i386_kernel_half import Preset, kernel_half
from procmem.simulate.kernel.events import ExecFailed
from procmem.simulate.kernel.memory import cost
from procmem.simulate.programs import textbook
from procmem.simulate.programs.predict import after, predict, start
from procmem.simulate.script.run import Moment, parse_script, run_script
from procmem.sources.script_file import read_script

__all__ = [
    "SCRIPT_OF_TEXTBOOK",
    "arm64",
    "files_of",
    "kernel_areas",
    "kernel_facts",
    "kernel_of",
    "machine_randomize",
    "play_memory",
    "predictions",
    "read_script",
    "really",
]

SCRIPT_OF_TEXTBOOK = textbook.BODY
"""What the program of the textbook does in main."""
_Progress = Callable[[Iterable[Moment], int], AbstractContextManager[Iterator[Moment]]]


def files_of(path: bytes | None, env: tuple[bytes, ...]) -> ProgramFiles:
    """The program and its libraries; without a path those of the textbook.

    Raises:
        BadInput: it is no program for x86.
    """
    return textbook.files() if path is None else program_files(path, env)


def kernel_areas(preset: str | None, *, ram: int | None, pae: bool) -> tuple[KernelArea, ...]:
    """The kernel's gigabyte; none where none is asked for."""
    if preset is None:
        return ()
    return kernel_half(Preset(preset), ram=1 << 36 if ram is None else ram, pae=pae)


def arm64(name: str | None) -> Arm64Space | None:
    """The address space of arm64 that a name of a kernel map means; None where it means another."""
    return arm64_space(Arm64Kind(name)) if name in set(Arm64Kind) else None


def predictions(
    files: ProgramFiles, settings: Settings, stage: Stage, script: str | None, *, every: bool
) -> list[tuple[Moment | None, Prediction]]:
    """The map at a stage; with a script the map at main and after each step, or only after the last one."""
    steps = parse_script(script) if script is not None else ()
    files = files_for_script(files, settings, steps)
    at_stage = predict(files, settings, stage)
    shown: list[tuple[Moment | None, Prediction]] = [(None, at_stage)]
    if script is None:
        return shown
    try:
        running = start(files, settings, Stage.MAIN)
    except ExecFailed:
        return shown
    last: Moment | None = None
    for moment in run_script(running, steps, cpus=settings.facts.cpus):
        last = moment
        if every:
            shown.append((moment, after(at_stage, moment.running or running, moment.space)))
    return shown if every or last is None else [(last, after(at_stage, last.running or running, last.space))]


def play_memory(
    files: ProgramFiles, settings: Settings, script: str, machine: MemorySettings, progress: _Progress | None = None
) -> list[MemoryMoment]:
    """Play a script on a machine with memory; ``progress`` is told of the steps to come.

    Raises:
        BadInput: the program cannot start, or the script is none.
    """
    steps = parse_script(script)
    try:
        running = start(files_for_script(files, settings, steps), settings, Stage.MAIN)
    except ExecFailed as error:
        raise BadInput("exec-failed", failure=note(error.code, **error.fields)) from error
    played = run_script(running, steps, cpus=settings.facts.cpus, memory=machine, keeps_moments=False)
    with nullcontext(played) if progress is None else progress(played, len(steps)) as moments:
        return [_moment(moment) for moment in moments]


def _moment(moment: Moment) -> MemoryMoment:
    assert moment.memory is not None
    costs = tuple(cost(moment.memory, pid) for pid in sorted(moment.memory.processes))
    return _kept(moment, moment.memory, costs)


def _kept(moment: Moment, memory: SimMemory, costs: tuple[ProcessCost, ...]) -> MemoryMoment:
    """What a page shows of a machine: a thousand machines would be too much to keep."""
    return MemoryMoment(
        moment.step.text,
        moment.outcome,
        costs,
        memory.settings,
        memory.outcome.value,
        memory.used_pages * PAGE,
        len(memory.cache) * PAGE,
        (memory.next_slot - 1 - len(memory.free_slots)) * PAGE,
        memory.swapped_out,
        memory.swapped_in,
        memory.dropped,
        memory.trace,
    )
