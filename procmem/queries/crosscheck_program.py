"""Predicting a program and then looking at it: the simulator beside programs that are really started.

The order is the point. Everything is predicted from files and settings first; only then is the program
started, stopped and read. What is read never goes back into a prediction, but for the drawn values of a
run with randomisation, and a map they were filled into is called fitted.
"""

from collections.abc import Mapping, Sequence

from procmem.analyse.crosscheck import compare, compare_running, drawn_addresses, drawn_as_predicted, failure_report
from procmem.model.auxv import AT_BASE, AT_ENTRY
from procmem.model.note import Note, note
from procmem.model.program_files import ProgramFiles
from procmem.model.reports.crosscheck import CrossReport, RealRun, RealSpace
from procmem.model.simulation import PAGE, Base, Draws, KernelFacts, KernelKind, Prediction, Settings, Stage
from procmem.model.vma_names import KernelName
from procmem.parse.auxv import parse_auxv
from procmem.parse.maps import parse_maps
from procmem.parse.status import parse_stat
from procmem.parse.system import parse_guard_gap
from procmem.simulate.arch.abis import abi_of
from procmem.simulate.kernel.aslr import drawn_within
from procmem.simulate.kernel.personality import facts_of_pages, kernel_kind, personality
from procmem.simulate.kernel.versions import table_facts
from procmem.simulate.programs.predict import fit_draws, predict
from procmem.tracing.probe import KernelSettings, ProbeReading, probe, read_kernel_settings
from procmem.tracing.stages import go_to_stage
from procmem.tracing.tracee import CannotStart, Started, Tracee, how_ended
from procmem.tracing.untraced import Untraced

__all__ = [
    "auxiliary_vector",
    "check_running",
    "crosscheck",
    "draw_bases",
    "kernel_facts",
    "machine_randomize",
    "really",
    "run_really",
    "seen_at",
    "with_draws",
]


def kernel_facts(kernel: KernelKind) -> tuple[KernelFacts, bool]:
    """What the running kernel does in the details, and whether such programs run here at all.

    Another kind of kernel than the running one is answered from the dated table.
    """
    settings = read_kernel_settings()
    bits = abi_of(kernel).bits
    running = kernel_kind(settings.machine, bits)
    reading = probe(bits=bits)
    known = table_facts(kernel)
    if kernel is not running or reading is None:
        return known._replace(cpus=settings.cpus), reading is not None
    return _from_probe(known, bits, reading, settings), True


def really(settings: Settings, files: ProgramFiles) -> Settings:
    """Settings as the kernel takes them for this very file.

    A set-user-ID or -group-ID program loses the personality bits that would make its layout foreseeable
    (include/uapi/linux/personality.h, PER_CLEAR_ON_SETID), so it is randomised whatever was asked for.
    """
    if not files.program.changes_ids:
        return settings
    secure = files.program.is_secure
    return settings._replace(randomize=machine_randomize(), legacy=False, read_implies_exec=False, is_secure=secure)


def machine_randomize() -> int:
    """kernel.randomize_va_space of this machine, 2 where it does not say."""
    value = read_kernel_settings().randomize
    return 2 if value is None else value


def _from_probe(known: KernelFacts, bits: int, reading: ProbeReading, settings: KernelSettings) -> KernelFacts:
    table = parse_maps(reading.maps)
    rnd_bits = settings.rnd_compat_bits if known is table_facts(KernelKind.COMPAT) else settings.rnd_bits
    origin = note("probe", bits=bits, release=settings.release)
    guard_gap = parse_guard_gap(settings.command_line, PAGE)
    return facts_of_pages(known, table, aux_pairs=len(_vector(reading.auxv)), origin=origin)._replace(
        mmap_min_addr=known.mmap_min_addr if settings.mmap_min_addr is None else settings.mmap_min_addr,
        guard_gap=known.guard_gap if guard_gap is None else guard_gap,
        mmap_rnd_bits=rnd_bits if rnd_bits is not None else known.mmap_rnd_bits,
        heap_label_inclusive=bool(table.rows_labelled(KernelName.HEAP)),
        cpus=settings.cpus,
    )


def auxiliary_vector(child: Tracee) -> Mapping[int, int]:
    """The auxiliary vector of a program that was started just now."""
    return _vector(child.proc_file("auxv"))


def _vector(auxv: bytes) -> Mapping[int, int]:
    found = parse_auxv(auxv)
    return {} if found is None else found[0]


def run_really(files: ProgramFiles, settings: Settings, stages: Sequence[Stage]) -> RealRun:
    """Start the program under the settings, stop it at each stage, and say what it showed.

    Raises:
        CannotStart: tracing our own child is forbidden here.
    """
    how = Started(settings.exec_path, settings.argv, settings.env, personality(settings), settings.stack_limit)
    spaces: list[RealSpace] = []
    with Tracee(how) as child:
        if not child.alive:
            return RealRun((), note("refused") if child.refused else how_ended(child.ended))
        vector = auxiliary_vector(child)
        entry = vector.get(AT_ENTRY, 0)
        has_linker, main = bool(vector.get(AT_BASE)), files.program.main_at(entry)
        first_sp = child.registers().sp
        for stage in stages:
            stopped = go_to_stage(child, stage, entry=entry, has_linker=has_linker, main=main, first_sp=first_sp)
            if stopped is not None:
                return stopped._replace(spaces=tuple(spaces))
            spaces.append(seen_at(child, stage))
    return RealRun(tuple(spaces))


def seen_at(child: Tracee, stage: Stage) -> RealSpace:
    """What a program that stands at a stage shows."""
    lines = _lines(child)
    start_brk = parse_stat(child.proc_file("stat")).start_brk
    return RealSpace(stage, lines, child.registers().sp if stage is Stage.EXEC else None, start_brk)


