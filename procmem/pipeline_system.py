"""The joint for questions about all processes: two small files of each, read by a few threads.

The kernel does nearly all of the work (it walks the pages for smaps_rollup), and does it outside of Python's lock:
plain threads over one shared iterator use all processors.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from procmem.analyse.system import cgroup_figures
from procmem.errors import ProcmemError
from procmem.model.raw import Refusal
from procmem.model.system_report import CgroupFigures, ProcessRow
from procmem.parse.mountinfo import mount_points
from procmem.sources.files import read_whole
from procmem.sources.kinship import same_memory

if TYPE_CHECKING:
    from procmem.model.ports import Source, Target

__all__ = ["AllProcesses", "cgroups_of", "own_mountinfo", "read_all"]

_KIB = 1024
_THREADS_MAX = 8
_KEYS = ("Pss", "Private_Clean", "Private_Dirty", "Swap", "SwapPss")
_STATUS = (b"Name", b"State", b"PPid", b"Uid", b"VmSize", b"VmRSS", b"VmSwap")
_ROLLUP = tuple(key.encode() for key in _KEYS)


class AllProcesses(NamedTuple):
    """What was found: rows, and how many processes have no memory of their own, or would not be read."""

    rows: list[ProcessRow]
    without_memory: int
    unreadable: int


def read_all(
    source: Source,
    pids: Iterable[int],
    *,
    quick: bool = False,
    with_cgroup: bool = False,
    users: Callable[[int], str] = str,
    wanted: Callable[[bytes, int | None], bool] | None = None,
) -> AllProcesses:
    """Read ``status`` and, unless ``quick``, ``smaps_rollup`` of processes; those that vanish are left out.

    ``users`` names a user id; ``wanted`` is asked about name and user id before the costly file is read.
    """
    shared = iter(pids)
    lock = threading.Lock()
    rows: list[ProcessRow] = []
    counts = {"without": 0, "unreadable": 0}

    def work() -> None:
        while True:
            with lock:
                pid = next(shared, None)
            if pid is None:
                return
            try:
                with source.open(pid) as target:
                    row = _row(target, pid, users, wanted, quick=quick, with_cgroup=with_cgroup)
            except ProcmemError:
                continue
            if row is None:
                continue
            with lock:
                if isinstance(row, str):
                    counts[row] += 1
                    continue
                rows.append(row)
                counts["unreadable"] += row.pss is None and not quick

    helpers = [threading.Thread(target=work, daemon=True) for _ in range(_helpers(source))]
    for helper in helpers:
        helper.start()
    work()
    for helper in helpers:
        helper.join()
    rows.sort()
    return AllProcesses(_twins(rows) if source.is_live and not quick else rows, counts["without"], counts["unreadable"])


def _helpers(source: Source) -> int:
    """As many as there are processors besides our own; a recording, or what was read already, is read by one."""
    if getattr(source, "read_by_one", False):
        return 0
    return min(len(os.sched_getaffinity(0)), _THREADS_MAX) - 1 if source.is_live else 0


def _row(
    target: Target,
    pid: int,
    users: Callable[[int], str],
    wanted: Callable[[bytes, int | None], bool] | None,
    *,
    quick: bool,
    with_cgroup: bool,
) -> ProcessRow | str | None:
    """One row, the word under which to count the process instead, or None for one that is not wanted or has gone."""
    content = target.read("status")
    if not isinstance(content, bytes):
        return "unreadable" if content is Refusal.DENIED else None
    fields = _found(content, _STATUS)
    name, uid = _unescaped(fields.get(b"Name", b"")), _number(fields.get(b"Uid"))
    if wanted is not None and not wanted(name, uid):
        return None
    folder = ""
    if fields.get(b"State", b"")[:1] == b"Z":
        folder = _live_thread(target) or ""
        status = target.read(f"{folder}status") if folder else b""
        fields |= _found(status, _STATUS) if isinstance(status, bytes) else {}
    if b"VmSize" not in fields:
        return "without"  # a kernel thread, or a zombie
    usage = {} if quick else _usage(target, folder)
    cgroup = target.read("cgroup") if with_cgroup else None
    private = [usage.get(key) for key in (b"Private_Clean", b"Private_Dirty")]
    return ProcessRow(
        pid=pid,
        ppid=_number(fields.get(b"PPid")),
        uid=uid,
        user=None if uid is None else users(uid),
        name=name,
        virt=_size(fields.get(b"VmSize")),
        rss=_size(fields.get(b"VmRSS")),
        pss=usage.get(b"Pss"),
        uss=None if None in private else sum(filter(None, private)),
        swap=usage.get(b"Swap", _size(fields.get(b"VmSwap"))),
        swap_pss=usage.get(b"SwapPss", _size(fields.get(b"VmSwap")) if quick else None),
        vm_swap=_size(fields.get(b"VmSwap")),
        cgroup=_memory_cgroup(cgroup)[0] if isinstance(cgroup, bytes) else None,
    )


def _usage(target: Target, folder: str) -> dict[bytes, int]:
    """The rollup's counters in bytes; before 4.14, and in recordings without it, the sums of smaps."""
    content = target.read(f"{folder}smaps_rollup")
    if isinstance(content, bytes):
        return {key: size for key, text in _found(content, _ROLLUP).items() if (size := _size(text)) is not None}
    if content in (Refusal.ABSENT, Refusal.UNRECORDED):
        from procmem.parse.smaps import parse_smaps  # noqa: PLC0415  # seldom

        smaps = target.read(f"{folder}smaps")
        if isinstance(smaps, bytes):
            table = parse_smaps(smaps, keys=_KEYS)
            return {key.encode(): total for key in _KEYS if (total := table.total(key)) is not None}
    return {}


