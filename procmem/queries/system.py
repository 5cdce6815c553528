"""All processes: two small files of each, read by a few threads.

``status`` is readable by anybody and tells VIRT and RES; ``smaps_rollup`` (Linux 4.14) tells PSS, USS and swap at a
fraction of the cost of smaps. Where only the first is wanted, the second is not read.
"""

from __future__ import annotations

import errno
import os
import time

from procmem.analyse.system import cgroup_figures
from procmem.errors import AccessRefused, BadInput, ProcessGone
from procmem.model.named_tuple import NamedTuple
from procmem.model.proc_keys import SmapsKey, has_memory
from procmem.model.raw import Refusal, said_or_nothing
from procmem.model.reports.system import CgroupFigures, CgroupMemory, GroupRow, ProcessRow
from procmem.model.unknown import uss_of
from procmem.parse.process_row import (
    ROLLUP_KEYS,
    RollupWords,
    command_line,
    has_other_threads,
    rollup_words,
    status_words,
)
from procmem.sources.kcmp import same_memory
from procmem.sources.parallel import with_every_pid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from procmem.model.ports import Source, Target

__all__ = [
    "AllProcesses",
    "cgroups_of",
    "group_matcher",
    "group_of",
    "groups_in_swap",
    "own_mountinfo",
    "read_all",
    "with_names",
]


class AllProcesses(NamedTuple):
    """What was found: rows, and how many processes have no memory of their own, or would not be read.

    ``failure`` says why the system failed to open or to read one of them: nobody knows who that is. ``vanished`` counts
    those that ended before they were read.
    """

    rows: list[ProcessRow]
    without_memory: int
    unreadable: int
    failure: str | None = None
    vanished: int = 0


_SAYS = {Refusal.GONE: Refusal.GONE, Refusal.ABSENT: Refusal.GONE, Refusal.IO_ERROR: Refusal.IO_ERROR}
"""What a refusal of ``status`` says of its process; any other, that it may not be read."""
_Seen = tuple[ProcessRow, bytes]
"""A row, and the address space's first and last address as smaps_rollup writes them (nothing where it was not read)."""


def read_all(
    source: Source,
    pids: Iterable[int | None],
    *,
    quick: bool = False,
    with_cgroup: bool = False,
    with_command: bool = False,
    users: Callable[[int], str] = str,
    wanted: Callable[[bytes | None, int | None], bool] | None = None,
    also: Callable[[Target, ProcessRow, float], None] | None = None,
) -> AllProcesses:
    """Read ``status`` and, unless ``quick``, ``smaps_rollup`` of processes; those that vanish are left out.

    ``users`` names a user id; ``wanted`` is asked about name and user id before the costly file is read. ``also`` is
    called with each process while it is open, its row, and the seconds that reading it took, by several threads.
    """
    seen: list[_Seen] = []  # list.append is one step for all threads
    without: list[int | None] = []
    refused: list[int | None] = []
    failures: list[str] = []
    gone: list[int | None] = []

    def look(pid: int | None) -> None:
        try:
            with source.open(pid) as target:
                began = time.perf_counter()
                found = _row(target, pid, users, wanted, quick=quick, with_cgroup=with_cgroup)
                if isinstance(found, tuple):
                    if with_command:
                        found = found[0]._replace(command=_command(target)), found[1]
                    if also is not None:
                        also(target, found[0], time.perf_counter() - began)
        except ProcessGone:
            gone.append(pid)
            return
        except (AccessRefused, BadInput) as error:
            refused.append(pid)
            failures.extend([str(error.fields["reason"])] if error.code == "cannot-open" else [])
            return
        if found in (Refusal.DENIED, Refusal.IO_ERROR):
            refused.append(pid)
            failures.extend([os.strerror(errno.EIO)] if found is Refusal.IO_ERROR else [])
        elif found is Refusal.ABSENT:
            without.append(pid)
        elif found is Refusal.GONE:
            gone.append(pid)
        elif isinstance(found, tuple):
            seen.append(found)

    with_every_pid(source, pids, look)
    seen.sort()
    unread = 0 if quick else sum(row.pss is None for row, _ in seen)
    rows = _twins(seen) if source.is_live and not quick else [row for row, _ in seen]
    return AllProcesses(rows, len(without), len(refused) + unread, next(iter(failures), None), len(gone))


