"""From what users type to open processes: pids, ``self``, ``/proc/123``, names, users, recordings.

A recording takes the place of a pid everywhere. psutil finds processes by name, user and parent, and is
imported only then.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from procmem.errors import BadInput, NothingMatches, ProcessGone

if TYPE_CHECKING:
    import click

    from procmem.model.ports import Target

__all__ = ["Selection", "TargetRef", "misuse", "target_options"]

_PID_DIGITS_MAX = 10
_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


class TargetRef(NamedTuple):
    """One process to look at: ``open()`` it. ``name`` is what the user called it."""

    name: str
    source: Any
    pid: int | None

    def open(self) -> "Target":
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

    def are_several(self, answers: int) -> bool:
        """Whether a list is due as the answer: several were asked for, or a selection gave not just one."""
        return len(self.words) > 1 or answers != 1

    def refs(self) -> Iterator[TargetRef]:
        """The processes, in the order given.

        Raises:
            BadInput, NothingMatches, ProcessGone: a word that is no target, or a selection that fits nothing.
        """
        from procmem.sources.live import ProcSource  # noqa: PLC0415  # not needed for --help

        words = list(self._words())
        if self.recording is not None:
            from procmem.sources.recording.read import RecordedSource  # noqa: PLC0415  # only with --from

            recorded = RecordedSource(self.recording)
            if not words:
                yield TargetRef(self.recording, recorded, recorded.only())
            for word in words:
                yield TargetRef(word, recorded, _pid(word))
            return
        if not words and not (self.name or self.user):
            raise misuse("name a process: a pid, 'self', a recording, or --name, --user, --from")
        live = ProcSource(self.procfs or "/proc")
        for word in words:
            yield from self._of_word(word, live)
        if self.name or self.user:
            for pid in self._found():
                yield TargetRef(str(pid), live, pid)

    def _words(self) -> Iterator[str]:
        for word in self.words:
            if word == "-":
                yield from sys.stdin.read().split()
            else:
                yield word

    def _of_word(self, word: str, live: Any) -> Iterator[TargetRef]:
        bare = word.removeprefix("/proc/").rstrip("/")
        if not (bare == "self" or (bare.isascii() and bare.isdecimal())) and os.path.exists(word):
            from procmem.sources.recording.read import RecordedSource  # noqa: PLC0415  # only for paths

            recorded = RecordedSource(word)
            yield TargetRef(word, recorded, recorded.only())
            return
        pid = _pid(word)
        yield TargetRef(word, live, pid)
        if self.children:
            for child in _children(pid):
                yield TargetRef(str(child), live, child)

    def _found(self) -> list[int]:
        """Pids by name and user, never ourselves."""
        import psutil  # noqa: PLC0415  # costs more than all the rest of a small report

        try:
            pattern = re.compile(self.name) if self.name else None
        except re.error as error:
            raise misuse(f"--name {self.name!r}: {error}") from error
        found = []
        for process in psutil.process_iter(["name", "username"]):
            if process.pid == os.getpid():
                continue
            name = process.info["name"] or ""
            if pattern is not None and name != self.name and not pattern.fullmatch(name):
                continue
            if self.user is not None and process.info["username"] != self.user and not _same_uid(process, self.user):
                continue
            found.append(process.pid)
        if not found:
            if not self.user:
                raise NothingMatches("no-process-named", name=self.name)
            raise NothingMatches(
                "no-process-named-of" if self.name else "no-process-of", name=self.name, user=self.user
            )
        return found


def misuse(message: str) -> "click.UsageError":
    """The error of a command line that cannot be understood."""
    import click  # noqa: PLC0415  # takes longer to load than a small report takes to make

    return click.UsageError(message)


def _same_uid(process: Any, user: str) -> bool:
    import psutil  # noqa: PLC0415  # is loaded already

    try:
        return user.isdecimal() and process.uids().real == int(user)
    except psutil.Error:
        return False


def _children(pid: int) -> list[int]:
    import psutil  # noqa: PLC0415  # only with --children

    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return []


def _pid(word: str) -> int:
    """A pid from ``123``, ``/proc/123`` or ``self``.

    Raises:
        BadInput: none of these, and no recording either.
    """
    bare = word.removeprefix("/proc/").rstrip("/")
    if bare == "self":
        return os.getpid()
    if not (bare.isascii() and bare.isdecimal() and len(bare) <= _PID_DIGITS_MAX):
        if "/" in word or "." in word:
            raise BadInput("no-target", word=word)
        raise misuse(f"{word!r} is neither a pid nor a recording (see --name to find processes by name)")
    pid = int(bare)
    if pid == 0:
        raise ProcessGone(0, "pid-zero")
    return pid


def target_options(command: _Decorated) -> _Decorated:
    """Add the TARGET arguments and the options that select processes; the command gets ``selection``."""
    import click  # noqa: PLC0415  # the plainest command lines do without it

    def collect(ctx: "click.Context", param: "click.Parameter", value: Any) -> Any:
        ctx.ensure_object(dict)[param.name] = value
        if param.name == "targets":
            return Selection(
                words=value,
                procfs=ctx.obj.get("procfs"),
                recording=ctx.obj.get("recording"),
                name=ctx.obj.get("name"),
                user=ctx.obj.get("user"),
                children=ctx.obj.get("children", False),
            )
        return value

    options: Sequence[Callable[[_Decorated], _Decorated]] = (
        click.argument("targets", nargs=-1, metavar="TARGET...", callback=collect),
        click.option("--procfs", metavar="DIR", is_eager=True, expose_value=False, callback=collect,
                     help="Read another /proc tree, mounted or copied."),
        click.option("--from", "recording", metavar="PATH", is_eager=True, expose_value=False, callback=collect,
                     help="Read a recording: a folder, a .tar.gz, or a bare maps or smaps file."),
        click.option("--name", metavar="NAME", is_eager=True, expose_value=False, callback=collect,
                     help="Also processes of this name (exact, or a regular expression that fits it whole)."),
        click.option("--user", metavar="USER", is_eager=True, expose_value=False, callback=collect,
                     help="Also processes of this user, by name or uid; with --name, both must fit."),
        click.option("--children", is_flag=True, is_eager=True, expose_value=False, callback=collect,
                     help="Also all children of the targets, and theirs."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command
