"""``/proc/<pid>/status``, ``stat``, ``statm``, ``limits``, ``cmdline``: the small files.

They are readable for everybody, so they are what remains when all else is refused.
Source: proc_pid_status(5), proc_pid_stat(5), proc_pid_statm(5); fs/proc/array.c, fs/proc/base.c.
"""

from __future__ import annotations

from operator import itemgetter

from procmem.errors import MalformedFile
from procmem.model.memo import Memo, memo
from procmem.model.numbers import DIGITS_MAX, whole_number
from procmem.model.proc_keys import StatusKey
from procmem.model.snapshot import Limit, Stat, Statm, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    _Said = tuple[dict[str, str], dict[str, int]]
    """Values by their keys, and the bytes of those that are sizes."""

__all__ = [
    "parse_cmdline",
    "parse_comm",
    "parse_limits",
    "parse_personality",
    "parse_stat",
    "parse_statm",
    "parse_status",
    "parse_syscall",
    "parse_thread_stat",
    "parse_thread_status",
]

_KIB = 1024
_LEAST_STAT_FIELDS = 24
_FIRST_OF_MEMORY = b"\n%s:" % StatusKey.VM_PEAK.encode()
_UNIT = b" kB"
_LINES_OF_SWITCHES = 2
"""The last lines of ``status``. Between the first line of memory and these, threads of a process are alike."""
_STAT_TIMES = 19
"""From the fourth field of ``stat`` (proc_pid_stat(5)) to the 22nd, when it began."""
_USED_TIMES = itemgetter(*(field - 4 for field in (4, 9, 12, 14, 15, 20, 22)))
"""Of these: ppid, flags, majflt, utime, stime, num_threads, starttime."""
_STAT_MEMORY = 29
"""From the 23rd field to env_end; what follows is not used."""
_NO_ADDRESSES = itemgetter(*(field - 23 for field in (23, 24, 39, 41)))
"""Of these: vsize, rss, processor, policy."""
_ADDRESSES = itemgetter(*(field - 23 for field in (26, 28, 45, 46, 47, 48, 49, 50, 51)))
"""And startcode, startstack, start_data, end_data, start_brk, arg_start, arg_end, env_start, env_end."""
_STATM_NUMBERS = 7
_LIMIT_NAME_WIDTH = 25  # fs/proc/base.c, proc_pid_limits(): "%-25s %-20s %-20s %-10s"

_NUMBER_LENGTH_MAX = DIGITS_MAX + 1
"""A sign, and the digits of 64 bits: times and sizes are divided, and a float has an end."""


def parse_status(data: bytes, *, name: str = "status") -> Status:
    """Read ``Key:<tab>value`` lines; unknown keys are kept, missing ones are no error.

    Raises:
        MalformedFile: a line without a key, or a file that ends within a line.
    """
    return _STATUS[data, name]


def parse_thread_status(data: bytes) -> Status:
    """The same of one of many threads, of which each is asked for once: nothing is kept."""
    return _status((data, "status"))


def _status(said: tuple[bytes, str]) -> Status:
    data, name = said
    if data and not data.endswith(b"\n"):
        raise MalformedFile(name, data.count(b"\n") + 1, "last-line-cut")
    start = data.find(_FIRST_OF_MEMORY) + 1
    end = len(data)
    for _ in range(_LINES_OF_SWITCHES):
        end = data.rfind(b"\n", 0, end - 1) + 1
    try:
        if not 0 < start < end:
            return Status(*_lines_of_status(data))
        first, first_sizes = _lines_of_status(data[:start])
        alike, sizes = _alike_in_status(data[start:end])
        last, last_sizes = _lines_of_status(data[end:])
    except MalformedFile as error:
        at = data.split(b"\n").index(error.text)
        raise MalformedFile(name, at + 1, error.code, error.text) from None
    if first_sizes or last_sizes:
        sizes = {**first_sizes, **sizes, **last_sizes}
    return Status({**first, **alike, **last}, sizes)


