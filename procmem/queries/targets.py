"""From what users name to open processes: pids, ``self``, ``/proc/123``, names, users, recordings.

A recording takes the place of a pid everywhere. This is the one place where a command's source is opened.
"""

from __future__ import annotations

import os

from procmem.errors import BadInput, BrokenRecording, Misuse, NothingMatches, ProcessGone
from procmem.model.named_tuple import NamedTuple
from procmem.sources.machine import own_pid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from procmem.model.ports import Source, Target

__all__ = [
    "Selection",
    "TargetRef",
    "exists",
    "has_name",
    "is_target",
    "living_processes",
    "one_target",
    "only_ref",
    "other_pids",
    "source_of",
]

_PID_DIGITS_MAX = 10


class TargetRef(NamedTuple):
    """One process to look at: ``open()`` it. ``name`` is what the user called it.

    ``is_child``: nobody named it, it is a child of one that was named, and may have ended by now.
    """

    name: str
    source: Any
    pid: int | None
    is_child: bool = False

    def open(self) -> Target:
        """Hold the process open; raises ProcessGone and its like."""
        target: Target = self.source.open(self.pid)
        return target


class Selection(NamedTuple):
    """What the options and arguments of a command select."""

    words: tuple[str, ...]
    procfs: str | None = None
    recording: str | None = None
    name: str | None = None
    user: str | None = None
    children: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was selected."""
        return not (self.words or self.recording or self.name or self.user)

    def are_several(self, answers: int) -> bool:
        """Whether a list is due as the answer: several were asked for, or a selection gave not just one."""
        return len(self.words) > 1 or answers != 1

    def refs(self) -> Iterator[TargetRef]:
        """The processes, in the order given.

        Raises:
            Misuse, BadInput, NothingMatches, ProcessGone: a word that is no target, or a selection that fits nothing.
            AccessRefused: a selection that fits nothing, where some may not be looked at.
        """
        if self.recording is not None:
            yield from self._of_recording(self.recording, source_of(None, self.recording))
            return
        if self.is_empty:
            raise Misuse("name-a-process")
        live = source_of(self.procfs, None)
        for word in self.words:
            yield from self._of_word(word, live)
        if self.name or self.user:
            for pid in self._found():
                yield from self._with_children(TargetRef(str(pid), live, pid))

    def _of_recording(self, path: str, source: Source) -> Iterator[TargetRef]:
        """Those named of a recording; all of it where none is, or those of a name and user."""
        for word in self.words:
            yield TargetRef(word, source, _pid(word))
        if self.words and not (self.name or self.user):
            return
        pids = source.pids()
        if self.name or self.user:
            from procmem.sources.find import wanted_processes  # noqa: PLC0415  # only with --name and --user

            wanted = wanted_processes(self.name, self.user)
            pids = tuple(pid for pid in pids if has_name(source, pid, wanted))
            if not pids:
                raise NothingMatches("none-recorded-so", source=path)
        for pid in pids:
            yield TargetRef(path if len(pids) == 1 else str(pid), source, pid)

    def _of_word(self, word: str, live: Source) -> Iterator[TargetRef]:
        bare = _bare(word)
        if not (bare == "self" or (bare.isascii() and bare.isdecimal())) and exists(word):
            yield from Selection((), recording=word).refs()
            return
        pid = _pid(word)
        yield from self._with_children(TargetRef(word, live, pid))

    def _with_children(self, ref: TargetRef) -> Iterator[TargetRef]:
        yield ref
        if self.children:
            from procmem.sources.find import children_of  # noqa: PLC0415  # only with --children

            assert ref.pid is not None
            for child in children_of(ref.pid):
                yield TargetRef(str(child), ref.source, child, is_child=True)

    def _found(self) -> list[int]:
        """Pids by name and user."""
        from procmem.sources.find import processes_named  # noqa: PLC0415  # only with --name and --user

        found = processes_named(self.name, self.user)
        if not found:
            if not self.user:
                raise NothingMatches("no-process-named", name=self.name)
            raise NothingMatches(
                "no-process-named-of" if self.name else "no-process-of", name=self.name, user=self.user
            )
        return found


def has_name(source: Source, pid: int | None, wanted: Callable[[bytes | None, int | None], bool]) -> bool:
    """Whether a process has the name and user that are wanted: by small files alone, since the pages of others cost."""
    from procmem.parse.status import parse_stat, parse_status  # noqa: PLC0415  # only where some are chosen

    with source.open(pid) as target:
        stat, status = target.read("stat"), target.read("status")
    name = parse_stat(stat).comm if isinstance(stat, bytes) and stat else None
    return wanted(name, parse_status(status).uid if isinstance(status, bytes) and status else None)


def source_of(procfs: str | None, recording: str | None) -> Source:
    """A recording where one is named, else this machine or another proc tree."""
    if recording is not None:
        from procmem.sources.recording.read import RecordedSource  # noqa: PLC0415  # only for recordings
        from procmem.sources.recording.store import open_store  # noqa: PLC0415  # the same

        core = _core(recording)
        if core is not None:
            return core
        opened = open_store(recording)
        if isinstance(opened, bytes):
            from procmem.parse.given.read import read_given_text  # noqa: PLC0415  # only for texts

            of_text: Source = RecordedSource(recording, read_given_text(opened, recording))
            return of_text
        recorded: Source = RecordedSource(recording, opened)
        return recorded
    from procmem.sources.live import ProcSource  # noqa: PLC0415  # not needed for --help

    live: Source = ProcSource(procfs or "/proc")
    return live


def _core(path: str) -> Source | None:
    """A core file; None where a path is none.

    Raises:
        BrokenRecording: it is damaged, or an ELF file of another sort.
    """
    from procmem.sources.core import CoreMemory, CoreSource, elf_reader  # noqa: PLC0415  # only for recordings

    reader = elf_reader(path)
    if reader is None:
        return None
    from procmem.parse.core import read_core  # noqa: PLC0415  # only for cores

    try:
        core = read_core(reader)
    except BadInput as error:
        raise BrokenRecording(path, "bad-core") from error
    if core is None:
        raise BrokenRecording(path, "elf-no-core")
    source: Source = CoreSource(path, core.text, CoreMemory(reader, core.segments), core.files)
    return source


def one_target(word: str) -> TargetRef:
    """One target; ``PATH:PID`` names a process of a recording that has several."""
    path, colon, pid = word.rpartition(":")
    if colon and pid.isdecimal() and not exists(word):
        return next(Selection((pid,), recording=path).refs())._replace(name=word)
    return only_ref(word, Selection((word,)))


def only_ref(name: str, selection: Selection) -> TargetRef:
    """The one process of a selection.

    Raises:
        BrokenRecording: the recording that is named holds several.
    """
    refs = list(selection.refs())
    if len(refs) > 1:
        known = tuple(ref.pid for ref in refs[:10])
        raise BrokenRecording(name, "several-recorded", count=len(refs), known=known)
    return refs[0]


def living_processes() -> Iterator[tuple[int, bytes, str]]:
    """Pid, name and user of every process of this machine, ourselves left out."""
    from procmem.sources.find import living, user_name  # noqa: PLC0415  # only to complete words

    ours = own_pid()
    for pid, name, uid in living():
        if pid != ours:
            yield pid, name, "" if uid is None else user_name(uid)


def is_target(word: str) -> bool:
    """Whether a word names a process, or a recording: a pid, ``self``, ``/proc/123``, a path that is there."""
    bare = _bare(word)
    return bare == "self" or (bare.isascii() and bare.isdecimal()) or (("/" in word or "." in word) and exists(word))


def exists(path: str) -> bool:
    """Whether there is a file or folder of a name.

    Raises:
        BadInput: nobody answers for it.
    """
    from procmem.sources.file_helper import need_answer  # noqa: PLC0415  # not for pids

    need_answer(path)
    return os.path.exists(path)


def other_pids(source: Source) -> list[int | None]:
    """All processes of a source; on this machine without ourselves. None is the one of a text that does not say."""
    ours = own_pid() if source.is_live else None
    return [pid for pid in source.pids() if ours is None or pid != ours]


def _bare(word: str) -> str:
    """A word without the folder of processes: ``123`` of ``/proc/123/``."""
    return word.removeprefix("/proc/").rstrip("/")


def _pid(word: str) -> int:
    """A pid from ``123``, ``/proc/123`` or ``self``.

    Raises:
        Misuse, BadInput: none of these, and no recording either.
    """
    bare = _bare(word)
    if bare == "self":
        return own_pid()
    if not (bare.isascii() and bare.isdecimal() and len(bare) <= _PID_DIGITS_MAX):
        if "/" in word or "." in word:
            raise BadInput("no-target", word=word)
        raise Misuse("not-a-target", word=word)
    pid = int(bare)
    if pid == 0:
        raise ProcessGone(0, "pid-zero")
    return pid