def _found(content: bytes, keys: Iterable[bytes]) -> dict[bytes, bytes]:
    """The texts behind some keys. Five times as fast as a pattern, and names cannot forge a line here."""
    found = {}
    for key in keys:
        at = 0 if content.startswith(key + b":") else content.find(b"\n" + key + b":") + 1
        if at or content.startswith(key + b":"):
            start = at + len(key) + 1
            found[key] = content[start : content.find(b"\n", start)].lstrip(b"\t")
    return found


def _live_thread(target: Target) -> str | None:
    """The folder of a thread that still runs, where the main thread has ended."""
    names = target.names("task")
    for tid in () if isinstance(names, Refusal) else names:
        content = target.read(f"task/{tid}/status")
        if isinstance(content, bytes) and b"VmSize" in content:
            return f"task/{tid}/"
    return None


def _unescaped(name: bytes) -> bytes:
    """The name of ``status``, in which newline and backslash are escaped (fs/proc/array.c)."""
    return re.sub(rb"\\([n\\])", lambda found: b"\n" if found[1] == b"n" else b"\\", name) if b"\\" in name else name


def _number(text: bytes | None) -> int | None:
    """The first of the numbers in a line."""
    word = (text or b"").split(b"\t", 1)[0]
    return int(word) if word.isdigit() else None


def _size(text: bytes | None) -> int | None:
    word = (text or b"").removesuffix(b" kB").strip()
    return int(word) * _KIB if word.isdigit() else None


def _twins(rows: list[ProcessRow]) -> list[ProcessRow]:
    """Mark those that share the address space of an earlier one; only those of the same size are compared."""
    alike: dict[int | None, list[int]] = {}
    for row in rows:
        alike.setdefault(row.virt, []).append(row.pid)
    same = {pid: twin for pids in alike.values() for pid, twin in same_memory(pids).items()}
    return [row._replace(same_memory=same[row.pid]) if row.pid in same else row for row in rows] if same else rows


def _memory_cgroup(content: bytes) -> tuple[bytes | None, int]:
    """The group that a process's memory is charged to, and the version: the v1 controller's, else the unified one's."""
    unified = None
    for line in content.split(b"\n"):
        hierarchy, _, rest = line.partition(b":")
        controllers, _, path = rest.partition(b":")
        if b"memory" in controllers.split(b","):
            return path, 1
        if hierarchy == b"0" and not controllers:
            unified = path
    return unified, 2


def cgroups_of(rows: list[ProcessRow], mountinfo: bytes) -> Iterator[CgroupFigures]:
    """The figures of every group that has processes among the rows; groups without memory files are left out."""
    from procmem.sources.cgroups import read_cgroup  # noqa: PLC0415  # only for groups

    mounts = mount_points(mountinfo, (b"cgroup", b"cgroup2"))
    first = [point for point, options in mounts if b"memory" in options.split(b",")]
    second = [point for point, _ in mount_points(mountinfo, (b"cgroup2",))]
    mount, version = (first[0], 1) if first else (second[0] if second else None, 2)
    if mount is None:
        return
    for path in sorted({row.cgroup for row in rows if row.cgroup is not None}):
        if files := read_cgroup(mount, path):
            yield cgroup_figures(path, version, rows, files)


def own_mountinfo() -> bytes:
    """Where file systems are mounted, for us."""
    content = read_whole("/proc/self/mountinfo", None)
    return content if isinstance(content, bytes) else b""
