"""Undoing what the laboratory changed: at the end of an experiment, and after a run that was killed, by one road.

Here belongs what each kind of entry of the journal means, and what of ours can be recognised without it. A value of the
kernel is put back only where it still is what was set: whoever changed it since meant it. What an entry names is looked
at before it is touched: only what has a name of ours is removed, and no link is followed.
"""

import contextlib
import ctypes
import errno
import os
import select
import signal
import time
from collections.abc import Callable, Iterator

from procmem.errors import MalformedFile
from procmem.lab import scratch
from procmem.lab.journal import Entry, Journal, boot
from procmem.model.note import Note, note
from procmem.model.raw import said_or_nothing
from procmem.model.reports.lab import Restored, RestoreOutcome, Skipped
from procmem.parse.cgroup import memory_mount
from procmem.parse.mountinfo import unescaped
from procmem.parse.status import parse_stat
from procmem.parse.system import parse_swaps
from procmem.sources.files import read_whole
from procmem.sources.scratch import remove_folder

__all__ = [
    "HUGE_PAGES",
    "SWAPPINESS",
    "SWAP_NAME",
    "get",
    "group_root",
    "persistent_huge_pages",
    "put",
    "restore",
    "start_of",
    "swap_areas",
    "sweep_folders",
    "undo",
]

HUGE_PAGES = "/sys/kernel/mm/hugepages/hugepages-2048kB"
SWAPPINESS = "/proc/sys/vm/swappiness"
SWAP_NAME = "procmem-lab-swap"
_PATIENCE_SECONDS = 5.0
_LOOK_SECONDS = 0.02
_MOST_SWAPOFFS = 1000


def get(path: str) -> str:
    """The text of a small file."""
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def put(path: str, text: str) -> None:
    """Write a small file in one call."""
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def persistent_huge_pages() -> int:
    """Pages of 2 MiB that were asked for: those that stay in the pool when nobody uses them."""
    return int(get(f"{HUGE_PAGES}/nr_hugepages")) - int(get(f"{HUGE_PAGES}/surplus_hugepages"))


def start_of(pid: int) -> int | None:
    """When a process began, in clock ticks since boot: with its pid it names a process for ever; None once it ended."""
    data = said_or_nothing(read_whole(f"/proc/{pid}/stat", None))
    if not data:
        return None
    stat = parse_stat(data)
    return None if stat.state in "ZX" else stat.starttime


def group_root() -> tuple[str, int]:
    """Where memory cgroups are made, and their version.

    Raises:
        Skipped: they are not mounted.
    """
    mount = memory_mount(said_or_nothing(read_whole("/proc/self/mountinfo", None)))
    if mount is None:
        raise Skipped("no-cgroup")
    return os.fsdecode(mount[0]), mount[1]


def undo(entry: Entry) -> Restored | None:
    """Undo one change; None where nothing of it is there."""
    if entry.kind not in _UNDOING:
        return _told(entry, entry.kind, RestoreOutcome.LEFT, note("unknown-kind"))
    if entry.boot != boot() and entry.kind in _OF_THIS_BOOT:
        return None
    try:
        return _UNDOING[entry.kind](entry)
    except (KeyError, TypeError, ValueError, MalformedFile):
        return _told(entry, "", RestoreOutcome.LEFT, note("entry-unclear"))
    except Skipped as why:  # control groups are not mounted here, or not any more
        return _told(entry, "", RestoreOutcome.LEFT, why.reason)
    except OSError as error:
        return _told(entry, "", RestoreOutcome.FAILED, note("system", reason=error.strerror))


def restore(journal: Journal) -> Iterator[Restored]:
    """Undo all that the journal holds, then what else of ours is recognised; each that was there is told.

    What could not be undone stays in the journal. The caller holds the lock, so none of it is anybody's.
    """
    if journal.unreadable or journal.too_large:
        yield Restored("journal", "", RestoreOutcome.LEFT, note("journal-unclear", count=journal.unreadable))
        journal.keep_only_open()
    again = []
    for entry in journal.entries:
        told = undo(entry)
        if told is not None and told.outcome is RestoreOutcome.FAILED:
            again.append(entry)
            continue
        journal.end(entry)
        if told is not None:
            yield told
    yield from sweep()
    for entry in again:  # a folder cannot be removed while a swap area that no line tells of is on in it
        told = undo(entry)
        if told is None or told.outcome is not RestoreOutcome.FAILED:
            journal.end(entry)
        if told is not None:
            yield told


