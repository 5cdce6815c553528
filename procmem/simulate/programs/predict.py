"""The front of the simulator: files and settings in, the coming map out, each line with its certainty.

Nothing that a process could tell is an input, so a prediction is made before there is a process, and it
is the same on a machine that could never run one.
"""

from collections.abc import Sequence

from procmem.model.elf import ET_DYN, PT_TLS
from procmem.model.libc_files import is_dynamic_linker
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.model.permissions import permissions
from procmem.model.program_files import ProgramFiles
from procmem.model.reports.crosscheck import RealSpace
from procmem.model.simulation import Abi, Base, Draws, Exactness, Prediction, Settings, SimSpace, SimVma, Stage, VmBit
from procmem.simulate.kernel.aslr import by_the_border, fit, moving_bases, ranges, refine
from procmem.simulate.kernel.calls import Caller
from procmem.simulate.kernel.events import ExecFailed
from procmem.simulate.kernel.execve import execute, span
from procmem.simulate.kernel.naming import named
from procmem.simulate.libc.arenas import ThreadArenas
from procmem.simulate.libc.constructors import map_pools, run_constructors, unforeseeable, unknown_constructors
from procmem.simulate.libc.dlopen import wants_executable_stack
from procmem.simulate.libc.glibc_versions import table_for
from procmem.simulate.libc.loader import link
from procmem.simulate.libc.malloc import Malloc
from procmem.simulate.libc.musl import is_musl, link_musl
from procmem.simulate.libc.static_start import start_static
from procmem.simulate.libc.threads import create_thread

__all__ = ["Running", "after", "fit_draws", "predict", "start"]


class Running(NamedTuple):
    """A simulated process at one stage, ready to go on: its space, its malloc, and what is not certain.

    ``at_exec`` are the VMAs that exec left;
    ``guessed`` are the bases whose lines, as far as the C library made them, are known in shape only;
    ``executable_stacks`` says that the C library gives threads stacks that may be executed,
    ``may_allocate`` that start code has run of which it is not known what it allocates,
    ``changed`` are the objects whose constructors are not known: they may change what they can write to;
    ``unknown_start`` is as ``may_allocate``, of a C library of which nothing is known; ``opened`` are names of
    libraries that it opened since it began.
    """

    space: SimSpace
    malloc: Malloc
    at_exec: tuple[SimVma, ...]
    modules: int
    guessed: frozenset[Base]
    notes: tuple[Note, ...]
    executable_stacks: bool = False
    may_allocate: bool = False
    changed: frozenset[bytes] = frozenset()
    unknown_start: bool = False
    files: ProgramFiles | None = None
    opened: tuple[bytes, ...] = ()


def start(files: ProgramFiles, settings: Settings, stage: Stage) -> Running:
    """Run a program up to a stage.

    Raises:
        ExecFailed: the kernel or the dynamic linker would end it before.
    """
    space = execute(files, settings)
    images = [files.program.image, *(library.image for library in files.libraries)]
    modules = sum(1 for image in images if image.first(PT_TLS) is not None)
    executable = any(map(wants_executable_stack, (files.program, *files.libraries)))
    running = Running(
        space, Malloc(Caller(space)), space.vmas, modules, frozenset(), (), executable_stacks=executable, files=files
    )
    unplaced = _unplaced(files, space.layout.abi, stage)
    if unplaced:
        notes = tuple(note("file-system-unknown", file=name) for name in unplaced)
        running = running._replace(guessed=frozenset({Base.MMAP}), notes=notes)
    if stage is Stage.EXEC:
        return running
    running = running._replace(notes=(*running.notes, *files.notes))
    if files.notes:  # variables that change what ld.so or malloc does
        running = running._replace(guessed=running.guessed | {Base.MMAP, Base.BRK})
    if files.interpreter is None:
        running = _started_static(running, files) if stage is Stage.MAIN else running
        return _with_own_constructors(running, files, stage, settings.facts.cpus)
    if files.missing is not None:
        raise ExecFailed("library-missing", name=files.missing)
    running = _started_musl(running, files) if is_musl(files) else _started_glibc(running, files, stage)
    return _with_own_constructors(running, files, stage, settings.facts.cpus)


def _unplaced(files: ProgramFiles, abi: Abi, stage: Stage) -> tuple[bytes, ...]:
    """Large files of which it is not known whether they are aligned to huge pages: all below them may lie elsewhere."""
    loaded = [files.program if files.interpreter is None else files.interpreter]
    loaded += files.libraries if stage is not Stage.EXEC else ()
    least = abi.huge_page or 1 << abi.bits
    large = [item for item in loaded if item.image.type == ET_DYN and span(item.image) >= least]
    return tuple(item.real for item in large if item.huge_aligned is None)


