"""Joining the parsed files of one process into a snapshot.

What is missing stays missing: a refused file leaves None in its place, and the refusal is kept beside
it, so that each report can say which file was refused and what it would have told.
"""

from __future__ import annotations

from procmem.model.auxv import AT_PAGESZ
from procmem.model.machine import is_32_bit_machine
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.proc_keys import SmapsKey, StatusKey
from procmem.model.raw import FileContent, RawProcess, Refusal
from procmem.model.snapshot import Limit, Nature, Snapshot, Stat, Status, ThreadReading
from procmem.model.vma_names import KernelName
from procmem.parse.auxv import parse_auxv
from procmem.parse.maps import parse_maps
from procmem.parse.smaps import parse_rollup, parse_smaps
from procmem.parse.status import (
    parse_cmdline,
    parse_limits,
    parse_stat,
    parse_statm,
    parse_status,
    parse_syscall,
    parse_thread_stat,
    parse_thread_status,
)
from procmem.parse.system import parse_uptime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import TypeVar

    _Parsed = TypeVar("_Parsed")

__all__ = ["nature_of", "snapshot"]

_PF_KTHREAD = 0x0020_0000  # include/linux/sched.h
_DEFAULT_PAGE_SIZE = 4096


def nature_of(status: Status | None, stat: Stat | None) -> Nature:
    """What sort of task it is, by its state and its flags."""
    state = (status and status.state) or (stat and stat.state)
    threads = (status and status.threads) or (stat.num_threads if stat else None)
    if state in ("Z", "X"):
        return Nature.DEAD_LEADER if (threads or 1) > 1 else Nature.ZOMBIE
    if status is not None and status.fields.get("Kthread") == "1":
        return Nature.KERNEL_THREAD
    if stat is not None and stat.flags & _PF_KTHREAD:
        return Nature.KERNEL_THREAD
    return Nature.PROCESS


def snapshot(
    raw: RawProcess, *, keys: Collection[str] | None = None, mappings_read: Mappings | None = None
) -> Snapshot:
    """Parse what was read. ``keys`` are the wanted counters of smaps (all, when None).

    ``mappings_read`` is the table of smaps, where it was parsed already while it was read.

    Raises:
        MalformedFile: a file contradicts the form that the kernel documents.
    """
    prefix = f"task/{raw.read_through}/" if raw.read_through is not None else ""

    def parsed(name: str, parse: Callable[[bytes], _Parsed]) -> _Parsed | None:
        content = raw.files.get(name, Refusal.UNRECORDED)
        return None if isinstance(content, Refusal) else parse(content)

    status = parsed("status", parse_status)
    memory_status = parsed(f"{prefix}status", parse_status) if prefix else status
    stat = parsed(f"{prefix}stat", parse_stat)
    leader_stat = parsed("stat", parse_stat) if prefix else stat
    nature = nature_of(status, leader_stat)
    vector = parsed(f"{prefix}auxv", parse_auxv)
    auxv, auxv_bits = vector or (None, None)
    mappings, has_usage = (mappings_read, True) if mappings_read is not None else _mappings(raw.files, prefix, keys)
    if mappings is not None and not len(mappings) and nature is Nature.PROCESS and _has_memory(memory_status):
        mappings = None  # the process ended or was replaced between two reads: empty is no answer
    unstable = raw.unstable
    if mappings is not None:
        listed = len(mappings)
        mappings = mappings.without_repeats()
        if len(mappings) < listed:
            unstable = unstable or note("grown", count=listed - len(mappings))
    machine = raw.machine
    if machine.machine is None and mappings is not None:
        from procmem.model.machine_evidence import machine_shown_by  # noqa: PLC0415  # this machine says what it is

        machine = machine._replace(machine=machine_shown_by(mappings))
    known_page_size = _page_size(auxv, machine.page_size, mappings)
    page_size = known_page_size or _DEFAULT_PAGE_SIZE
    pid = raw.pid
    tgid = status.tgid if status is not None else None
    uptime = raw.system.get("uptime", Refusal.UNRECORDED)
    status_or_thread = status
    if status is not None and memory_status is not None and memory_status is not status:
        # the leader's status has no Vm lines once its memory is gone; the live thread's has
        status_or_thread = Status(status.fields, memory_status.sizes)
    return Snapshot(
        pid=pid if pid is not None else (stat.pid if stat else None),
        nature=nature,
        comm=_comm(raw.files, leader_stat),
        cmdline=parsed(f"{prefix}cmdline", parse_cmdline),
        exe=_link(raw.links.get("exe")),
        bits=_bits(auxv_bits, mappings, machine.machine),
        page_size=page_size,
        machine=machine,
        status=status_or_thread,
        stat=stat,
        statm=parsed(f"{prefix}statm", lambda data: parse_statm(data, page_size)),
        mappings=mappings,
        has_usage=has_usage,
        auxv=auxv,
        limits=_limits(raw.files),
        threads=_threads(raw),
        uptime=None if isinstance(uptime, Refusal) else parse_uptime(uptime),
        read_through=raw.read_through,
        thread_of=tgid if pid is not None and tgid is not None and tgid != pid else None,
        unstable=unstable,
        rollup=parsed(f"{prefix}smaps_rollup", parse_rollup),
        known_page_size=known_page_size,
        notes=raw.notes,
        missing_right=raw.missing_right,
        refusals={name: content for name, content in _all(raw).items() if isinstance(content, Refusal)},
    )


