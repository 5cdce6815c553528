"""A process's row in a table of all: the few words of ``status`` and ``smaps_rollup`` that such a table needs, fast.

The tolerant readers of the whole files are :func:`procmem.parse.status.parse_status` and
:func:`procmem.parse.smaps.parse_rollup`; tests hold that both tell the same. Here a text is searched for its keys one
after the other, which is five times as fast; a process's name cannot forge a line, since the kernel escapes newlines.

Source: proc_pid_status(5); fs/proc/array.c, proc_pid_status(), for the order of the keys.
"""

from __future__ import annotations

from procmem.model.named_tuple import NamedTuple
from procmem.model.numbers import whole_number
from procmem.model.proc_keys import SmapsKey, StatusKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ROLLUP_KEYS",
    "RollupWords",
    "StatusWords",
    "command_line",
    "has_other_threads",
    "rollup_words",
    "status_words",
]

_KIB = 1024
_STATUS = tuple(
    key.encode()
    for key in (
        StatusKey.NAME,
        StatusKey.STATE,
        StatusKey.PPID,
        StatusKey.UID,
        StatusKey.VM_SIZE,
        StatusKey.VM_RSS,
        StatusKey.VM_SWAP,
    )
)
"""In the kernel's own order: each is looked for behind the one before."""
ROLLUP_KEYS = (
    SmapsKey.PSS,
    SmapsKey.PRIVATE_CLEAN,
    SmapsKey.PRIVATE_DIRTY,
    SmapsKey.SWAP,
    SmapsKey.SWAP_PSS,
)
_ROLLUP = tuple(key.encode() for key in ROLLUP_KEYS)
_PSS_SHMEM = SmapsKey.PSS_SHMEM.encode()


_MARKS = {key: b"\n%s:" % key for key in (*_STATUS, *_ROLLUP, _PSS_SHMEM)}
"""How the line of a key begins."""
_COMMAND_BYTES_MAX = 4096
"""Of a command line: the rest is no name any more."""


class StatusWords(NamedTuple):
    """What ``status`` says of a process; sizes are bytes, and None where it has no memory of its own."""

    name: bytes
    state: bytes
    ppid: int | None
    uid: int | None
    vm_size: int | None
    vm_rss: int | None
    vm_swap: int | None

    @property
    def is_dead(self) -> bool:
        """The main thread has ended; others may go on."""
        return self.state == b"Z"


class RollupWords(NamedTuple):
    """The counters of ``smaps_rollup`` in bytes, and the addresses that it spans, as the kernel writes them."""

    sizes: dict[str, int]
    span: bytes = b""


def status_words(content: bytes) -> StatusWords:
    """The words of ``status``."""
    words = _find_words(content, _STATUS)
    name, state, ppid, uid, vm_size, vm_rss, vm_swap = map(words.get, _STATUS)
    return StatusWords(
        name=_unescaped(name or b""),
        state=(state or b"")[:1],
        ppid=_number(ppid),
        uid=_number(uid),
        vm_size=_size(vm_size),
        vm_rss=_size(vm_rss),
        vm_swap=_size(vm_swap),
    )


def has_other_threads(content: bytes) -> bool:
    """Whether ``status`` tells of threads besides the main one, or does not tell."""
    return b"\nThreads:\t1\n" not in content


def rollup_words(content: bytes, *, with_shmem: bool = False) -> RollupWords:
    """The counters of ``smaps_rollup`` that a row needs; the last one is of groups alone."""
    words = _find_words(content, (*_ROLLUP, _PSS_SHMEM) if with_shmem else _ROLLUP)
    sizes = {key.decode(): size for key, text in words.items() if (size := _size(text)) is not None}
    return RollupWords(sizes, content[: max(content.find(b" "), 0)])


def command_line(content: bytes) -> bytes:
    """The beginning of ``cmdline``, its words parted by blanks, as ``ps`` prints it."""
    return content[:_COMMAND_BYTES_MAX].rstrip(b"\0").replace(b"\0", b" ")


def _find_words(content: bytes, keys: Iterable[bytes]) -> dict[bytes, bytes]:
    """The texts behind some keys."""
    found = {}
    end = 0
    text = b"\n%s\n" % content
    for key in keys:
        mark = _MARKS[key]
        at = text.find(mark, end)
        if at < 0:
            at = text.find(mark)
        if at >= 0:
            start = at + len(mark)
            end = text.find(b"\n", start)
            found[key] = text[start:end].removeprefix(b"\t")  # one tab: more may be the name's own
    return found


def _unescaped(name: bytes) -> bytes:
    """The name of ``status``, in which newline and backslash are escaped."""
    return b"\\".join([part.replace(b"\\n", b"\n") for part in name.split(b"\\\\")])


def _number(text: bytes | None) -> int | None:
    """The first of the numbers in a line."""
    return whole_number((text or b"").split(b"\t", 1)[0])


def _size(text: bytes | None) -> int | None:
    word = text[:-3].lstrip() if text is not None and text.endswith(b" kB") else b""
    size = whole_number(word)
    return None if size is None else size * _KIB
