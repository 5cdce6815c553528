"""The laboratory's hold on the whole machine: swap, huge pages, memory cgroups; changed, and put back.

Everything here is a context: whatever it makes or changes is undone at its end, also when the experiment fails; and all
of it is done under one lock, so that two runs do not meet. Before each change the journal says what will be changed;
who takes the lock next undoes what a run that was killed could not.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import sys
import time
from collections.abc import Callable, Iterator

from procmem.lab import root_folder
from procmem.lab.journal import Entry, Journal, current, using
from procmem.lab.scratch import new_name, scratch_folder
from procmem.lab.undo import (
    HUGE_PAGES,
    SWAP_NAME,
    SWAPPINESS,
    get,
    group_root,
    persistent_huge_pages,
    put,
    restore,
    start_of,
    sweep_folders,
    undo,
)
from procmem.model.named_tuple import NamedTuple
from procmem.model.reports.lab import Holder, Restored, RestoreOutcome, Skipped
from procmem.sources.signals import interruptible, signals_held

__all__ = [
    "WAIT_SECONDS",
    "Cgroup",
    "Listener",
    "huge_pages",
    "machine_lock",
    "memory_group",
    "recover",
    "restore_machine",
    "swap_file",
]

WAIT_SECONDS = 60.0
"""How long the lock is waited for: as long as the longest experiment takes on a machine that is not slow."""
_LOOK_SECONDS = 0.1
_HOLDER_BYTES = 4096
_COMMAND_CHARACTERS = 200
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MIB = 1 << 20
_PREFER = 0x8000 | 0x7FFF
"""SWAP_FLAG_PREFER with the highest priority."""
_POOL_TRIES = 50


def _nothing(*told: object) -> None:
    del told


class Listener(NamedTuple):
    """Whom to tell what happens beside the experiments.

    ``waits`` is called once, before the lock is waited for, with its holder (None where that cannot be told) and the
    seconds of patience; ``restores`` with each thing that a run which was killed had left, or that was not put back.
    """

    waits: Callable[[Holder | None, float], None] = _nothing
    restores: Callable[[Restored], None] = _nothing


class _Listening:
    """The listener of whoever holds the lock."""

    listener = Listener()


@contextlib.contextmanager
def machine_lock(*, seconds: float = WAIT_SECONDS, listener: Listener | None = None) -> Iterator[None]:
    """Keep others from changing the machine at the same time, and undo what a run that was killed has left.

    The lock is one of a process (fcntl(2)): no child inherits it, so it is free as soon as its holder has ended.

    Raises:
        Skipped: not root, the lock's folder is not root's alone, or somebody else holds it for longer than ``seconds``.
    """
    if os.geteuid() != 0:
        raise Skipped("only-root")
    listener = Listener() if listener is None else listener
    with contextlib.ExitStack() as stack:
        folder = root_folder.open_folder()
        stack.callback(os.close, folder)
        lock = root_folder.open_within(folder, "lab.lock")
        stack.callback(os.close, lock)
        _take(lock, seconds, listener)
        stack.callback(os.ftruncate, lock, 0)
        _sign(lock)
        written = root_folder.open_within(folder, "lab.journal")
        stack.callback(os.close, written)
        journal = Journal(written)
        for told in restore(journal):
            listener.restores(told)
        stack.enter_context(using(journal))
        _Listening.listener = listener
        stack.callback(setattr, _Listening, "listener", Listener())
        yield


def _take(lock: int, seconds: float, listener: Listener) -> None:
    """Lock, or wait for so long at most, which is told first."""
    end = time.monotonic() + seconds
    waits = False
    while not _locked(lock):
        holder = _holder(lock)
        if time.monotonic() >= end:
            raise _in_use(holder)
        if not waits:
            waits = True
            listener.waits(holder, seconds)
        with interruptible():
            time.sleep(_LOOK_SECONDS)


def _locked(lock: int) -> bool:
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # either, by POSIX
        return False
    return True


def _sign(lock: int) -> None:
    """Say in the lock's file who holds it."""
    words = [os.path.basename(sys.argv[0]) or "python", *sys.argv[1:]]
    if words[0] == "__main__.py":
        words[0] = "procmem"
    told = {
        "pid": os.getpid(),
        "start": start_of(os.getpid()),
        "command": " ".join(words)[:_COMMAND_CHARACTERS],
        "since": time.time(),
    }
    os.ftruncate(lock, 0)
    os.pwrite(lock, json.dumps(told).encode("ascii"), 0)