def sweep() -> Iterator[Restored]:
    """Undo what the names give away as ours: swap areas, cgroups, folders."""
    for path in swap_areas():
        if os.path.basename(path) == SWAP_NAME and scratch.is_scratch_name(os.path.dirname(path)):
            told = undo(Entry(0, "swap", {"path": path}, boot()))
            if told is not None:
                yield told
    with contextlib.suppress(Skipped, OSError):
        root, _version = group_root()
        for name in sorted(os.listdir(root)):
            path = os.path.join(root, name)
            if scratch.is_scratch_name(path) and os.path.isdir(path):
                told = undo(Entry(0, "group", {"path": path}, boot()))
                if told is not None:
                    yield told
    yield from sweep_folders()


def sweep_folders() -> Iterator[Restored]:
    """Remove the folders that no living run holds: each user may, of their own."""
    for path in scratch.abandoned_folders():
        told = undo(Entry(0, "folder", {"path": path}, boot()))
        if told is not None and told.reason != note("in-use"):
            yield told
    for path in scratch.abandoned_shared_memory():
        with contextlib.suppress(OSError):
            os.unlink(path)
            yield Restored("shared-memory", path, RestoreOutcome.RESTORED, None)


def _told(
    entry: Entry, what: str, outcome: RestoreOutcome, reason: Note | None = None, *, found: int | None = None
) -> Restored:
    before = entry.values.get("before")
    return Restored(entry.kind, what, outcome, reason, before if isinstance(before, int) else None, found)


def _undo_child(entry: Entry) -> Restored | None:
    """Kill it with its group, which it leads, where it is still the same process."""
    pid, start = entry.values["pid"], entry.values["start"]
    if pid <= 1 or start_of(pid) != start:
        return None
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return None
    try:
        if start_of(pid) != start:
            return None
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            signal.pidfd_send_signal(fd, signal.SIGKILL)
        ended = bool(select.select([fd], [], [], _PATIENCE_SECONDS)[0])
    except ProcessLookupError:
        ended = True
    finally:
        os.close(fd)
    outcome = RestoreOutcome.RESTORED if ended else RestoreOutcome.FAILED
    return _told(entry, str(pid), outcome, None if ended else note("does-not-end"))


def swap_areas() -> tuple[str, ...]:
    """The paths of the swap areas in use."""
    areas = parse_swaps(said_or_nothing(read_whole("/proc/swaps", None)))
    return tuple(os.fsdecode(unescaped(area.path)) for area in areas)


def _undo_swap(entry: Entry) -> Restored | None:
    path = entry.values["path"]
    if os.path.basename(path) != SWAP_NAME or not scratch.is_scratch_name(os.path.dirname(path)):
        return _told(entry, path, RestoreOutcome.LEFT, note("not-ours"))
    if path not in swap_areas():
        return None
    reason = _swapoff(path)
    if reason is not None:
        return _told(entry, path, RestoreOutcome.FAILED, note("system", reason=reason))
    folder = os.path.dirname(path)
    remove_folder(folder)  # where the experiment itself ends it is still in use, and removed by its maker
    return _told(entry, path, RestoreOutcome.RESTORED)


def _swapoff(path: str) -> str | None:
    """Switch an area off; None when it is off. A signal cuts swapoff(2) short, and what was done of it stays done."""
    libc = ctypes.CDLL(None, use_errno=True)
    for _attempt in range(_MOST_SWAPOFFS):
        if libc.swapoff(os.fsencode(path)) == 0:
            return None
        if ctypes.get_errno() != errno.EINTR:
            break
    return None if path not in swap_areas() else os.strerror(ctypes.get_errno())


