"""Predicting and then looking: the joint between the simulator and really started programs.

The order is the point. Everything is predicted from files and settings first; only then is the program
started, stopped and read. What is read never goes back into a prediction, but for the drawn values of a
run with randomisation, and a map they were filled into is called fitted.
"""

import os
import struct
from collections.abc import Sequence

from procmem.analyse.crosscheck import compare, drawn_addresses, failure_report
from procmem.model.sim import (
    Base,
    CrossReport,
    Draws,
    KernelFacts,
    KernelKind,
    Prediction,
    RealRun,
    RealSpace,
    Settings,
    SimVma,
    Stage,
)
from procmem.model.sim_files import ProgramFiles
from procmem.model.vma_names import KernelName, kernel_label
from procmem.parse.maps import parse_maps
from procmem.parse.status import parse_stat
from procmem.simulate.kernel.aslr import drawn_within
from procmem.simulate.kernel.versions import table_facts
from procmem.simulate.programs.predict import fit_draws, predict
from procmem.tracing.probe import KernelSettings, ProbeReading, probe, read_kernel_settings
from procmem.tracing.tracee import CannotStart, Started, Tracee
from procmem.tracing.untraced import Untraced

__all__ = [
    "check_running",
    "crosscheck",
    "draw_bases",
    "kernel_facts",
    "machine_randomize",
    "personality",
    "really",
    "run_really",
]

_ADDR_NO_RANDOMIZE, _READ_IMPLIES_EXEC = 0x004_0000, 0x040_0000
_ADDR_COMPAT_LAYOUT, _ADDR_LIMIT_3GB = 0x020_0000, 0x800_0000
_AT_ENTRY, _AT_BASE = 9, 7
_PAGE = 4096


def personality(settings: Settings) -> int:
    """The personality bits under which these settings come true."""
    bits = 0
    if not settings.randomize:
        bits |= _ADDR_NO_RANDOMIZE
    if settings.read_implies_exec:
        bits |= _READ_IMPLIES_EXEC
    if settings.legacy:
        bits |= _ADDR_COMPAT_LAYOUT
    if settings.limit_3gb and settings.kernel is KernelKind.COMPAT:
        bits |= _ADDR_LIMIT_3GB
    return bits


def kernel_facts(kernel: KernelKind) -> tuple[KernelFacts, bool]:
    """What the running kernel does in the details, and whether 32-bit programs run here at all.

    Another kind of kernel than the running one is answered from the dated table.
    """
    settings = read_kernel_settings()
    running = KernelKind.COMPAT if settings.machine == "x86_64" else KernelKind.NATIVE
    reading = probe()
    known = table_facts(kernel)
    if kernel is not running or reading is None:
        return known._replace(cpus=settings.cpus), reading is not None
    return _from_probe(known, reading, settings), True


def really(settings: Settings, files: ProgramFiles) -> Settings:
    """Settings as the kernel takes them for this very file.

    A set-user-ID or -group-ID program loses the personality bits that would make its layout foreseeable
    (include/uapi/linux/personality.h, PER_CLEAR_ON_SETID), so it is randomised whatever was asked for.
    """
    if not files.program.changes_ids:
        return settings
    return settings._replace(randomize=machine_randomize(), legacy=False, read_implies_exec=False)


def machine_randomize() -> int:
    """kernel.randomize_va_space of this machine, 2 where it does not say."""
    value = read_kernel_settings().randomize
    return 2 if value is None else value


def _from_probe(known: KernelFacts, reading: ProbeReading, settings: KernelSettings) -> KernelFacts:
    table = parse_maps(reading.maps)

    def pages(name: KernelName) -> int:
        return sum(table.end[row] - table.start[row] for row in table.rows_labelled(name)) // _PAGE

    inclusive = bool(table.rows_labelled(KernelName.HEAP))
    pairs = _pairs(reading.auxv)
    native = settings.machine != "x86_64"
    bits = settings.rnd_bits if native else settings.rnd_compat_bits
    return known._replace(
        vvar_pages=pages(KernelName.VVAR),
        vclock_pages=pages(KernelName.VVAR_VCLOCK),
        vdso_pages=pages(KernelName.VDSO),
        aux_pairs=len(pairs) + 1,
        mmap_min_addr=known.mmap_min_addr if settings.mmap_min_addr is None else settings.mmap_min_addr,
        guard_gap=_guard_gap(settings.command_line, known.guard_gap),
        mmap_rnd_bits=bits if bits is not None else known.mmap_rnd_bits,
        heap_label_inclusive=inclusive,
        cpus=settings.cpus,
        origin=f"probe: a 32-bit program run on this kernel ({settings.release})",
    )


