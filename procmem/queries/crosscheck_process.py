"""The joint of ``crosscheck TARGET``: a process that runs, or ran, held against the laws and the simulator.

A 32-bit process is foretold anew, from files and settings, never from its map. Where its files lie on this machine,
it is foretold up to ``main``. Of a recording, or of a program that was replaced or lies in another namespace, only the
headers of what was mapped are at hand: they say what the kernel did at exec. What the process itself tells of its
start (personality, limits, lengths of its strings) becomes the settings.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from procmem.errors import BadInput, MalformedFile
from procmem.model.elf import PT_INTERP
from procmem.model.note import note
from procmem.model.raw import Refusal
from procmem.model.reports.laws import Counterpart, LawReport
from procmem.model.sim import KernelFacts, KernelKind, RealSpace, Settings, Stage
from procmem.model.sim_files import LoadedObject, ProgramFiles
from procmem.model.vma_names import KernelName
from procmem.parse.status import parse_status
from procmem.queries.consistency import read_consistently
from procmem.queries.crosscheck_program import check_running, kernel_facts, machine_randomize, really
from procmem.queries.examine import examine
from procmem.queries.laws import laws_here
from procmem.queries.predict_program import program_files
from procmem.simulate.kernel.constants import GIB_3
from procmem.simulate.kernel.versions import table_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from procmem.model.ports import Target
    from procmem.model.raw import MappedFile
    from procmem.model.region import ElfObject
    from procmem.model.reports.inspection import Band, Inspection
    from procmem.model.sim import CrossReport
    from procmem.model.snapshot import Snapshot
    from procmem.queries.examine import Examination

__all__ = ["check_target", "examine_at_rest"]

_AT_BASE, _AT_EXECFN = 7, 31
_COMPAT_STACK_TOP = 0xFFFF_E000
_PAGE = 4096
_TEXTBOOK = (
    ("kernel space", "c0000000-ffffffff", "the upper gigabyte"),
    ("stack", "ends c0000000", "grows down, 8 MiB at most"),
    ("mapping area", "below b8000000", "128 MiB below the top, filled downwards"),
    ("heap", "above the BSS", "grows up"),
    ("bss", "above data", "zero-initialised"),
    ("data", "above text", "initialised"),
    ("text", "from 08048000", "the linker's default place"),
)


def examine_at_rest(target: Target) -> Examination:
    """Examine a process, again while its size is another one before and after; one that never rests is marked so.

    Raises:
        ProcessGone, AccessRefused, MalformedFile: as :func:`procmem.queries.examine.examine`.
    """
    sizes: set[int | None] = set()

    def is_moving(seen: Examination) -> bool:
        shot = seen.snapshot
        status = target.read("status" if shot.read_through is None else f"task/{shot.read_through}/status")
        now = parse_status(status).sizes.get("VmSize") if isinstance(status, bytes) and status else None
        sizes.update((shot.size("VmSize"), now))
        return not shot.size("VmSize") == now == shot.virt

    seen, settled = read_consistently(lambda: examine(target), is_moving)
    known = sorted(size for size in sizes if size is not None)
    if settled or len(known) < 2:
        return seen
    moved = note("moved", least=known[0], most=known[-1])
    return seen._replace(snapshot=seen.snapshot._replace(unstable=seen.snapshot.unstable or moved))


def check_target(target: Target, seen: Examination, report: Inspection, *, live: bool) -> LawReport:
    """Check a process that was examined; ``live`` says that it runs on this machine, now."""
    laws = laws_here(seen.snapshot, seen.objects, walk=True)
    exact, why = _foretold(target, seen, live=live)
    return LawReport(report.process, laws, _counterparts(report.picture), exact, why)


def _counterparts(bands: Sequence[Band]) -> tuple[Counterpart, ...]:
    found = []
    for area, place, way in _TEXTBOOK:
        own = [band for band in bands if band.name == area]
        here = (min(band.start for band in own), max(band.end for band in own)) if own else None
        found.append(Counterpart(area, f"{place}: {way}", here))
    return tuple(found)


def _foretold(target: Target, seen: Examination, *, live: bool) -> tuple[CrossReport | None, str | None]:
    """The simulator's map beside the real one, drawn values filled in; or None and the reason."""
    shot = seen.snapshot
    if shot.bits != 32:
        return None, "the simulator foretells 32-bit programs; of others the laws are checked"
    program = next((item for item in seen.objects if item.file.is_program and item.image is not None), None)
    if program is None or shot.mappings is None or shot.stat is None:
        return None, "its mappings or its program may not be read"
    if (program.soname or b"").startswith(b"ld-"):
        return None, "the dynamic linker was started by hand: what it maps for its program is not foretold"
    kind = KernelKind.COMPAT if shot.machine.machine == "x86_64" else KernelKind.NATIVE
    settings = _settings(target, shot, kind, live=live)
    if settings is None:
        return None, "how it was started may not be read (stat, auxv)"
    facts = kernel_facts(kind)[0] if live else _facts_of_recording(target, shot, kind)
    files = _files_on_disk(program.file) if live else None
    stage = Stage.MAIN if files is not None else Stage.EXEC
    files = files or _files_of_headers(program, seen.objects, (shot.auxv or {}).get(_AT_BASE))
    lines = tuple((vma.start, vma.end, vma.perms, vma.offset, vma.name) for vma in shot.mappings)
    real = RealSpace(stage, lines, None, shot.stat.start_brk)
    return check_running(files, really(settings._replace(facts=facts), files), real), None