_STATUS = Memo(_status, 2)  # it is asked for more than once of the same text


@memo(8)  # the threads of a process have one memory, and most often the same rights
def _alike_in_status(part: bytes) -> _Said:
    """The same of lines in which the threads of a process are alike."""
    return _lines_of_status(part)


def _lines_of_status(part: bytes) -> _Said:
    """The values of some whole lines, and the bytes of those that are sizes."""
    said = list(map(_line_of_status, part.decode("utf-8", "surrogateescape").split("\n")[:-1]))
    sizes = {key: size for key, _, size in said if size is not None} if _UNIT in part else {}
    return {key: value for key, value, _ in said}, sizes


@memo(4096)  # processes and their threads differ in few lines
def _line_of_status(line: str) -> tuple[str, str, int | None]:
    """Key, value, and its bytes where it is a size."""
    key, colon, value = line.partition(":")
    if not colon:
        raise MalformedFile("status", 0, "not-key-value", line.encode("utf-8", "surrogateescape"))
    value = value.strip()
    if not value.endswith(" kB") or key == StatusKey.NAME:  # a process may call itself so
        return key, value, None
    digits = value[:-3]
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 20):
        raise MalformedFile("status", 0, "not-a-size", line.encode("utf-8", "surrogateescape"))
    return key, value, int(digits) * _KIB


def parse_stat(data: bytes, *, name: str = "stat") -> Stat:
    """Read the one line of ``stat``; the command name may hold blanks and brackets, so it is cut at the last ``)``.

    Raises:
        MalformedFile: too few fields, one that is no number, or a line without its end.
    """
    return _STAT[data, name]


def parse_thread_stat(data: bytes) -> Stat:
    """The same of one of many threads."""
    return _stat((data, "stat"))


def _stat(said: tuple[bytes, str]) -> Stat:
    data, name = said
    if not data.endswith(b"\n"):
        raise MalformedFile(name, 1, "line-cut", data)
    opening, closing = data.find(b"("), data.rfind(b")")
    if opening < 0 or closing < opening:
        raise MalformedFile(name, 1, "no-command-name", data)
    # the state, and the fields from the fourth to the time of the start; what follows tells of memory
    state, *words = data[closing + 1 :].split(None, _STAT_TIMES + 1) or (b"",)
    try:
        memory = _memory_in_stat(words.pop()) if len(words) > _STAT_TIMES else None
        if memory is None:
            found = len(data[closing + 1 :].split()) + 2
            raise MalformedFile(name, 1, "too-few-fields", data, fields=found, least=_LEAST_STAT_FIELDS)
        pid, numbers = int(data[:opening]), _whole_numbers(words)
        if len(state) > 1:
            raise ValueError("a letter and something that belongs to no field")
    except ValueError as error:
        raise MalformedFile(name, 1, "field-no-number", data) from error
    ppid, flags, majflt, utime, stime, num_threads, starttime = _USED_TIMES(numbers)
    return Stat(
        pid,
        data[opening + 1 : closing],
        state.decode("ascii", "replace"),
        ppid,
        flags,
        majflt,
        utime,
        stime,
        num_threads,
        starttime,
        *memory,
    )


_STAT = Memo(_stat, 2)  # the same


def _whole_numbers(words: Sequence[bytes]) -> list[int]:
    """The numbers of some fields.

    Raises:
        ValueError: one of them is none.
    """
    if max(map(len, words)) > _NUMBER_LENGTH_MAX or b"_" in b"".join(words):
        raise ValueError("int() would take it")
    return list(map(int, words))


@memo(64)  # the threads of a process have one memory, and differ in the processor
def _memory_in_stat(text: bytes) -> tuple[Any, ...] | None:
    """The last fields of :class:`Stat`, from ``vsize`` on; None where there are too few.

    Raises:
        ValueError: one of them is no number.
    """
    words = text.split()
    if len(words) < _LEAST_STAT_FIELDS - _STAT_TIMES - 3:
        return None
    numbers = _whole_numbers(words)
    fields = numbers + [None] * (_STAT_MEMORY - len(numbers))  # older kernels have fewer
    addresses = [None if value is None or value <= 1 else value for value in _ADDRESSES(fields)]
    vsize, rss_pages, processor, policy = _NO_ADDRESSES(fields)
    startcode, startstack, *others = addresses
    return vsize, rss_pages, startcode, startstack, processor, policy, *others


