"""``crosscheck TARGET``: a process that runs, or ran, held against the laws and the simulator.

A process of x86 is predicted anew, from files and settings, never from its map. Where its files lie on this machine,
it is predicted up to ``main``. Of a recording, or of a program that was replaced or lies in another namespace, only the
headers of what was mapped are at hand: they say what the kernel did at exec. What the process itself tells of its
start (personality, limits, lengths of its strings) becomes the settings.
"""

from __future__ import annotations

from procmem.analyse.crosscheck import under_the_limit_at_exec
from procmem.analyse.textbook import counterparts
from procmem.errors import BadInput
from procmem.model.auxv import AT_BASE
from procmem.model.libc_files import is_dynamic_linker
from procmem.model.machine import architecture_of
from procmem.model.note import Note, note
from procmem.model.proc_keys import StatusKey
from procmem.model.program_files import ProgramFiles
from procmem.model.raw import Refusal
from procmem.model.reports.crosscheck import RealSpace
from procmem.model.reports.laws import LawReport
from procmem.model.simulation import PAGE, KernelFacts, KernelKind, Settings, Stage
from procmem.model.vma_names import is_deleted
from procmem.parse.environ import linker_variables
from procmem.parse.status import parse_personality, parse_status
from procmem.parse.system import parse_number
from procmem.queries.crosscheck_program import check_running, kernel_facts, machine_randomize, really
from procmem.queries.examine import examine
from procmem.queries.laws import laws_here
from procmem.queries.predict_program import program_files
from procmem.queries.read import read_consistently
from procmem.simulate.arch.abis import abi_of
from procmem.simulate.kernel.personality import facts_of_pages, kernel_kind, settings_of_process
from procmem.simulate.kernel.versions import table_facts
from procmem.simulate.programs.from_headers import files_of_headers
from procmem.sources.object_file import is_mapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import Target
    from procmem.model.raw import MappedFile
    from procmem.model.reports.crosscheck import CrossReport
    from procmem.model.reports.inspection import Inspection
    from procmem.model.snapshot import Snapshot
    from procmem.queries.examine import Examination

__all__ = ["check_target", "examine_at_rest"]


def examine_at_rest(target: Target) -> Examination:
    """Examine a process, again while its size is another one before and after; one that never rests is marked so.

    Raises:
        ProcessGone, AccessRefused, MalformedFile: as :func:`procmem.queries.examine.examine`.
    """
    sizes: set[int | None] = set()

    def is_moving(seen: Examination) -> bool:
        shot = seen.snapshot
        status = target.read("status" if shot.read_through is None else f"task/{shot.read_through}/status")
        now = parse_status(status).sizes.get(StatusKey.VM_SIZE) if isinstance(status, bytes) and status else None
        sizes.update((shot.size(StatusKey.VM_SIZE), now))
        return not shot.size(StatusKey.VM_SIZE) == now == shot.virt

    seen, settled = read_consistently(lambda: examine(target), is_moving)
    known = sorted(size for size in sizes if size is not None)
    if settled or len(known) < 2:
        return seen
    moved = note("moved", least=known[0], most=known[-1])
    return seen._replace(snapshot=seen.snapshot._replace(unstable=seen.snapshot.unstable or moved))


def check_target(target: Target, seen: Examination, report: Inspection, *, live: bool) -> LawReport:
    """Check a process that was examined; ``live`` says that it runs on this machine, now."""
    laws = laws_here(seen.snapshot, seen.objects, walk=True)
    exact, why = _predicted(target, seen, live=live)
    exact = None if exact is None else under_the_limit_at_exec(exact, laws)
    return LawReport(report.process, laws, counterparts(report.picture), exact, why)