def _threads(raw: RawProcess) -> tuple[ThreadReading, ...] | None:
    if raw.thread_ids is None:
        return None
    files = raw.files
    threads = []
    for tid in raw.thread_ids:
        comm, stat, status, call = [
            files.get(f"task/{tid}/{name}", Refusal.UNRECORDED) for name in ("comm", "stat", "status", "syscall")
        ]
        if Refusal.GONE in (call, stat):
            continue
        parsed_stat = parse_thread_stat(stat) if isinstance(stat, bytes) else None
        sp, pc, running = parse_syscall(call) if isinstance(call, bytes) else (None, None, False)
        name = comm.removesuffix(b"\n") if isinstance(comm, bytes) else (parsed_stat.comm if parsed_stat else None)
        parsed_status = parse_thread_status(status) if isinstance(status, bytes) else None
        threads.append(ThreadReading(tid, name, sp, pc, running, parsed_stat, parsed_status))
    return tuple(threads)


def _all(raw: RawProcess) -> dict[str, FileContent]:
    return {**raw.files, **raw.links}


def _mappings(
    files: Mapping[str, FileContent], prefix: str, keys: Collection[str] | None
) -> tuple[Mappings | None, bool]:
    smaps = files.get(f"{prefix}smaps", Refusal.UNRECORDED)
    if not isinstance(smaps, Refusal):
        return parse_smaps(smaps, keys=keys), True
    maps = files.get(f"{prefix}maps", Refusal.UNRECORDED)
    return (None, False) if isinstance(maps, Refusal) else (parse_maps(maps), False)


def _has_memory(status: Status | None) -> bool:
    return status is not None and StatusKey.VM_SIZE in status.sizes


_LARGE_PAGES = (65_536, 16_384)
"""Page sizes of arm64, ppc64, mips64 and loongarch64 besides 4096 (ARM64_64K_PAGES, PPC_64K_PAGES and their like)."""
_TELLING_MAPPINGS = 4
"""So many mappings that begin and end at multiples of a larger page are no chance: of pages of 4096, one in 4^8 do."""


def _page_size(auxv: Mapping[int, int] | None, machine: int | None, mappings: Mappings | None) -> int | None:
    """The base page size: the process's own word for it, the machine's, else the smallest that smaps shows.

    Where none says it, a larger one of which all addresses are multiples; they never prove that pages are small.
    """
    if auxv is not None and auxv.get(AT_PAGESZ):
        return auxv[AT_PAGESZ]
    if machine:
        return machine
    sizes = [size for size in (mappings and mappings.column(SmapsKey.KERNEL_PAGE_SIZE)) or () if size]
    return min(sizes) if sizes else _page_size_of_addresses(mappings)


def _page_size_of_addresses(mappings: Mappings | None) -> int | None:
    if mappings is None:
        return None
    gates = set(mappings.gates())
    rows = [row for row in range(len(mappings)) if row not in gates]
    if len(rows) < _TELLING_MAPPINGS:
        return None
    borders = [*(mappings.start[row] for row in rows), *(mappings.end[row] for row in rows)]
    return next((size for size in _LARGE_PAGES if not any(at % size for at in borders)), None)


def _bits(auxv_bits: int | None, mappings: Mappings | None, machine: str | None) -> int | None:
    """The word size: by the shape of auxv, by an address that 32 bits cannot hold, by a 32-bit machine.

    What the kernel maps at the top of user space tells as well; a few low addresses alone, of a text that is cut off,
    tell nothing.
    """
    if auxv_bits is not None:
        return auxv_bits
    highest = 0
    if mappings:
        gates = set(mappings.gates())
        highest = max((end for row, end in enumerate(mappings.end) if row not in gates), default=0)
    if highest > 1 << 32:
        return 64
    if is_32_bit_machine(machine):
        return 32
    at_top = mappings is not None and mappings.rows_labelled(KernelName.STACK, KernelName.VDSO)
    return 32 if at_top or highest > 1 << 31 else None


def _comm(files: Mapping[str, FileContent], stat: Stat | None) -> bytes | None:
    content = files.get("comm", Refusal.UNRECORDED)
    if isinstance(content, bytes):
        return content.removesuffix(b"\n")
    return None if stat is None else stat.comm


def _link(text: bytes | Refusal | None) -> bytes | None:
    return text if isinstance(text, bytes) else None


def _limits(files: Mapping[str, FileContent]) -> dict[str, Limit] | None:
    content = files.get("limits", Refusal.UNRECORDED)
    return None if isinstance(content, Refusal) else parse_limits(content)