def _row(
    target: Target,
    pid: int | None,
    users: Callable[[int], str],
    wanted: Callable[[bytes | None, int | None], bool] | None,
    *,
    quick: bool,
    with_cgroup: bool,
) -> _Seen | Refusal | None:
    """One row; None where it is not wanted, ABSENT where it has no memory, GONE where it ended; else why not."""
    content = target.read("status")
    if content is Refusal.UNRECORDED:
        return _row_of_mappings(target, pid, wanted)
    if not isinstance(content, bytes):
        return _SAYS.get(content, Refusal.DENIED)
    words = leader = status_words(content)
    if wanted is not None and not wanted(leader.name, leader.uid):
        return None
    folder = ""
    if leader.is_dead and has_other_threads(content):
        folder, thread = _live_thread(target)
        words = leader if thread is None else status_words(thread)
    if words.vm_size is None:
        return Refusal.ABSENT  # a kernel thread, or a zombie
    usage = RollupWords({}) if quick else _usage(target, folder, with_shmem=with_cgroup)
    sizes = usage.sizes
    row = ProcessRow(
        pid=pid,
        ppid=leader.ppid,
        uid=leader.uid,
        user=None if leader.uid is None else users(leader.uid),
        name=leader.name,
        virt=words.vm_size,
        rss=words.vm_rss,
        pss=sizes.get(SmapsKey.PSS),
        uss=uss_of(sizes.get),
        swap=sizes.get(SmapsKey.SWAP, words.vm_swap),
        swap_pss=sizes.get(SmapsKey.SWAP_PSS, words.vm_swap if quick else None),
        vm_swap=words.vm_swap,
        cgroup=_cgroup(target) if with_cgroup else None,
        pss_shmem=sizes.get(SmapsKey.PSS_SHMEM),
    )
    return row, usage.span


def _row_of_mappings(
    target: Target, pid: int | None, wanted: Callable[[bytes | None, int | None], bool] | None
) -> _Seen | Refusal | None:
    """The row of a process of which a recording holds no status: what its mappings add up to."""
    from procmem.parse.process import snapshot  # noqa: PLC0415  # only for texts and copied files
    from procmem.queries.read import take  # noqa: PLC0415  # the same

    raw, mappings = take(target, ("comm", "smaps"), (), keys=(SmapsKey.RSS, *ROLLUP_KEYS), thread_files=())
    shot = snapshot(raw, mappings_read=mappings)
    if wanted is not None and not wanted(shot.comm, None):
        return None
    if shot.mappings is not None and not len(shot.mappings):
        return Refusal.ABSENT
    sum_of = shot.mappings.total if shot.mappings is not None and shot.has_usage else (shot.rollup or {}).get
    row = ProcessRow(
        pid=pid,
        ppid=None,
        uid=None,
        user=None,
        name=shot.comm,
        virt=shot.virt,
        rss=shot.rss,
        pss=sum_of(SmapsKey.PSS),
        uss=uss_of(sum_of),
        swap=sum_of(SmapsKey.SWAP),
        swap_pss=sum_of(SmapsKey.SWAP_PSS),
    )
    return row, RollupWords({}).span


def _cgroup(target: Target) -> bytes | None:
    from procmem.parse.cgroup import memory_cgroup  # noqa: PLC0415  # only for groups

    content = target.read("cgroup")
    return memory_cgroup(content) if isinstance(content, bytes) else None


def group_of(source: Source, pid: int | None) -> bytes | None:
    """The control group that a process's memory is charged to; None where nobody knows.

    Raises:
        ProcessGone, AccessRefused, BadInput: it cannot be opened.
    """
    with source.open(pid) as target:
        return _cgroup(target)


def _command(target: Target) -> bytes | None:
    """The beginning of the command line, as ``ps`` prints it."""
    content = target.read("cmdline")
    if not isinstance(content, bytes):
        return None
    return command_line(content)


def _live_thread(target: Target) -> tuple[str, bytes | None]:
    """The folder of a thread that still runs, where the main thread has ended, and that thread's status."""
    names = target.names("task")
    for tid in () if isinstance(names, Refusal) else names:
        content = target.read(f"task/{tid}/status")
        if isinstance(content, bytes) and has_memory(content):
            return f"task/{tid}/", content
    return "", None