def _undo_huge_pages(entry: Entry) -> Restored | None:
    before, wanted = int(entry.values["before"]), int(entry.values["set"])
    found = persistent_huge_pages()
    if found == before:
        return None
    # where it was not noted that the pool grew to its full size, it may have grown to any
    ours = found == wanted if entry.made else before < found <= wanted
    if not ours:
        return _told(entry, HUGE_PAGES, RestoreOutcome.LEFT, note("changed-since"), found=found)
    surplus = int(get(f"{HUGE_PAGES}/surplus_hugepages"))
    put(f"{HUGE_PAGES}/nr_hugepages", str(before))
    # pages of a process that has just ended come back late; those in use become surplus, and go when they are free
    _wait(lambda: int(get(f"{HUGE_PAGES}/nr_hugepages")) <= before + surplus)
    done = persistent_huge_pages() == before
    outcome = RestoreOutcome.RESTORED if done else RestoreOutcome.FAILED
    return _told(entry, HUGE_PAGES, outcome, None if done else note("still-used"), found=found)


def _undo_swappiness(entry: Entry) -> Restored | None:
    before, wanted = int(entry.values["before"]), int(entry.values["set"])
    found = int(get(SWAPPINESS))
    if found == before:
        return None
    if found != wanted:
        return _told(entry, SWAPPINESS, RestoreOutcome.LEFT, note("changed-since"), found=found)
    put(SWAPPINESS, str(before))
    return _told(entry, SWAPPINESS, RestoreOutcome.RESTORED, found=found)


def _undo_group(entry: Entry) -> Restored | None:
    path = entry.values["path"]
    root, _version = group_root()
    if not scratch.is_scratch_name(path) or os.path.dirname(path) != root:
        return _told(entry, path, RestoreOutcome.LEFT, note("not-ours"))
    if not os.path.isdir(path):
        return None

    def removed() -> bool:
        with contextlib.suppress(OSError):
            for pid in get(os.path.join(path, "cgroup.procs")).split():
                put(os.path.join(root, "cgroup.procs"), pid)
        with contextlib.suppress(OSError):  # EBUSY: its last process is still ending
            os.rmdir(path)
        return not os.path.isdir(path)

    done = _wait(removed)
    outcome = RestoreOutcome.RESTORED if done else RestoreOutcome.FAILED
    return _told(entry, path, outcome, None if done else note("still-used"))


def _undo_controllers(entry: Entry) -> Restored | None:
    root, version = group_root()
    path = os.path.join(root, "cgroup.subtree_control")
    if version != 2 or "memory" not in get(path).split():
        return None
    # a group that somebody has made and limited meanwhile would lose its limit
    for name in os.listdir(root):
        with contextlib.suppress(OSError):
            if get(os.path.join(root, name, "memory.max")) != "max":
                return _told(entry, path, RestoreOutcome.LEFT, note("still-used"))
    put(path, "-memory")
    return _told(entry, path, RestoreOutcome.RESTORED)


def _undo_folder(entry: Entry) -> Restored | None:
    path = entry.values["path"]
    if not scratch.is_scratch_name(path):
        return _told(entry, path, RestoreOutcome.LEFT, note("not-ours"))
    if not os.path.lexists(path):
        return None
    reason = remove_folder(path)
    if reason in ("not-ours", "in-use"):
        return _told(entry, path, RestoreOutcome.LEFT, note(reason))
    if reason is not None:
        return _told(entry, path, RestoreOutcome.FAILED, note("system", reason=reason))
    return _told(entry, path, RestoreOutcome.RESTORED)


def _wait(done: Callable[[], bool]) -> bool:
    """Ask until it is so, for a bounded time."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while not done():
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK_SECONDS)
    return True


_UNDOING: dict[str, Callable[[Entry], Restored | None]] = {
    "child": _undo_child,
    "swap": _undo_swap,
    "huge-pages": _undo_huge_pages,
    "swappiness": _undo_swappiness,
    "group": _undo_group,
    "controllers": _undo_controllers,
    "folder": _undo_folder,
}
"""By the kind of the entry."""
_OF_THIS_BOOT = frozenset({"child", "swap", "huge-pages", "swappiness", "group", "controllers"})
"""What does not outlive the kernel that it was changed in; files may."""