def _pairs(auxv: bytes) -> list[tuple[int, int]]:
    pairs = []
    for key, value in struct.iter_unpack("<II", auxv[: len(auxv) // 8 * 8]):
        if not key:
            break
        pairs.append((key, value))
    return pairs


def _guard_gap(command_line: bytes, default: int) -> int:
    """The boot option ``stack_guard_gap=``, in pages (mm/mmap.c, cmdline_parse_stack_guard_gap())."""
    for word in command_line.split():
        name, mark, value = word.partition(b"=")
        if name == b"stack_guard_gap" and mark and value.isdigit():
            return int(value) * _PAGE
    return default


def run_really(files: ProgramFiles, settings: Settings, stages: Sequence[Stage]) -> RealRun:
    """Start the program under the settings, stop it at each stage, and say what it showed.

    Raises:
        CannotStart: tracing our own child is forbidden here.
    """
    how = Started(settings.exec_path, settings.argv, settings.env, personality(settings), settings.stack_limit)
    spaces: list[RealSpace] = []
    with Tracee(how) as child:
        if not child.alive:
            return RealRun((), "execve was refused" if child.refused else _how_ended(child.ended))
        vector = dict(_pairs(child.proc_file("auxv")))
        entry = vector.get(_AT_ENTRY, 0)
        bias = entry - files.program.image.entry
        first_sp = child.registers().sp
        for stage in stages:
            linked = stage is Stage.EXEC or not vector.get(_AT_BASE) or child.registers().ip == entry
            if not linked and not child.run_to(entry):
                return RealRun(tuple(spaces), _how_ended(child.ended))
            if stage is Stage.MAIN:
                known = files.program.main
                main = known + bias if known is not None else child.find_main(first_sp)
                if main is None:
                    return RealRun(tuple(spaces), unchecked="neither a symbol nor the start code tells where main is")
                if not child.run_to(main):
                    return RealRun(tuple(spaces), _how_ended(child.ended))
            spaces.append(_seen(child, stage))
    return RealRun(tuple(spaces))


def _seen(child: Tracee, stage: Stage) -> RealSpace:
    lines = _lines(child)
    start_brk = parse_stat(child.proc_file("stat")).start_brk
    return RealSpace(stage, lines, child.registers().sp if stage is Stage.EXEC else None, start_brk)


def _lines(child: Tracee | Untraced) -> tuple[tuple[int, int, str, int, bytes], ...]:
    maps = parse_maps(child.proc_file("maps"))
    return tuple((vma.start, vma.end, vma.perms, vma.offset, vma.name) for vma in maps)


def _how_ended(status: int | None) -> str:
    if status is None:
        return "it is gone"
    if os.WIFSIGNALED(status):
        return f"it was ended by signal {os.WTERMSIG(status)}"
    return f"it ended with status {os.WEXITSTATUS(status)}"


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
        at_main = _by_a_stop(files, settings, str(error))
        unseen = f"{error}; only main can be looked at without it"
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
            unchecked = unchecked or "whether it gets here depends on the drawn values"
        if unchecked is not None:
            reports.append(CrossReport(prediction, (), unchecked=unchecked))
            continue
        if real is None:
            reports.append(failure_report(prediction, run.ended or "not reached"))
            continue
        if settings.randomize and prediction.failure is None:
            if draws is None:
                draws = fit_draws(files, settings, real)
            reports.append(_fitted(files, settings, prediction, real, draws))
        else:
            reports.append(compare(prediction, real))
    return tuple(reports)


def _by_a_stop(files: ProgramFiles, settings: Settings, why: str) -> CrossReport:
    """Start the program untraced, stop it by a signal, and hold what it had at ``main`` against what it shows then."""
    how = Started(settings.exec_path, settings.argv, settings.env, personality(settings), settings.stack_limit)
    with Untraced(how) as child:
        if not child.alive:
            prediction = predict(files, settings, Stage.MAIN)
            return CrossReport(prediction, (), unchecked=f"{why}; and it ended before it could be stopped")
        real = RealSpace(Stage.MAIN, _lines(child), None, parse_stat(child.proc_file("stat")).start_brk)
    report = check_running(files, settings, real)
    note = f"{why}: looked at by a stop somewhere behind main, where it may have mapped more"
    notes = (*report.prediction.notes, note)
    return report._replace(prediction=report.prediction._replace(notes=notes))


def _fitted(
    files: ProgramFiles, settings: Settings, prediction: Prediction, real: RealSpace, draws: Draws
) -> CrossReport:
    """Compare with the drawn values filled in, and keep the ranges that were predicted without them."""
    filled = predict(files, settings._replace(draws=draws), real.stage)._replace(ranges=prediction.ranges)
    moving = {wanted.base for wanted in prediction.ranges}
    within = tuple((base, inside) for base, inside in drawn_within(draws, settings).items() if base in moving)
    return compare(filled, real, draws=draws, within=within)


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
    vmas = tuple(vma for vma in filled.vmas if vma.name != kernel_label(KernelName.HEAP))
    lines = [line for vma in vmas if (line := _still_there(vma, real)) is not None]
    within: tuple[tuple[Base, bool], ...] = ()
    if draws is not None:
        moving = {wanted.base for wanted in prediction.ranges}
        within = tuple((base, inside) for base, inside in drawn_within(draws, settings).items() if base in moving)
    shown = filled._replace(vmas=vmas, ranges=prediction.ranges)
    return compare(shown, real._replace(lines=tuple(lines), esp=None), draws=draws, within=within)


def _still_there(vma: SimVma, real: RealSpace) -> tuple[int, int, str, int, bytes] | None:
    """The real line that a predicted one has become: equal, grown (a stack, anonymous memory), or only alike.

    What exec made writable may have been split since: its first part is read-only after relocation (RELRO).
    """
    wanted = (vma.start, vma.end, vma.perms, vma.offset, vma.name)
    if wanted in real.lines:
        return wanted
    if real.stage is Stage.EXEC and vma.name and vma.perms == "rw-p":
        parts = [line for line in real.lines if vma.start <= line[0] < vma.end and line[4] == vma.name]
        # (all of it is RELRO where the file's part ends with the page)
        whole = [(vma.start, "r--p"), (parts[0][1], "rw-p")] if parts else []
        if parts and [(line[0], line[2]) for line in parts] in (whole, whole[:1]) and parts[-1][1] == vma.end:
            return wanted
    for line in real.lines:
        covers = line[0] <= vma.start and vma.end <= line[1] and line[2] == vma.perms and line[4] == vma.name
        if covers and (not vma.name or (vma.grows_down and line[1] == vma.end)):
            return wanted
    alike = (line for line in real.lines if vma.name and line[2:] == (vma.perms, vma.offset, vma.name))
    return next(alike, None)
