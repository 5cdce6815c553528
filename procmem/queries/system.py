"""The joint for questions about all processes: two small files of each, read by a few threads.

The kernel does nearly all of the work (it walks the pages for smaps_rollup), and does it outside of Python's lock:
plain threads over one shared iterator use all processors.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from procmem.analyse.system import cgroup_figures
from procmem.errors import ProcmemError
from procmem.model.raw import Refusal
from procmem.model.reports.system import CgroupFigures, ProcessRow
from procmem.parse.mountinfo import mount_points
from procmem.sources.kcmp import same_memory

if TYPE_CHECKING:
    from procmem.model.ports import Source, Target

__all__ = ["AllProcesses", "cgroups_of", "own_mountinfo", "read_all"]

_KIB = 1024
_THREADS_MAX = 8
_KEYS = ("Pss", "Private_Clean", "Private_Dirty", "Swap", "SwapPss")
_STATUS = (b"Name", b"State", b"PPid", b"Uid", b"VmSize", b"VmRSS", b"VmSwap")
"""In the kernel's own order (fs/proc/array.c, proc_pid_status()): each is looked for behind the one before."""
_ROLLUP = tuple(key.encode() for key in _KEYS)


class AllProcesses(NamedTuple):
    """What was found: rows, and how many processes have no memory of their own, or would not be read."""

    rows: list[ProcessRow]
    without_memory: int
    unreadable: int


def read_all(
    source: "Source",
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
    import threading  # noqa: PLC0415  # after what the children read was waited for

    shared = iter(pids)
    lock = threading.Lock()
    seen: list[_Seen] = []
    counts = {"without": 0, "unreadable": 0}

    def work() -> None:
        while True:
            with lock:
                pid = next(shared, None)
            if pid is None:
                return
            try:
                with source.open(pid) as target:
                    found = _row(target, pid, users, wanted, quick=quick, with_cgroup=with_cgroup)
            except ProcmemError:
                continue
            if found is None:
                continue
            with lock:
                if isinstance(found, str):
                    counts[found] += 1
                    continue
                seen.append(found)
                counts["unreadable"] += found[0].pss is None and not quick

    helpers = [threading.Thread(target=work, daemon=True) for _ in range(_helpers(source))]
    for helper in helpers:
        helper.start()
    work()
    for helper in helpers:
        helper.join()
    seen.sort()
    rows = _twins(seen) if source.is_live and not quick else [row for row, _ in seen]
    return AllProcesses(rows, counts["without"], counts["unreadable"])


_Seen = tuple[ProcessRow, bytes]
"""A row, and the address space's first and last address as smaps_rollup writes them (nothing where it was not read)."""


def _helpers(source: "Source") -> int:
    """As many as there are processors besides our own; a recording, or what was read already, is read by one."""
    if getattr(source, "read_by_one", False):
        return 0
    return min(len(os.sched_getaffinity(0)), _THREADS_MAX) - 1 if source.is_live else 0


def _row(
    target: "Target",
    pid: int,
    users: Callable[[int], str],
    wanted: Callable[[bytes, int | None], bool] | None,
    *,
    quick: bool,
    with_cgroup: bool,
) -> _Seen | str | None:
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
    usage, span = ({}, b"") if quick else _usage(target, folder)
    cgroup = target.read("cgroup") if with_cgroup else None
    private = [usage.get(key) for key in (b"Private_Clean", b"Private_Dirty")]
    row = ProcessRow(
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
    return row, span


def _usage(target: "Target", folder: str) -> tuple[dict[bytes, int], bytes]:
    """The rollup's counters in bytes, and the addresses it spans.

    Before 4.14, and in recordings without it: the sums of smaps, and no addresses.
    """
    content = target.read(f"{folder}smaps_rollup")
    if isinstance(content, bytes):
        usage = {key: size for key, text in _found(content, _ROLLUP).items() if (size := _size(text)) is not None}
        return usage, content[: max(content.find(b" "), 0)]
    if content in (Refusal.ABSENT, Refusal.UNRECORDED):
        from procmem.parse.smaps import parse_smaps  # noqa: PLC0415  # seldom

        smaps = target.read(f"{folder}smaps")
        if isinstance(smaps, bytes):
            table = parse_smaps(smaps, keys=_KEYS)
            return {key.encode(): total for key in _KEYS if (total := table.total(key)) is not None}, b""
    return {}, b""


def _found(content: bytes, keys: Iterable[bytes]) -> dict[bytes, bytes]:
    """The texts behind some keys. Five times as fast as a pattern, and names cannot forge a line here."""
    found = {}
    end = 0
    text = b"\n%s\n" % content
    for key in keys:
        mark = b"\n%s:" % key
        at = text.find(mark, end)
        if at < 0 and end:
            at = text.find(mark)
        if at >= 0:
            start = at + len(mark)
            end = text.find(b"\n", start)
            found[key] = text[start:end].lstrip(b"\t")
    return found


def _live_thread(target: "Target") -> str | None:
    """The folder of a thread that still runs, where the main thread has ended."""
    names = target.names("task")
    for tid in () if isinstance(names, Refusal) else names:
        content = target.read(f"task/{tid}/status")
        if isinstance(content, bytes) and b"VmSize" in content:
            return f"task/{tid}/"
    return None


def _unescaped(name: bytes) -> bytes:
    """The name of ``status``, in which newline and backslash are escaped (fs/proc/array.c)."""
    if b"\\" not in name:
        return name
    import re  # noqa: PLC0415  # seldom

    return re.sub(rb"\\([n\\])", lambda found: b"\n" if found[1] == b"n" else b"\\", name)


def _number(text: bytes | None) -> int | None:
    """The first of the numbers in a line."""
    word = (text or b"").split(b"\t", 1)[0]
    return int(word) if word.isdigit() else None


def _size(text: bytes | None) -> int | None:
    word = text[:-3].lstrip() if text is not None and text.endswith(b" kB") else b""
    return int(word) * _KIB if word.isdigit() else None


def _twins(seen: list[_Seen]) -> list[ProcessRow]:
    """Mark those that share the address space of an earlier one.

    One address space has one first and one last address; where those are not known, one size. Only processes that
    agree in that are compared, since asking the kernel about every pair takes as long as reading them all.
    """
    alike: dict[bytes | int | None, list[int]] = {}
    for row, span in seen:
        alike.setdefault(span or row.virt, []).append(row.pid)
    same = {pid: twin for pids in alike.values() if len(pids) > 1 for pid, twin in same_memory(pids).items()}
    return [row._replace(same_memory=same[row.pid]) if row.pid in same else row for row, _ in seen]


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
    from procmem.sources.files import read_whole  # noqa: PLC0415  # few questions need it

    content = read_whole("/proc/self/mountinfo", None)
    return content if isinstance(content, bytes) else b""