def _with_own_constructors(running: Running, files: ProgramFiles, stage: Stage, cpus: int) -> Running:
    program = files.program
    done = program.constructors if stage is Stage.MAIN else program.early_constructors if files.interpreter else 0
    if not done:
        return running
    running = running._replace(
        notes=(*running.notes, note("own-constructors")), may_allocate=True, changed=running.changed | {program.real}
    )
    return _with_threads(running, program.constructor_threads, cpus) if stage is Stage.MAIN else running


_LITTLE = 16
"""However little a thread asks for, its arena is made for it."""


def _with_threads(running: Running, count: int, cpus: int) -> Running:
    """Start the threads that constructors lead to, each of which asks malloc for something, as most threads do.

    Where their memory lies is not certain, nor that they are there.
    """
    if not count:
        return running
    caller = Caller(running.space)
    running.malloc.rebase(caller)
    arenas = ThreadArenas(caller, running.malloc, cpus)
    for _ in range(count):
        create_thread(caller, running.malloc, modules=running.modules, executable=running.executable_stacks)
        arenas.first_request(_LITTLE)
    return running._replace(
        space=caller.space,
        guessed=running.guessed | {Base.MMAP},
        notes=(*running.notes, note("constructor-threads", count=count)),
    )


def _started_static(running: Running, files: ProgramFiles) -> Running:
    """Go on to ``main`` of a program that has no dynamic linker."""
    if is_dynamic_linker(files.program.soname):
        return running._replace(notes=(*running.notes, note("linker-by-hand")))
    if files.libc_version is None:
        return running._replace(notes=(*running.notes, note("static-unknown")), unknown_start=True)
    table, measured = table_for(files, running.space.layout.abi)
    started = start_static(running.space, files, table)
    running = running._replace(space=started.space, malloc=started.malloc)
    if measured or started.alike:
        return running
    return running._replace(
        guessed=running.guessed | {Base.BRK}, unknown_start=True, notes=(*running.notes, _unmeasured(files))
    )


def _started_musl(running: Running, files: ProgramFiles) -> Running:
    space = link_musl(running.space, files)
    notes = (*running.notes, note("musl"))
    return running._replace(
        space=space, malloc=Malloc(Caller(space)), guessed=frozenset({Base.MMAP, Base.BRK}), notes=notes
    )


def _started_glibc(running: Running, files: ProgramFiles, stage: Stage) -> Running:
    """Let glibc's dynamic linker and the constructors of known libraries work."""
    table, measured = table_for(files, running.space.layout.abi)
    caller = Caller(link(running.space, files, table))
    malloc = Malloc(caller)
    notes = list(running.notes)
    guessed = running.guessed | (set() if measured else {Base.MMAP})
    if not measured:
        notes.append(_unmeasured(files))
    for library in run_constructors(malloc, files, own=stage is Stage.MAIN):
        guessed |= {Base.BRK}
        notes.append(note("constructor-mallocs", library=library))
    map_pools(caller, files.libraries)
    unknown = unknown_constructors(files.libraries)
    for name in unknown:
        notes.append(note("constructor-unknown", library=name))
    for library in unforeseeable(files.libraries):
        guessed |= {Base.MMAP, Base.BRK}
        notes.append(note("library-maps", library=library))
    return running._replace(
        space=caller.space,
        malloc=malloc,
        guessed=guessed,
        notes=tuple(dict.fromkeys(notes)),
        may_allocate=bool(unknown),
        changed=frozenset(unknown.values()),
    )


def _unmeasured(files: ProgramFiles) -> Note:
    return note("unmeasured", version=files.libc_version) if files.libc_version else note("unmeasured-library")


def predict(files: ProgramFiles, settings: Settings, stage: Stage) -> Prediction:
    """Say what ``maps`` will be at a stage."""
    try:
        running = start(files, settings, stage)
    except ExecFailed as error:
        why = note(error.code, **error.fields)
        if settings.randomize and settings.draws is None:
            why = note("with-zero-draw", failure=why)
        return Prediction(stage, settings, (), None, failure=why, program=files.program.real)
    drawn = settings.draws is None
    moving = moving_bases(files, settings) if drawn else frozenset()
    before = running.at_exec if stage is not Stage.EXEC else ()
    return Prediction(
        stage,
        settings,
        _graded(named(running.space), moving, running, before),
        running.space,
        ranges=ranges(files, settings, running.space) if drawn else (),
        notes=running.notes,
        fitted=bool(settings.randomize) and not drawn,
        program=files.program.real,
    )