def parse_statm(data: bytes, page_size: int, *, name: str = "statm") -> Statm:
    """Read ``statm``, pages in the file, bytes in the result.

    Raises:
        MalformedFile: not seven numbers.
    """
    words = data.split()
    pages = [found for word in words if (found := whole_number(word)) is not None]
    if not len(pages) == len(words) == _STATM_NUMBERS:
        raise MalformedFile(name, 1, "not-statm", data)
    size, resident, shared, text, _library, data_pages, _dirty = (count * page_size for count in pages)
    return Statm(size, resident, shared, text, data_pages)


def parse_limits(data: bytes, *, name: str = "limits") -> dict[str, Limit]:
    """Read ``limits``: the kernel's words ("Max stack size") to soft and hard limit.

    Raises:
        MalformedFile: a line that has not the three columns, or no end.
    """
    return _LIMITS[data, name]


def _limits(said: tuple[bytes, str]) -> dict[str, Limit]:
    data, name = said
    if data and not data.endswith(b"\n"):
        raise MalformedFile(name, data.count(b"\n") + 1, "last-line-cut")
    limits = {}
    for number, line in enumerate(data.split(b"\n")[1:], start=2):
        if not line:
            continue
        words = line[_LIMIT_NAME_WIDTH:].split()
        if len(words) not in (2, 3):
            raise MalformedFile(name, number, "not-a-limit", line)
        key = line[:_LIMIT_NAME_WIDTH].strip().decode("ascii", "replace")
        unit = words[2].decode("ascii", "replace") if len(words) == 3 else ""
        limits[key] = Limit(_limit(words[0], name, number), _limit(words[1], name, number), unit)
    return limits


_LIMITS = Memo(_limits, 64)  # most processes have the same


def _limit(text: bytes, name: str, number: int) -> int | None:
    if text == b"unlimited":
        return None
    limit = whole_number(text)
    if limit is None:
        raise MalformedFile(name, number, "limit-no-number", text)
    return limit


def parse_syscall(data: bytes, *, name: str = "syscall") -> tuple[int | None, int | None, bool]:
    """Read ``task/<tid>/syscall``: the user stack pointer and program counter, and whether the thread runs now.

    A thread on a CPU says only ``running``; one in a system call its number and arguments first, one stopped
    elsewhere ``-1``; both end with the two registers. (fs/proc/base.c, proc_pid_syscall())

    Raises:
        MalformedFile: none of these forms.
    """
    words = data.split()
    if words == [b"running"] or not words:
        return None, None, bool(words)
    try:
        sp, pc = int(words[-2], 16), int(words[-1], 16)
    except (ValueError, IndexError) as error:
        raise MalformedFile(name, 1, "not-syscall", data) from error
    return sp or None, pc or None, False


def parse_cmdline(data: bytes) -> tuple[bytes, ...]:
    """Split ``cmdline`` at its NUL bytes; a kernel thread or a zombie has none.

    A process may overwrite this text as it likes, so nothing can be malformed.
    """
    return tuple(data.removesuffix(b"\0").split(b"\0")) if data else ()


def parse_comm(data: bytes) -> bytes:
    """The name in ``comm``, without the newline that the kernel puts behind it."""
    return data.removesuffix(b"\n")


def parse_personality(data: bytes, *, name: str = "personality") -> int:
    """The bits that ``personality`` tells (fs/proc/base.c, proc_pid_personality(): eight hexadecimal digits).

    Raises:
        MalformedFile: not a hexadecimal number.
    """
    try:
        return int(data, 16)
    except ValueError:
        raise MalformedFile(name, 1, "not-hexadecimal", data) from None