def _lines(child: Tracee | Untraced) -> tuple[tuple[int, int, str, int, bytes], ...]:
    maps = parse_maps(child.proc_file("maps"))
    return tuple((vma.start, vma.end, vma.perms, vma.offset, vma.name) for vma in maps)


def crosscheck(files: ProgramFiles, settings: Settings, stages: Sequence[Stage]) -> tuple[CrossReport, ...]:
    """Predict every stage, then run the program and compare.

    Where tracing is forbidden, only ``main`` can be looked at, by a stop somewhere behind it.

    Raises:
        CannotStart: tracing our own child is forbidden here, and ``main`` is not among the stages.
    """
    predictions = {stage: predict(files, settings, stage) for stage in stages}
    try:
        run = run_really(files, settings, stages)
    except CannotStart as error:
        if Stage.MAIN not in stages:
            raise
        why = note(error.code, **error.fields)
        at_main = _by_a_stop(files, settings, why)
        unseen = note("only-main", why=why)
        return tuple(
            at_main if stage is Stage.MAIN else CrossReport(prediction, (), unchecked=unseen)
            for stage, prediction in predictions.items()
        )
    reports = []
    draws: Draws | None = None
    for stage, prediction in predictions.items():
        real = next((space for space in run.spaces if space.stage is stage), None)
        unchecked = run.unchecked if real is None else None
        if settings.randomize and (real is None) != (prediction.failure is not None):
            unchecked = unchecked or note("drawn")
        if unchecked is not None:
            reports.append(CrossReport(prediction, (), unchecked=unchecked))
            continue
        if real is None and _ended_by_itself(prediction, run):
            reports.append(CrossReport(prediction, (), unchecked=note("ended-by-itself", how=run.ended)))
            continue
        if real is None:
            reports.append(failure_report(prediction, run.ended or note("not-reached")))
            continue
        if settings.randomize and prediction.failure is None:
            if draws is None:
                draws = fit_draws(files, settings, real)
            reports.append(_fitted(files, settings, prediction, real, draws))
        else:
            reports.append(compare(prediction, real))
    return tuple(reports)


def _ended_by_itself(prediction: Prediction, run: RealRun) -> bool:
    """Whether code of its own ended the program before ``main``, behind its entry point: no matter of its layout."""
    reached = {space.stage for space in run.spaces}
    began = Stage.ENTRY in reached
    return prediction.stage is Stage.MAIN and prediction.failure is None and began and run.ended is not None


def _by_a_stop(files: ProgramFiles, settings: Settings, why: Note) -> CrossReport:
    """Start the program untraced, stop it by a signal, and hold what it had at ``main`` against what it shows then."""
    how = Started(settings.exec_path, settings.argv, settings.env, personality(settings), settings.stack_limit)
    with Untraced(how) as child:
        if not child.alive:
            prediction = predict(files, settings, Stage.MAIN)
            return CrossReport(prediction, (), unchecked=note("ended-before-stop", why=why))
        real = RealSpace(Stage.MAIN, _lines(child), None, parse_stat(child.proc_file("stat")).start_brk)
    report = check_running(files, settings, real)
    notes = (*report.prediction.notes, note("by-a-stop", why=why))
    return report._replace(prediction=report.prediction._replace(notes=notes))


def _fitted(
    files: ProgramFiles, settings: Settings, prediction: Prediction, real: RealSpace, draws: Draws
) -> CrossReport:
    """Compare with the drawn values filled in, and keep the ranges that were predicted without them."""
    filled = predict(files, settings._replace(draws=draws), real.stage)._replace(ranges=prediction.ranges)
    return compare(filled, real, draws=draws, within=drawn_as_predicted(prediction, drawn_within(draws, settings)))


def with_draws(files: ProgramFiles, settings: Settings, real: RealSpace) -> Settings:
    """The settings with the drawn values that a real map shows filled in, where any are drawn."""
    return settings._replace(draws=fit_draws(files, settings, real)) if settings.randomize else settings


def draw_bases(files: ProgramFiles, settings: Settings, times: int) -> tuple[Prediction, list[dict[Base, int]]]:
    """Start the program again and again, only to its first instruction, and note where its bases lay.

    Raises:
        CannotStart: tracing our own child is forbidden here.
    """
    prediction = predict(files, settings, Stage.EXEC)
    seen: list[dict[Base, int]] = []
    for _run in range(times):
        run = run_really(files, settings, (Stage.EXEC,))
        if not run.spaces:
            break
        draws = fit_draws(files, settings, run.spaces[0])
        filled = predict(files, settings._replace(draws=draws), Stage.EXEC)
        if filled.space is not None:
            seen.append(drawn_addresses(filled.space, prediction.ranges))
    return prediction, seen


def check_running(files: ProgramFiles, settings: Settings, real: RealSpace) -> CrossReport:
    """Lay what a process had at ``main`` beside what a running one shows now.

    The caller makes ``settings`` of what the process itself tells (personality, stack limit, arguments and
    environment, or strings of the same lengths) and ``real`` of its VMAs and the start_brk of its stat. Drawn
    values are fitted. A running program maps, frees and grows as it likes: lines that are there besides, a
    heap, a stack that has grown, and anonymous memory that joined a neighbour are no contradiction.
    """
    prediction = predict(files, settings, real.stage)
    draws = fit_draws(files, settings, real) if settings.randomize else None
    filled = predict(files, settings._replace(draws=draws), real.stage) if draws is not None else prediction
    within = {} if draws is None else drawn_within(draws, settings)
    return compare_running(
        filled._replace(ranges=prediction.ranges), real, draws=draws, within=drawn_as_predicted(prediction, within)
    )