def _usage(target: Target, folder: str, *, with_shmem: bool) -> RollupWords:
    """The rollup's counters; before 4.14, and in recordings without it, the sums of smaps, and no addresses."""
    content = target.read(f"{folder}smaps_rollup")
    if isinstance(content, bytes):
        return rollup_words(content, with_shmem=with_shmem)
    if content in (Refusal.ABSENT, Refusal.UNRECORDED):
        from procmem.parse.smaps import parse_smaps  # noqa: PLC0415  # seldom

        smaps = target.read(f"{folder}smaps")
        if isinstance(smaps, bytes):
            table = parse_smaps(smaps, keys=ROLLUP_KEYS)
            return RollupWords({key: total for key in ROLLUP_KEYS if (total := table.total(key)) is not None})
    return RollupWords({})


def _twins(seen: list[_Seen]) -> list[ProcessRow]:
    """Mark those that share the address space of an earlier one.

    One address space has one first and one last address; where those are not known, one size. Only processes that
    agree in that are compared, since asking the kernel about every pair takes as long as reading them all.
    """
    alike: dict[bytes | int | None, list[int]] = {}
    for row, span in seen:
        if row.pid is not None:
            alike.setdefault(span or row.virt, []).append(row.pid)
    same = {pid: twin for pids in alike.values() if len(pids) > 1 for pid, twin in same_memory(pids).items()}
    return [
        row._replace(same_memory=same[row.pid]) if row.pid is not None and row.pid in same else row for row, _ in seen
    ]


def group_matcher(pattern: str) -> Callable[[bytes | None], bool]:
    """Whether a control group is the one that is meant: by its path, or by what it is called."""
    from functools import cache  # noqa: PLC0415  # the same

    from procmem.analyse.listing import name_matcher  # noqa: PLC0415  # only for groups
    from procmem.parse.cgroup_names import names_of, read_cgroup_name  # noqa: PLC0415  # the same

    fits = name_matcher(pattern)

    @cache
    def wanted(path: bytes | None) -> bool:
        if path is None:
            return False
        about = read_cgroup_name(path)
        return fits(path) or (about is not None and any(map(fits, names_of(about))))

    return wanted


def with_names(groups: Iterable[GroupRow]) -> tuple[GroupRow, ...]:
    """Control groups with what each of them is."""
    from procmem.parse.cgroup_names import read_cgroup_name  # noqa: PLC0415  # only for groups

    return tuple(group._replace(about=read_cgroup_name(group.key)) for group in groups)


def cgroups_of(rows: list[ProcessRow], mountinfo: bytes) -> Iterator[CgroupFigures]:
    """The figures of every group that has processes among the rows; groups without memory files are left out."""
    from procmem.parse.cgroup_names import read_cgroup_name  # noqa: PLC0415  # only for groups

    for path, version, memory in _memory_of({row.cgroup for row in rows if row.cgroup is not None}, mountinfo):
        yield cgroup_figures(path, version, rows, memory)._replace(about=read_cgroup_name(path))


def groups_in_swap(rows: list[ProcessRow], mountinfo: bytes) -> Iterator[tuple[bytes, CgroupMemory]]:
    """The groups of processes with something in swap, and those above them: each once, with what its files say."""
    from procmem.parse.cgroup import parents_of  # noqa: PLC0415  # only for groups

    own = {row.cgroup for row in rows if row.cgroup is not None and (row.swap or row.vm_swap)}
    for path, _, memory in _memory_of({parent for group in own for parent in parents_of(group)}, mountinfo):
        yield path, memory


def _memory_of(paths: Iterable[bytes], mountinfo: bytes) -> Iterator[tuple[bytes, int, CgroupMemory]]:
    """What the files of each group say, with the version that they are of; groups without them are left out."""
    from procmem.parse.cgroup import memory_mount, parse_cgroup_files  # noqa: PLC0415  # only for groups
    from procmem.sources.cgroups import read_cgroup  # noqa: PLC0415  # the same

    mount = memory_mount(mountinfo)
    if mount is None:
        return
    point, version = mount
    for path in sorted(paths):
        if files := read_cgroup(point, path):
            yield path, version, parse_cgroup_files(version, files)


def own_mountinfo() -> bytes:
    """Where file systems are mounted, for us."""
    from procmem.sources.files import read_whole  # noqa: PLC0415  # few questions need it

    return said_or_nothing(read_whole("/proc/self/mountinfo", None))
