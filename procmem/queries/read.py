"""Reading one process: which files, in which order, and again when it changed meanwhile.

Reading order matters: the small files come first and last, so that a process that ended, or ran another program,
between them is noticed (an empty smaps looks whole).
"""

from __future__ import annotations

from procmem.classify.evidence import REGION_KEYS
from procmem.errors import AccessRefused, ProcessGone, ReadFailed
from procmem.model.note import Note, note
from procmem.model.numbers import whole_number
from procmem.model.raw import FileContent, RawProcess, Refusal
from procmem.model.snapshot import Nature
from procmem.parse.process import nature_of
from procmem.parse.smaps import KnownSmaps, SmapsReader
from procmem.parse.status import parse_stat, parse_status
from procmem.queries.prefetch import THREAD_FILES_TO_INSPECT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from typing import TypeVar

    from procmem.model.mapping import Mappings
    from procmem.model.ports import Target

    Answer = TypeVar("Answer")

__all__ = [
    "FILES_TO_INSPECT",
    "TRIES",
    "live_thread",
    "need_memory",
    "read_consistently",
    "take",
]

FILES_TO_INSPECT = ("comm", "cmdline", "auxv", "smaps", "limits")
TRIES = 4
_GONE = (Refusal.GONE, Refusal.ABSENT, Refusal.UNRECORDED)
"""Refusals of a file by which one knows that its process is not there (any more); all others say nothing of that."""
_SYSTEM_FAILED = (Refusal.FAILED, Refusal.IO_ERROR)
_TRIES_TO_TAKE = 3
_ENDED = ("Z", "X")
"""States of what has ended, or is about to (proc_pid_stat(5))."""


def read_consistently(
    read: Callable[[], Answer], moved: Callable[[Answer], object], tries: int = TRIES
) -> tuple[Answer, bool]:
    """Read until ``moved`` says no of the answer, ``tries`` times at most; the last answer, and whether it settled."""
    for _attempt in range(tries):
        answer = read()
        if not moved(answer):
            return answer, True
    return answer, False


def take(
    target: Target,
    files: Iterable[str],
    system: Iterable[str] = ("uptime",),
    *,
    keys: Collection[str] | None = REGION_KEYS,
    keep: bool = False,
    thread_files: Iterable[str] = THREAD_FILES_TO_INSPECT,
    known: KnownSmaps | None = None,
) -> tuple[RawProcess, Mappings | None]:
    """Read the files of one process, again when it changed meanwhile; smaps is parsed on the way.

    With ``keep`` the raw text of a large smaps is kept as well; ``known`` are the lines of processes read before.

    Raises:
        ProcessGone: it ended before anything could be read.
        AccessRefused: not even status and stat may be read.
    """

    def once() -> tuple[RawProcess, SmapsReader]:
        smaps = SmapsReader(keys=keys, known=known)
        return _take_once(target, files, system, smaps, keep=keep, thread_files=thread_files), smaps

    (raw, smaps), _ = read_consistently(once, lambda seen: seen[0].unstable is not None, _TRIES_TO_TAKE)
    if all(isinstance(content, Refusal) for content in raw.files.values()):
        if Refusal.DENIED in raw.files.values():
            raise AccessRefused(raw.pid, "nothing-readable", right=raw.missing_right)
        other = next((why for why in raw.files.values() if why not in _GONE), None)
        if other is not None:
            if other in _SYSTEM_FAILED:
                raise ReadFailed(raw.pid, "read-failed", refusal=other)
            raise AccessRefused(raw.pid, "cannot-read", refusal=other)
        if raw.notes:
            raise AccessRefused(raw.pid, "no-mappings")  # a text that tells something else
        raise ProcessGone(raw.pid or 0, "ended-while-read")
    has_smaps = any(name.endswith("smaps") and isinstance(content, bytes) for name, content in raw.files.items())
    return raw, smaps.close() if has_smaps else None