def after(prediction: Prediction, running: Running, space: SimSpace) -> Prediction:
    """The same prediction after the program did something more: its lines, graded as before."""
    bases = {wanted.base for wanted in prediction.ranges}
    # a heap grows with whatever is asked for, however sure it was before
    sure = tuple(vma for vma in prediction.vmas if vma.status is not Exactness.SHAPE and vma.base is not Base.BRK)
    vmas = _graded(named(space), frozenset(bases), running, sure)
    return prediction._replace(vmas=vmas, space=space, notes=running.notes)


_SCANNED_BITS = 12
"""Not more values than this are tried one by one to explain a real map."""


def fit_draws(files: ProgramFiles, settings: Settings, real: RealSpace) -> Draws:
    """Read off a real map of a stage what was drawn for it."""
    zero = predict(files, settings._replace(draws=None), real.stage)
    draws = fit(files, zero, real)
    wanted = set(real.lines)

    def explained(tried: Draws) -> int:
        filled = predict(files, settings._replace(draws=tried), real.stage)
        return sum((vma.start, vma.end, vma.perms, vma.offset, vma.name) in wanted for vma in filled.vmas)

    def refined(draws: Draws, *, by_files: bool) -> Draws:
        for _round in range(3):
            filled = predict(files, settings._replace(draws=draws), real.stage)
            better = refine(draws, filled, real, by_files=by_files)
            if better == draws:
                break
            draws = better
        return draws

    draws = refined(draws, by_files=False)
    known = explained(draws)
    if known < len(zero.vmas):
        for other in (refined(draws, by_files=True), *by_the_border(draws, zero, real)):
            if (count := explained(other)) > known:
                draws, known = other, count
    values = 1 << settings.facts.mmap_rnd_bits
    possible = 0 <= draws.mmap < values
    if (possible and known == len(zero.vmas)) or settings.facts.mmap_rnd_bits > _SCANNED_BITS:
        return draws
    # alignment can hide the draw of the mapping area: several values then lead to the same map, and reading one off
    # the map may give one that the kernel cannot draw; the value also decides what lies above what
    every = [draws._replace(mmap=value) for value in range(values)]
    best = max(every, key=explained)
    return best if explained(best) > known - (not possible) else draws


def _graded(
    vmas: Sequence[SimVma], moving: frozenset[Base], running: Running, before: tuple[SimVma, ...]
) -> tuple[SimVma, ...]:
    """Give lines their certainty: exact unless its base moves, or code of which not all is known had a hand in it.

    ``before`` are lines that were certain before that code ran.
    """
    changed = _writable_of(vmas, running.changed) if running.changed else frozenset()
    return tuple(
        vma._replace(status=Exactness.SHAPE) if vma.start in changed else _grade(vma, moving, running, before)
        for vma in vmas
    )


def _writable_of(vmas: Sequence[SimVma], names: frozenset[bytes]) -> frozenset[int]:
    """The starts of what objects can write to, with the memory right behind (BSS)."""
    found = set()
    is_its, end = False, 0
    for vma in vmas:
        is_its = vma.name in names or (is_its and not vma.name and vma.start == end)
        end = vma.end
        if is_its and permissions(vma.perms).writable:
            found.add(vma.start)
    return frozenset(found)


def _grade(vma: SimVma, moving: frozenset[Base], running: Running, before: tuple[SimVma, ...]) -> SimVma:
    if vma.grows_down and running.space.start_stack - vma.start < _START_CODE and before:
        return vma._replace(status=Exactness.SHAPE)  # what runs before main may need a page more
    mine = vma.base in running.guessed and not any(old.start < vma.end and old.end > vma.start for old in before)
    if mine or (running.may_allocate and _may_grow(vma)) or (running.unknown_start and not _stays(vma, before)):
        return vma._replace(status=Exactness.SHAPE)
    if vma.base in moving:
        return vma._replace(status=Exactness.RANGE)
    return vma


_START_CODE = 32 << 10
"""More than ld.so and the C library's start code need of the stack."""


def _may_grow(vma: SimVma) -> bool:
    """Whether memory that is asked for could join it: anonymous memory in the mapping area, and the heap."""
    of_nobody = not vma.name or vma.base is Base.BRK
    return of_nobody and vma.base in (Base.MMAP, Base.BRK) and permissions(vma.perms).read_write


def _stays(vma: SimVma, before: tuple[SimVma, ...]) -> bool:
    """Whether start code has no reason to change a line: what exec mapped and cannot be written, the stack."""
    as_before = any((old.start, old.end, old.perms) == (vma.start, vma.end, vma.perms) for old in before)
    return bool(vma.flags & VmBit.SPECIAL) or (as_before and (vma.grows_down or not permissions(vma.perms).writable))