def _predicted(target: Target, seen: Examination, *, live: bool) -> tuple[CrossReport | None, Note | None]:
    """The simulator's map beside the real one, drawn values filled in; or None and the reason."""
    shot = seen.snapshot
    if not architecture_of(shot.machine.machine, shot.bits).layout:
        return None, note("not-x86")
    program = next((item for item in seen.objects if item.file.is_program and item.image is not None), None)
    if program is None or not (program.image and program.image.loads) or shot.mappings is None or shot.stat is None:
        return None, note("no-program")
    if is_dynamic_linker(program.soname):
        return None, note("linker-by-hand")
    kind = kernel_kind(shot.machine.machine, shot.bits)
    settings = _settings(target, shot, kind, live=live)
    if settings is None:
        return None, note("no-start")
    facts = kernel_facts(kind)[0] if live else _facts_of_recording(target, shot, kind)
    files = _files_on_disk(program.file, seen.snapshot, _linker_variables(target)) if live else None
    stage = Stage.MAIN if files is not None else Stage.EXEC
    files = files or files_of_headers(program, seen.objects, (shot.auxv or {}).get(AT_BASE))
    lines = tuple((vma.start, vma.end, vma.perms, vma.offset, vma.name) for vma in shot.mappings)
    real = RealSpace(stage, lines, None, shot.stat.start_brk)
    return _checked(files, really(settings._replace(facts=facts), files), real), None


_CACHE_PAGES_MAX = 32
"""Pages that /etc/ld.so.cache may have had when a process was started: that of a large system has 20."""


def _checked(files: ProgramFiles, settings: Settings, real: RealSpace) -> CrossReport:
    """Compare; where lines differ, also with a linker's cache of another size, as it may have been at the start.

    The cache is written anew whenever libraries are installed. While it was mapped it pushed the libraries down, so a
    process that began before lies where the size of that time put it.
    """
    report = check_running(files, settings, real)
    if report.holds or not files.cache_size:
        return report
    now = -(-files.cache_size // PAGE)
    for pages in (pages for pages in range(1, _CACHE_PAGES_MAX + 1) if pages != now):
        other = check_running(files._replace(cache_size=pages * PAGE), settings, real)
        if other.holds:
            told = note("cache-resized", then=pages * PAGE, now=now * PAGE)
            return other._replace(prediction=other.prediction._replace(notes=(*other.prediction.notes, told)))
    return report


def _linker_variables(target: Target) -> tuple[bytes, ...]:
    """What of the environment decides which libraries are loaded; nothing where it may not be read.

    A program may have written over its environment since; then nothing that begins so is left.
    """
    content = target.read("environ")
    return () if isinstance(content, Refusal) else linker_variables(content)


def _files_on_disk(program: MappedFile, shot: Snapshot, env: tuple[bytes, ...]) -> ProgramFiles | None:
    """The program and its libraries as they lie here; None where a file of such a name is not the one it has mapped."""
    if is_deleted(program.path):
        return None  # what has that name now is another file
    try:
        files = program_files(program.path, env, program)
    except BadInput:
        return None
    assert shot.mappings is not None
    mapped = set(zip(shot.mappings.device, shot.mappings.inode, strict=True))
    loaded = [*files.libraries, *([files.interpreter] if files.interpreter is not None else [])]
    whole = files.missing is None and all(is_mapped(item, mapped) for item in loaded)
    return files if whole else None


def _facts_of_recording(target: Target, shot: Snapshot, kind: KernelKind) -> KernelFacts:
    """What its kernel did in the details: by the sizes of the kernel's own pages, which the recording holds."""
    assert shot.mappings is not None
    known = table_facts(kind)
    content = target.read_system("sys/vm/mmap_rnd_compat_bits" if kind is KernelKind.COMPAT else "sys/vm/mmap_rnd_bits")
    bits = None if isinstance(content, Refusal) else parse_number(content)
    facts = facts_of_pages(known, shot.mappings, aux_pairs=len(shot.auxv or {}), origin=note("recording"))
    possible = bits is not None and bits <= abi_of(kind).layout.mmap_draw_bits  # the rest no kernel can be set to
    return facts._replace(mmap_rnd_bits=bits) if bits is not None and possible else facts


def _settings(target: Target, shot: Snapshot, kind: KernelKind, *, live: bool) -> Settings | None:
    """How the process was started, as far as it tells."""
    content = target.read("personality")
    bits = None if isinstance(content, Refusal) else parse_personality(content)
    return settings_of_process(shot, kind, bits, randomize=machine_randomize() if live else 2)
