"""Swap: the system's files twice, an interval apart, all processes, and the shared memory behind them."""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Iterator
from functools import partial

from procmem.analyse.swap import maps_shared_memory_in_swap, rates_between, shared_memory_in_swap, with_cgroups
from procmem.errors import AccessRefused, BadInput, NothingMatches, ProcessGone
from procmem.model.proc_keys import SmapsKey
from procmem.model.raw import said_or_nothing
from procmem.model.reports.swap import Object, Rates, SwapMoment, SwapReading
from procmem.model.reports.system import ProcessRow
from procmem.model.vma_names import KernelName
from procmem.parse.mountinfo import MEMORY_TYPES, devices_of_type, mount_ids_of_type, mount_points
from procmem.parse.smaps import parse_smaps
from procmem.parse.status import parse_stat
from procmem.parse.system import (
    parse_meminfo,
    parse_number,
    parse_pressure,
    parse_segments_in_swap,
    parse_swaps,
    parse_vmstat,
)
from procmem.queries.system import cgroups_of, groups_in_swap, own_mountinfo, read_all
from procmem.sources.file_helper import call_apart
from procmem.sources.files import NoAnswer
from procmem.sources.machine import own_pid
from procmem.sources.shmem import (
    OWN_ROOT,
    TmpfsFile,
    map_file,
    mount_namespace,
    open_files,
    own_folder,
    process_folder,
    root_of,
    segment_name,
    swapped_bytes,
    tmpfs_files,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import Source, Target

__all__ = ["read_swap"]


def read_swap(source: Source, pids: Iterable[int | None], *, interval: float, users: object = str) -> SwapReading:
    """Read the system's swap; with an ``interval`` in seconds, also what moves.

    A recording tells of one moment, and only of the processes that were recorded.
    """
    pids = list(pids)
    live = source.is_live
    if not pids:
        raise NothingMatches("no-process-in", source=source.name)
    with source.open(own_pid() if live else pids[0]) as target:
        rates = _rates(source, target, pids, interval) if live and interval else None
        swaps = target.read_system("swaps")
        areas = parse_swaps(said_or_nothing(swaps))
        with_cgroup = (rates is not None and bool(rates.faulters)) or (live and any(area.used for area in areas))
        found = read_all(source, pids, with_cgroup=with_cgroup, users=users if callable(users) else str)
        meminfo = _system(target, "meminfo")
        swappiness = parse_number(_system(target, "sys/vm/swappiness"))
        known = isinstance(swaps, bytes)
        in_use = not known or any(area.used for area in areas)
        unanswered: list[bytes] = []
        objects = tuple(_objects(source, target, found.rows, unanswered)) if live and in_use else ()
        release = target.machine.release
    if rates is not None and with_cgroup:
        rates = with_cgroups(rates, found.rows, cgroups_of(found.rows, own_mountinfo()))
    return SwapReading(
        areas=areas,
        meminfo=parse_meminfo(meminfo),
        swappiness=swappiness,
        release=release,
        rates=rates,
        rows=tuple(found.rows),
        objects=objects,
        unreadable=found.unreadable,
        whole_machine=live,
        areas_known=known,
        unanswered=tuple(unanswered),
        groups=tuple(groups_in_swap(found.rows, own_mountinfo())) if live and with_cgroup else (),
    )


def _system(target: Target, name: str) -> bytes:
    """A file of the system; nothing where it is refused."""
    return said_or_nothing(target.read_system(name))


def _rates(source: Source, target: Target, pids: list[int | None], interval: float) -> Rates:
    before = _moment(source, target, pids)
    time.sleep(interval)
    return rates_between(before, _moment(source, target, pids), target.machine.page_size or 4096)


def _moment(source: Source, target: Target, pids: list[int | None]) -> SwapMoment:
    """What can be read of now."""
    faults: dict[int, tuple[bytes, int]] = {}
    for pid in filter(None, pids):
        try:
            with source.open(pid) as process:
                content = process.read("stat")
        except (ProcessGone, AccessRefused, BadInput):
            continue
        if isinstance(content, bytes) and content:
            found = parse_stat(content)
            faults[pid] = (found.comm, found.majflt)
    stalled = parse_pressure(_system(target, "pressure/memory"))
    return SwapMoment(parse_vmstat(_system(target, "vmstat")), faults, stalled, time.monotonic())


def _objects(source: Source, target: Target, rows: list[ProcessRow], unanswered: list[bytes]) -> Iterator[Object]:
    """Shared memory in swap, each object once: segments, files, what processes map besides, and what they have open.

    ``unanswered`` is filled with the first of the folders that may lie beyond a file system that does not answer.
    """
    known = [(row, row.pid) for row in rows if row.pid is not None]
    segments = parse_segments_in_swap(_system(target, "sysvipc/shm"))
    yield from (Object(segment_name(shmid), "SysV segments", size) for shmid, size in segments.items() if size)
    seen: set[tuple[str, int]] = set()
    devices: set[str] = set()
    mounts: set[int] = set()
    for root, mountinfo in _mount_namespaces(source, [pid for _, pid in known]):
        devices |= devices_of_type(mountinfo, MEMORY_TYPES)
        mounts |= mount_ids_of_type(mountinfo, MEMORY_TYPES)
        points = [root + point for point, _ in mount_points(mountinfo, MEMORY_TYPES)]
        try:
            files = call_apart(partial(_files_in_swap, points))
        except NoAnswer:
            unanswered += points[:1]
            continue
        for file, swapped in files:
            if file.key not in seen:
                seen.add(file.key)
                if swapped:
                    yield Object(file.path, "tmpfs files", swapped)
    mapped: dict[tuple[str, int], Object] = {}
    for row, pid in known:
        if maps_shared_memory_in_swap(row):
            for key, item, is_segment in _mapped(source, pid, devices):
                if key not in seen and not (is_segment and key[1] in segments):
                    mapped[key] = max(item, mapped.get(key, item), key=lambda one: one.swap)
    yield from mapped.values()
    seen |= mapped.keys()
    for _, pid in known:
        for name, file in open_files(process_folder(source.name, pid), mounts):
            if file.key not in seen:
                seen.add(file.key)
                if size := swapped_bytes(file.path):
                    yield Object(name, "open shared memory", size)


def _files_in_swap(folders: Iterable[bytes]) -> list[tuple[TmpfsFile, int]]:
    """The files on some mounted file systems in memory, and what of each is in swap."""
    return [(file, swapped_bytes(file.path) or 0) for folder in folders for file in tmpfs_files(folder)]


def _mount_namespaces(source: Source, pids: list[int]) -> Iterator[tuple[bytes, bytes]]:
    """The root and mounts that we see, and those that others see (a container has its own /dev/shm)."""
    yield OWN_ROOT, own_mountinfo()
    known = {mount_namespace(own_folder())}
    for pid in pids:
        folder = process_folder(source.name, pid)
        namespace = mount_namespace(folder)
        if namespace is None or namespace in known:
            continue
        known.add(namespace)
        try:
            with source.open(pid) as target:
                mountinfo = target.read("mountinfo")
        except (ProcessGone, AccessRefused, BadInput):
            continue
        if isinstance(mountinfo, bytes):
            yield root_of(folder), mountinfo


def _mapped(source: Source, pid: int, devices: Container[str]) -> Iterator[tuple[tuple[str, int], Object, bool]]:
    """The objects that a process maps and that have pages in swap; all of each where it may be opened."""
    try:
        with source.open(pid) as target:
            smaps = target.read("smaps")
    except (ProcessGone, AccessRefused, BadInput):
        return
    if not isinstance(smaps, bytes):
        return
    table = parse_smaps(smaps, keys=(SmapsKey.SWAP, SmapsKey.SWAP_PSS))
    for row, item in shared_memory_in_swap(table, devices):
        whole = swapped_bytes(map_file(process_folder(source.name, pid), table.start[row], table.end[row]))
        found = item if whole is None else item._replace(swap=whole)
        yield (table.device[row], table.inode[row]), found, table.named(row).named is KernelName.SYSV