def _holder(lock: int) -> Holder | None:
    """Who has signed, where that process lives; None where it cannot be told (it is just taking it, or elsewhere)."""
    try:
        told = json.loads(os.pread(lock, _HOLDER_BYTES, 0))
    except (ValueError, RecursionError, OSError):
        return None
    match told:
        case {"pid": int(pid), "start": int(start), "command": str(command), "since": float(since)}:
            return Holder(pid, command[:_COMMAND_CHARACTERS], since) if start_of(pid) == start else None
    return None


def _in_use(holder: Holder | None) -> Skipped:
    if holder is None:
        return Skipped("in-use")
    return Skipped("in-use-by", pid=holder.pid, command=holder.command, since=holder.since)


def recover(listener: Listener) -> None:
    """At the start of any run: undo what one that was killed has left; nothing where another run is at work.

    Who is not root removes their own scratch folders, which is all that they can have left.
    """
    with signals_held():
        if os.geteuid() != 0:
            for told in sweep_folders():
                listener.restores(told)
            return
        with contextlib.suppress(Skipped), machine_lock(seconds=0, listener=listener):
            pass


def restore_machine(listener: Listener) -> list[Restored]:
    """Undo what a run that was killed has left, and tell each thing.

    Raises:
        Skipped: not root, or another run is at work for longer than the lock is waited for.
    """
    found: list[Restored] = []
    with signals_held(), machine_lock(listener=listener._replace(restores=found.append)):
        return found


class _WrittenChange:
    """A change that stands in the journal."""

    def __init__(self, journal: Journal, entry: Entry) -> None:
        self._journal = journal
        self._entry = entry

    def made(self) -> None:
        """It was made as it was meant."""
        self._journal.made(self._entry)

    def undo(self) -> None:
        """Undo it by what the journal holds, and have told what could not be, or was not ours any more."""
        entry = next((one for one in self._journal.entries if one.number == self._entry.number), self._entry)
        told = undo(entry)
        if told is None or told.outcome is not RestoreOutcome.FAILED:
            self._journal.end(entry)
        if told is not None and told.outcome is not RestoreOutcome.RESTORED:
            _Listening.listener.restores(told)


@contextlib.contextmanager
def _change(kind: str, **values: str | int) -> Iterator[_WrittenChange]:
    """Write down a change that is about to be made; at the end it is undone.

    Raises:
        Skipped: it cannot be written down.
    """
    journal = current()
    assert journal is not None  # what is about the whole machine is changed under its lock
    change = _WrittenChange(journal, journal.begin(kind, **values))
    try:
        yield change
    finally:
        change.undo()


@contextlib.contextmanager
def huge_pages(count: int) -> Iterator[None]:
    """So many more huge pages of 2 MiB in the pool, free for use (needs the lock).

    Raises:
        Skipped: the kernel has none, or no room for them.
    """
    try:
        before = persistent_huge_pages()
    except OSError as error:
        raise Skipped("no-huge-pages", reason=error.strerror) from error
    with _change("huge-pages", before=before, set=before + count) as change:
        for _attempt in range(_POOL_TRIES):
            try:
                put(f"{HUGE_PAGES}/nr_hugepages", str(before + count))
            except OSError as error:
                raise Skipped("no-huge-pages", reason=error.strerror) from error
            if persistent_huge_pages() == before + count and _free_huge_pages() >= count:
                break
            # pages of a process that has just ended come back late, and memory may lie in pieces
            with contextlib.suppress(OSError):
                put("/proc/sys/vm/compact_memory", "1")
            with interruptible():
                time.sleep(_LOOK_SECONDS)
        else:
            raise Skipped("no-huge-memory")
        change.made()
        yield


def _free_huge_pages() -> int:
    """Pages of the pool that nobody has, or has reserved."""
    return int(get(f"{HUGE_PAGES}/free_hugepages")) - int(get(f"{HUGE_PAGES}/resv_hugepages"))