def need_memory(target: Target) -> None:
    """Hold a living process to its memory: through a live thread, where its leader has ended.

    Raises:
        ProcessGone: it has ended, or is a kernel thread or a zombie.
        AccessRefused: what is asked of its memory later may not be asked.
    """
    status, stat = target.read("status"), target.read("stat")
    nature = nature_of(
        parse_status(status) if isinstance(status, bytes) and status else None,
        parse_stat(stat) if isinstance(stat, bytes) and stat else None,
    )
    gone = isinstance(status, Refusal) and status in _GONE
    if gone or nature in (Nature.KERNEL_THREAD, Nature.ZOMBIE):
        raise ProcessGone(target.pid or 0, "ended" if gone else "no-memory-or-ended")
    if nature is Nature.DEAD_LEADER and (thread := live_thread(target)) is not None:
        target.look_through(thread)
    if target.read("auxv") is Refusal.DENIED:  # which asks for the same right as smaps, and costs nothing
        raise AccessRefused(target.pid, "smaps-denied", right=target.missing_right())


def _take_once(
    target: Target,
    files: Iterable[str],
    system: Iterable[str],
    smaps: SmapsReader,
    *,
    keep: bool,
    thread_files: Iterable[str],
) -> RawProcess:
    files = tuple(files)
    # auxv is another after every execve, and looked at again at the end: so nothing may be read before it
    first = (*(("auxv",) if "auxv" in files else ()), "stat", "status")
    contents = {name: target.read(name) for name in first}
    status, stat = contents["status"], contents["stat"]
    nature = nature_of(
        parse_status(status) if isinstance(status, bytes) else None,
        parse_stat(stat) if isinstance(stat, bytes) else None,
    )
    read_through = live_thread(target) if nature is Nature.DEAD_LEADER else None
    if read_through is not None:
        target.look_through(read_through)
    prefix = "" if read_through is None else f"task/{read_through}/"
    if prefix:
        contents.pop("auxv", None)  # the dead leader's own, which is empty
        contents |= {f"{prefix}{name}": target.read(f"{prefix}{name}") for name in first}
    of_system = {name: target.read_system(name) for name in system}  # before smaps, which may take long
    for name in files:
        path = name if name.startswith("task/") else prefix + name
        if path in contents:
            continue
        contents[path] = target.read_pieces(path, smaps.feed, keep=keep) if name == "smaps" else target.read(path)
        if name == "smaps" and isinstance(contents[path], Refusal) and contents[path] is not Refusal.DENIED:
            contents[f"{prefix}maps"] = target.read(f"{prefix}maps")  # a kernel without page monitor, a bare file
            if isinstance(contents[f"{prefix}maps"], Refusal):
                contents[f"{prefix}smaps_rollup"] = target.read(f"{prefix}smaps_rollup")
    tids = _thread_ids(target)
    for tid in tids or ():
        for name in thread_files:
            contents[f"task/{tid}/{name}"] = target.read(f"task/{tid}/{name}")
    links = {"exe": target.link("exe")}
    denied = Refusal.DENIED in contents.values() or Refusal.DENIED in links.values()
    return RawProcess(
        pid=target.pid,
        files=contents,
        links=links,
        thread_ids=tids,
        system=of_system,
        machine=target.machine,
        read_through=read_through,
        unstable=_changed(target, contents, prefix),
        notes=target.notes,
        missing_right=target.missing_right() if denied else None,
    )


def _thread_ids(target: Target) -> tuple[int, ...] | None:
    names = target.names("task")
    if isinstance(names, Refusal):
        return None
    return tuple(sorted(tid for name in names if (tid := whole_number(name)) is not None))


def live_thread(target: Target) -> int | None:
    """The first thread of a process that still runs, when its leader does not."""
    for tid in _thread_ids(target) or ():
        content = target.read(f"task/{tid}/stat")
        if _lives(content):
            return tid
    return None


def _lives(stat: FileContent) -> bool:
    return isinstance(stat, bytes) and parse_stat(stat).state not in _ENDED


def _changed(target: Target, contents: dict[str, FileContent], prefix: str) -> Note | None:
    """What shows that this is not one process at one moment: it ended, or it ran another program."""
    before = contents[f"{prefix}stat"]
    if not isinstance(before, bytes):
        return None
    after = target.read(f"{prefix}stat")
    if not isinstance(after, bytes):
        return note("ended") if after in _GONE else None
    if after != before:
        first, last = parse_stat(before), parse_stat(after)
        if first.starttime != last.starttime or (last.state in _ENDED and first.state not in _ENDED):
            return note("ended")
    if prefix and _lives(target.read("stat")):
        return note("executed")  # by another thread, which has taken its place: only so does a dead leader live again
    auxv = contents.get(f"{prefix}auxv")
    if isinstance(auxv, bytes) and auxv and target.read(f"{prefix}auxv") != auxv:
        return note("executed")
    return None
