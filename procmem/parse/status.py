"""``/proc/<pid>/status``, ``stat``, ``statm``, ``limits``, ``cmdline``: the small files.

They are readable for everybody, so they are what remains when all else is refused.
Source: proc_pid_status(5), proc_pid_stat(5), proc_pid_statm(5); fs/proc/array.c, fs/proc/base.c.
"""

from functools import lru_cache

from procmem.errors import MalformedFile
from procmem.model.numbers import DIGITS_MAX, whole_number
from procmem.model.proc_keys import StatusKey
from procmem.model.snapshot import Limit, Stat, Statm, Status

__all__ = [
    "parse_cmdline",
    "parse_comm",
    "parse_limits",
    "parse_personality",
    "parse_stat",
    "parse_statm",
    "parse_status",
    "parse_syscall",
]

_KIB = 1024
_LEAST_STAT_FIELDS = 24
_FIRST_OF_MEMORY = b"\n%s:" % StatusKey.VM_PEAK.encode()
_LINES_OF_SWITCHES = 2
"""The last lines of ``status``. Between the first line of memory and these, threads of a process are alike."""
_STAT_NUMBERS = 48
"""From the fourth field to env_end; what follows is not used."""
_STATM_NUMBERS = 7
_LIMIT_NAME_WIDTH = 25  # fs/proc/base.c, proc_pid_limits(): "%-25s %-20s %-20s %-10s"

_NUMBER_LENGTH_MAX = DIGITS_MAX + 1
"""A sign, and the digits of 64 bits: times and sizes are divided, and a float has an end."""


@lru_cache(maxsize=2)  # it is asked for more than once of the same text
def parse_status(data: bytes, *, name: str = "status") -> Status:
    """Read ``Key:<tab>value`` lines; unknown keys are kept, missing ones are no error.

    Raises:
        MalformedFile: a line without a key, or a file that ends within a line.
    """
    if data and not data.endswith(b"\n"):
        raise MalformedFile(name, data.count(b"\n") + 1, "last-line-cut")
    start = data.find(_FIRST_OF_MEMORY) + 1
    end = len(data)
    for _ in range(_LINES_OF_SWITCHES):
        end = data.rfind(b"\n", 0, end - 1) + 1
    parts = (data[:start], data[start:end], data[end:]) if 0 < start < end else (data,)
    try:
        said = list(map(_part_of_status, parts))
    except MalformedFile as error:
        at = data.split(b"\n").index(error.text)
        raise MalformedFile(name, at + 1, error.code, error.text) from None
    fields, sizes = said[0]
    for more, more_sizes in said[1:]:
        fields, sizes = fields | more, sizes | more_sizes
    return Status(fields, sizes)


@lru_cache(maxsize=8)  # the threads of a process have one memory, and most often the same rights
def _part_of_status(part: bytes) -> tuple[dict[str, str], dict[str, int]]:
    """The values of some whole lines, and the bytes of those that are sizes."""
    said = list(map(_line_of_status, part.decode("utf-8", "surrogateescape").split("\n")[:-1]))
    return {key: value for key, value, _ in said}, {key: size for key, _, size in said if size is not None}


@lru_cache(maxsize=4096)  # the threads of a process differ in few lines
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


@lru_cache(maxsize=2)  # the same
def parse_stat(data: bytes, *, name: str = "stat") -> Stat:
    """Read the one line of ``stat``; the command name may hold blanks and brackets, so it is cut at the last ``)``.

    Raises:
        MalformedFile: too few fields, one that is no number, or a line without its end.
    """
    if not data.endswith(b"\n"):
        raise MalformedFile(name, 1, "line-cut", data)
    opening, closing = data.find(b"("), data.rfind(b")")
    if opening < 0 or closing < opening:
        raise MalformedFile(name, 1, "no-command-name", data)
    rest = data[closing + 1 :].split()
    if len(rest) < _LEAST_STAT_FIELDS - 2:
        raise MalformedFile(name, 1, "too-few-fields", data, fields=len(rest) + 2, least=_LEAST_STAT_FIELDS)
    try:
        pid = int(data[:opening])
        if b"_" in data[closing:] or max(map(len, rest)) > _NUMBER_LENGTH_MAX:
            raise ValueError("int() would take it")
        numbers = list(map(int, rest[1:]))
    except ValueError as error:
        raise MalformedFile(name, 1, "field-no-number", data) from error
    # numbers[at] is field at + 4 of proc_pid_stat(5), where the state is field 3; older kernels have fewer
    fields = numbers + [None] * (_STAT_NUMBERS - len(numbers))
    addresses = [None if value is None or value <= 1 else value for value in fields[:_STAT_NUMBERS]]
    return Stat(
        pid=pid,
        comm=data[opening + 1 : closing],
        state=rest[0].decode("ascii", "replace"),
        ppid=numbers[0],
        flags=numbers[5],
        majflt=numbers[8],
        utime=numbers[10],
        stime=numbers[11],
        num_threads=numbers[16],
        starttime=numbers[18],
        vsize=numbers[19],
        rss_pages=numbers[20],
        startcode=addresses[22],
        startstack=addresses[24],
        processor=fields[35],
        policy=fields[37],
        start_data=addresses[41],
        end_data=addresses[42],
        start_brk=addresses[43],
        arg_start=addresses[44],
        arg_end=addresses[45],
        env_start=addresses[46],
        env_end=addresses[47],
    )


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


@lru_cache(maxsize=64)  # most processes have the same
def parse_limits(data: bytes, *, name: str = "limits") -> dict[str, Limit]:
    """Read ``limits``: the kernel's words ("Max stack size") to soft and hard limit.

    Raises:
        MalformedFile: a line that has not the three columns, or no end.
    """
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