@contextlib.contextmanager
def swap_file(size: int) -> Iterator[None]:
    """A swap file of one's own, preferred to others, gone at the end (needs the lock).

    Raises:
        Skipped: the file system or the kernel does not take it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    # the usual place may be memory itself, where nothing can be swapped to
    with scratch_folder(lasting=True) as folder:
        path = os.path.join(folder, SWAP_NAME)
        _write_swap_file(path, size)
        with _change("swap", path=path):
            if libc.swapon(os.fsencode(path), _PREFER) != 0:
                raise Skipped("swapon", reason=os.strerror(ctypes.get_errno()))
            yield


def _write_swap_file(path: str, size: int) -> None:
    header = bytearray(_PAGE)
    # union swap_header (include/linux/swap.h): version, last page
    header[1024:1032] = (1).to_bytes(4, "little") + (size // _PAGE - 1).to_bytes(4, "little")
    header[-10:] = b"SWAPSPACE2"
    try:
        with open(path, "xb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(header)
            for _megabyte in range(size // _MIB):
                with interruptible():
                    file.write(bytes(_MIB))
            file.truncate(size)
            file.flush()
            with interruptible():
                os.fsync(file.fileno())
    except OSError as error:
        raise Skipped("swap-file", reason=error.strerror) from error


class Cgroup:
    """A memory cgroup, of either version; ``add`` moves a process in."""

    def __init__(self, path: str, *, unified: bool) -> None:
        self.path = path
        self.unified = unified

    def set(self, name: str, text: str) -> None:
        """Write one of its files.

        Raises:
            Skipped: it has no such file, or does not take the value.
        """
        try:
            put(os.path.join(self.path, name), text)
        except OSError as error:
            raise Skipped("cgroup-file", name=name, reason=error.strerror) from error

    def add(self, pid: int) -> None:
        """Move a process in; what it touches from now on counts here."""
        self.set("cgroup.procs", str(pid))

    def limit(self, size: int) -> None:
        """Set the limit of its memory, in bytes."""
        self.set("memory.max" if self.unified else "memory.limit_in_bytes", str(size))

    def reclaim(self) -> None:
        """Have all its memory that can be reclaimed, reclaimed."""
        if self.unified:
            with contextlib.suppress(Skipped):  # EAGAIN: there was less than asked for
                self.set("memory.reclaim", "1G")
        else:
            self.set("memory.force_empty", "0")


@contextlib.contextmanager
def memory_group(swappiness: int | None = None) -> Iterator[Cgroup]:
    """A memory cgroup of one's own, gone at the end (needs the lock).

    ``swappiness`` is the group's own in version 1; version 2 has only the machine's, which is put back.

    Raises:
        Skipped: no memory controller may be used.
    """
    root, version = group_root()
    unified = version == 2
    path = os.path.join(root, new_name())
    with contextlib.ExitStack() as stack:
        if unified:
            stack.enter_context(_controllers(root))
        stack.enter_context(_change("group", path=path))
        try:
            os.mkdir(path, 0o700)
        except OSError as error:
            raise Skipped("cgroup", reason=error.strerror) from error
        group = Cgroup(path, unified=unified)
        if swappiness is not None and not unified:
            group.set("memory.swappiness", str(swappiness))
        elif swappiness is not None and (before := int(get(SWAPPINESS))) != swappiness:
            change = stack.enter_context(_change("swappiness", before=before, set=swappiness))
            put(SWAPPINESS, str(swappiness))
            change.made()
        yield group


@contextlib.contextmanager
def _controllers(root: str) -> Iterator[None]:
    """Have groups of version 2 govern memory, where they do not yet."""
    path = os.path.join(root, "cgroup.subtree_control")
    try:
        offered = "memory" in get(os.path.join(root, "cgroup.controllers")).split()
        used = "memory" in get(path).split()
    except OSError as error:
        raise Skipped("no-cgroup") from error
    if not offered:
        raise Skipped("no-cgroup")
    if used:
        yield
        return
    with _change("controllers", path=path) as change:
        try:
            put(path, "+memory")
        except OSError as error:
            raise Skipped("no-cgroup") from error
        change.made()
        yield