def _files_on_disk(program: MappedFile) -> ProgramFiles | None:
    """The program and its libraries as they lie here; None where the file of that name is another one."""
    try:
        files = program_files(program.path, ())
    except BadInput:
        return None
    major, minor = (int(part, 16) for part in program.device.split(":"))
    same = files.program.identity == (os.makedev(major, minor), program.inode)
    return files if same and files.missing is None else None


def _files_of_headers(program: ElfObject, objects: tuple[ElfObject, ...], base: int | None) -> ProgramFiles:
    """The program and its interpreter by their headers alone, which is all that exec looks at."""
    linker = next(
        (item for item in objects if base and any(start <= base < end for start, end in item.file.ranges)), None
    )
    return ProgramFiles(
        program=_loaded(program), interpreter=_loaded(linker) if linker is not None and linker.image else None
    )


def _loaded(item: ElfObject) -> LoadedObject:
    assert item.image is not None
    asks = b"ld.so" if item.image.first(PT_INTERP) is not None else None
    return LoadedObject(item.file.path, item.file.path, item.image, interpreter=asks, soname=item.soname)


def _facts_of_recording(target: Target, shot: Snapshot, kind: KernelKind) -> KernelFacts:
    """What its kernel did in the details: by the sizes of the kernel's own pages, which the recording holds."""
    table = shot.mappings
    assert table is not None

    def pages(name: KernelName) -> int:
        return sum(table.end[row] - table.start[row] for row in table.rows_labelled(name)) // _PAGE

    known = table_facts(kind)
    bits = target.read_system("sys/vm/mmap_rnd_compat_bits" if kind is KernelKind.COMPAT else "sys/vm/mmap_rnd_bits")
    return known._replace(
        vvar_pages=pages(KernelName.VVAR),
        vclock_pages=pages(KernelName.VVAR_VCLOCK),
        vdso_pages=pages(KernelName.VDSO),
        aux_pairs=len(shot.auxv or {}) + 1,
        mmap_rnd_bits=int(bits) if isinstance(bits, bytes) and bits.strip().isdigit() else known.mmap_rnd_bits,
        origin="the recording",
    )


def _personality(content: bytes) -> int:
    """The bits that ``personality`` tells (fs/proc/base.c, proc_pid_personality(): eight hexadecimal digits)."""
    try:
        return int(content, 16)
    except ValueError:
        raise MalformedFile("personality", 1, "not a hexadecimal number", content) from None


def _settings(target: Target, shot: Snapshot, kind: KernelKind, *, live: bool) -> Settings | None:
    """Arguments and environment count by their lengths alone: their text is nobody's business."""
    stat, table = shot.stat, shot.mappings
    execfn = (shot.auxv or {}).get(_AT_EXECFN)
    assert table is not None
    rows = table.rows_labelled(KernelName.STACK)
    if stat is None or execfn is None or not rows:
        return None
    if stat.arg_start is None or stat.arg_end is None or stat.env_start is None or stat.env_end is None:
        return None
    top = table.end[rows[-1]]
    content = target.read("personality")
    if not isinstance(content, Refusal):
        bits = _personality(content)
    else:
        # not recorded: the borders tell it, as far as they can
        bits = (0x800_0000 if top <= GIB_3 else 0) | (0x4_0000 if top in (GIB_3, _COMPAT_STACK_TOP) else 0)
    limit = (shot.limits or {}).get("Max stack size")
    return Settings(
        kernel=kind,
        limit_3gb=bool(bits & 0x800_0000),
        randomize=0 if bits & 0x4_0000 else (machine_randomize() if live else 2),
        legacy=bool(bits & 0x20_0000),
        read_implies_exec=bool(bits & 0x40_0000),
        stack_limit=8 << 20 if limit is None else limit.soft,
        exec_path=b"x" * max(top - (4 if kind is KernelKind.NATIVE else 8) - execfn - 1, 1),
        argv=(b"x" * max(stat.arg_end - stat.arg_start - 1, 0),),
        env=(b"x" * (stat.env_end - stat.env_start - 1),) if stat.env_end > stat.env_start else (),
    )
