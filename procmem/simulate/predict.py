"""The front of the simulator: files and settings in, the coming map out, each line with its certainty.

Nothing that a process could tell is an input, so a prediction is made before there is a process, and it
is the same on a machine that could never run one.
"""

from typing import NamedTuple

from procmem.model.elf import PT_TLS
from procmem.model.sim import Base, Certainty, Draws, Prediction, RealSpace, Settings, SimSpace, SimVma, Stage
from procmem.model.sim_files import ProgramFiles
from procmem.simulate.aslr import fit, moving_bases, ranges, refine
from procmem.simulate.calls import Caller
from procmem.simulate.constructors import early_requests, unforeseeable
from procmem.simulate.events import ExecFailed
from procmem.simulate.execve import execute
from procmem.simulate.glibc import table_for
from procmem.simulate.naming import named
from procmem.simulate.ptmalloc import Malloc
from procmem.simulate.rtld import link
from procmem.simulate.static_start import start_static

__all__ = ["Running", "after", "fit_draws", "predict", "start"]


class Running(NamedTuple):
    """A simulated process at one stage, ready to go on: its space, its malloc, and what is not certain.

    ``guessed`` are the bases whose lines, as far as the C library made them, are known in shape only.
    """

    space: SimSpace
    malloc: Malloc
    modules: int
    guessed: frozenset[Base]
    notes: tuple[str, ...]


def start(files: ProgramFiles, settings: Settings, stage: Stage) -> Running:
    """Run a program up to a stage.

    Raises:
        ExecFailed: the kernel or the dynamic linker would end it before.
    """
    space = execute(files, settings)
    notes = list(files.notes)
    guessed: frozenset[Base] = frozenset()
    malloc = Malloc(Caller(space))
    images = [files.program.image, *(library.image for library in files.libraries)]
    modules = sum(1 for image in images if image.first(PT_TLS) is not None)
    if stage is Stage.EXEC:
        return Running(space, malloc, modules, guessed, ())
    table, measured = table_for(files)
    if files.interpreter is None:
        if stage is Stage.MAIN and files.libc_version is None:
            notes.append("no glibc in this static program: what its start code maps is not known")
        elif stage is Stage.MAIN:
            started = start_static(space, files, table)
            space, malloc = started.space, started.malloc
            if not measured and not started.alike:
                guessed = frozenset({Base.BRK})
                notes.append(_unmeasured(files))
        return Running(space, malloc, modules, guessed, tuple(notes))
    if files.missing is not None:
        name = files.missing.decode(errors="replace")
        raise ExecFailed(f"ld.so: {name} is not found; the program ends before its entry point")
    linked = link(space, files, table)
    if not measured:
        notes.append(_unmeasured(files))
    if not measured or files.notes:
        guessed = frozenset({Base.MMAP})
    caller = Caller(linked.space)
    malloc = Malloc(caller)
    for request in early_requests(files):
        malloc.allocate(request)
        guessed |= {Base.BRK}
        notes.append("a library's constructor calls malloc before main: the heap is known in shape only")
    for library in unforeseeable(files):
        guessed |= {Base.MMAP, Base.BRK}
        notes.append(f"{library.decode(errors='replace')} maps memory of its own before main, which is not foretold")
    return Running(caller.space, malloc, modules, guessed, tuple(dict.fromkeys(notes)))


def _unmeasured(files: ProgramFiles) -> str:
    version = f"glibc {files.libc_version}" if files.libc_version else "this C library"
    return f"{version} has not been measured: what it maps is known in shape only"


def predict(files: ProgramFiles, settings: Settings, stage: Stage) -> Prediction:
    """Say what ``maps`` will be at a stage."""
    try:
        running = start(files, settings, stage)
    except ExecFailed as error:
        return Prediction(stage, settings, (), None, failure=str(error), program=files.program.real)
    drawn = settings.draws is None
    moving = moving_bases(files, settings) if drawn else frozenset()
    before = execute(files, settings).vmas if running.guessed else ()
    return Prediction(
        stage,
        settings,
        tuple(_graded(vma, moving, running.guessed, before) for vma in named(running.space)),
        running.space,
        ranges=ranges(files, settings, running.space) if drawn else (),
        notes=running.notes,
        fitted=bool(settings.randomize) and not drawn,
        program=files.program.real,
    )


def after(prediction: Prediction, running: Running, space: SimSpace) -> Prediction:
    """The same prediction after the program did something more: its lines, graded as before."""
    bases = {wanted.base for wanted in prediction.ranges}
    sure = tuple(vma for vma in prediction.vmas if vma.status is not Certainty.SHAPE)
    vmas = tuple(_graded(vma, frozenset(bases), running.guessed, sure) for vma in named(space))
    return prediction._replace(vmas=vmas, space=space)


def fit_draws(files: ProgramFiles, settings: Settings, real: RealSpace) -> Draws:
    """Read off a real map of a stage what was drawn for it."""
    zero = predict(files, settings._replace(draws=None), real.stage)
    draws = fit(files, zero, real)
    for _round in range(3):
        better = refine(draws, predict(files, settings._replace(draws=draws), real.stage), real)
        if better == draws:
            break
        draws = better
    return draws


def _graded(vma: SimVma, moving: frozenset[Base], guessed: frozenset[Base], before: tuple[SimVma, ...]) -> SimVma:
    """Give a line its certainty: exact unless its base moves, or a C library not measured placed it."""
    if vma.base in guessed and not any(old.start < vma.end and old.end > vma.start for old in before):
        return vma._replace(status=Certainty.SHAPE)
    if vma.base in moving:
        return vma._replace(status=Certainty.RANGE)
    return vma
