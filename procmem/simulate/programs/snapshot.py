"""A simulated space as a snapshot: the value that a real process gives, so that all that follows serves both.

What a machine cannot know stays unknown: nothing is in memory yet, so there are no sizes of resident pages, and
no thread has run. Files get inode numbers of their own, since those of a disk decide nothing here.
"""

from procmem.model.auxv import AT_BASE, AT_ENTRY, AT_PAGESZ, AT_PHDR, AT_SYSINFO_EHDR
from procmem.model.machine import I686, X86_64
from procmem.model.mapping import Mappings
from procmem.model.proc_keys import StatusKey
from procmem.model.program_files import ProgramFiles, ProgramObject
from procmem.model.raw import Machine, MappedFile
from procmem.model.region import ElfObject
from procmem.model.simulation import PAGE, KernelKind, Prediction, SimSpace
from procmem.model.snapshot import Limit, LimitName, Nature, Snapshot, Stat, Status
from procmem.model.vma_names import KernelName, kernel_label
from procmem.simulate.arch.abis import abi_of
from procmem.simulate.arch.layout import limit_at_exec

__all__ = ["snapshot_of"]

_DISK, _NO_DISK = "fe:00", "00:00"


def snapshot_of(prediction: Prediction, files: ProgramFiles) -> tuple[Snapshot, tuple[ElfObject, ...]] | None:
    """The simulated process at its stage, and the objects that are mapped in it; None where there is no process."""
    space = prediction.space
    if space is None:
        return None
    names = [vma.name for vma in prediction.vmas if vma.name.startswith(b"/")]
    inodes = {name: number for number, name in enumerate(dict.fromkeys(names), start=1)}
    table = Mappings(
        start=[vma.start for vma in prediction.vmas],
        end=[vma.end for vma in prediction.vmas],
        perms=[vma.perms for vma in prediction.vmas],
        offset=[vma.offset for vma in prediction.vmas],
        device=[_DISK if vma.name in inodes else _NO_DISK for vma in prediction.vmas],
        inode=[inodes.get(vma.name, 0) for vma in prediction.vmas],
        name=[vma.name for vma in prediction.vmas],
    )
    loaded = [files.program, *([files.interpreter] if files.interpreter else []), *files.libraries]
    objects = tuple(_object(item, files, prediction, inodes[item.real]) for item in loaded if item.real in inodes)
    return _snapshot(prediction, space, table, files.program), objects


def _object(item: ProgramObject, files: ProgramFiles, prediction: Prediction, inode: int) -> ElfObject:
    ranges = tuple((vma.start, vma.end) for vma in prediction.vmas if vma.name == item.real)
    file = MappedFile(_DISK, inode, item.real, ranges, is_program=item is files.program)
    return ElfObject(file, item.image, soname=item.soname)


def _snapshot(prediction: Prediction, space: SimSpace, table: Mappings, program: ProgramObject) -> Snapshot:
    settings = prediction.settings
    comm = settings.exec_path.rsplit(b"/", 1)[-1][:15]
    auxv = {AT_PAGESZ: PAGE, AT_ENTRY: space.entry, AT_PHDR: space.program_bias + _headers(program)}
    if space.interpreter_base:
        auxv[AT_BASE] = space.interpreter_base
    vdso = next((vma.start for vma in prediction.vmas if vma.name == kernel_label(KernelName.VDSO)), None)
    if vdso is not None:
        auxv[AT_SYSINFO_EHDR] = vdso
    native, bits = settings.kernel is KernelKind.NATIVE, abi_of(settings.kernel).bits
    return Snapshot(
        pid=None,
        nature=Nature.SIMULATED,
        comm=comm,
        cmdline=settings.argv,
        exe=program.real,
        bits=bits,
        page_size=PAGE,
        machine=Machine(machine=I686 if native else X86_64, page_size=PAGE),
        status=Status({StatusKey.NAME: comm.decode("ascii", "replace"),
                       StatusKey.STATE: f"at {prediction.stage.value}"},
                      {StatusKey.VM_SIZE: space.virtual_size}),
        stat=_stat(space, comm),
        statm=None,
        mappings=table,
        has_usage=False,
        auxv=auxv,
        limits={LimitName.STACK: Limit(limit_at_exec(settings), None, "bytes")},
        threads=None,
        uptime=None,
        read_through=None,
        thread_of=None,
        unstable=None,
        refusals={},
    )  # fmt: skip


def _headers(program: ProgramObject) -> int:
    """Where the program headers lie before they are moved (AT_PHDR less the bias)."""
    image = program.image
    for segment in image.loads:
        if segment.offset <= image.phoff < segment.offset + segment.filesz:
            return segment.vaddr + image.phoff - segment.offset
    return image.loads[0].vaddr + image.phoff


def _stat(space: SimSpace, comm: bytes) -> Stat:
    return Stat(
        pid=0,
        comm=comm,
        state="S",
        ppid=0,
        flags=0,
        majflt=0,
        utime=0,
        stime=0,
        num_threads=space.threads,
        starttime=0,
        vsize=space.virtual_size,
        rss_pages=0,
        startcode=space.start_code,
        startstack=space.start_stack,
        processor=None,
        policy=None,
        start_data=space.start_data,
        end_data=space.end_data,
        start_brk=space.start_brk,
        arg_start=space.arg_start,
        arg_end=space.arg_end,
        env_start=space.env_start,
        env_end=space.env_end,
    )
