"""Files of the whole system: ``meminfo``, ``swaps``, ``vmstat``, ``uptime``.

Source: proc_meminfo(5), proc_swaps(5), proc_vmstat(5), proc_uptime(5).
"""

from procmem.errors import MalformedFile
from procmem.model.numbers import whole_number
from procmem.model.snapshot import SwapArea

__all__ = [
    "parse_guard_gap",
    "parse_meminfo",
    "parse_number",
    "parse_pressure",
    "parse_segments_in_swap",
    "parse_swaps",
    "parse_uptime",
    "parse_vmstat",
]

_KIB = 1024


def parse_meminfo(data: bytes, *, name: str = "meminfo") -> dict[str, int]:
    """Sizes in bytes; lines without a unit (HugePages_Total) are counts.

    Raises:
        MalformedFile: a line that is not ``Key: number [kB]``.
    """
    values = {}
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line:
            continue
        key, _, rest = line.partition(b":")
        words = rest.split()
        value = whole_number(words[0]) if words else None
        if value is None or words[1:] not in ([], [b"kB"]):
            raise MalformedFile(name, number, "not-meminfo", line)
        values[key.decode("ascii", "replace")] = value * (_KIB if len(words) == 2 else 1)
    return values


def parse_swaps(data: bytes, *, name: str = "swaps") -> tuple[SwapArea, ...]:
    """The swap areas in use; a machine without swap gives none.

    Raises:
        MalformedFile: a line that has not the five columns.
    """
    areas = []
    for number, line in enumerate(data.split(b"\n")[1:], start=2):
        if not line:
            continue
        # the path may hold anything but a blank (which is \040), so the columns are counted from the right
        words = line.split()
        size, used = (whole_number(word) for word in words[-3:-1]) if len(words) >= 5 else (None, None)
        priority = whole_number(words[-1].removeprefix(b"-")) if len(words) >= 5 else None
        if size is None or used is None or priority is None:
            raise MalformedFile(name, number, "not-swaps", line)
        areas.append(
            SwapArea(
                path=b" ".join(words[:-4]),
                type=words[-4].decode("ascii", "replace"),
                size=size * _KIB,
                used=used * _KIB,
                priority=-priority if words[-1].startswith(b"-") else priority,
            )
        )
    return tuple(areas)


def parse_vmstat(data: bytes, *, name: str = "vmstat") -> dict[str, int]:
    """Event counters since boot, in the kernel's own units (mostly pages).

    Raises:
        MalformedFile: a line that is not ``name number``.
    """
    values = {}
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line:
            continue
        key, _, value = line.partition(b" ")
        count = whole_number(value.removeprefix(b"-"))
        if count is None:
            raise MalformedFile(name, number, "not-name-number", line)
        values[key.decode("ascii", "replace")] = -count if value.startswith(b"-") else count
    return values


def parse_uptime(data: bytes) -> float | None:
    """Seconds since boot, or None where the text is no number."""
    words = data.split(maxsplit=1)
    whole, _, hundredths = words[0].partition(b".") if words else (b"", b"", b"")
    if whole_number(whole) is None or whole_number(hundredths or b"0") is None:
        return None
    return float(words[0])


def parse_number(data: bytes) -> int | None:
    """The one number that a file holds (of ``/proc/sys``; oom_score_adj has a sign), None where it holds none."""
    digits = data.strip()
    value = whole_number(digits.removeprefix(b"-"))
    return -value if value is not None and digits.startswith(b"-") else value


def parse_pressure(data: bytes) -> int | None:
    """Microseconds in which some task waited for memory (``/proc/pressure/memory``, Linux 4.20), or None."""
    for line in data.split(b"\n"):
        kind, _, figures = line.partition(b" ")
        total = figures.rpartition(b" total=")[2]
        if kind == b"some" and (stalled := whole_number(total)) is not None:
            return stalled
    return None


def parse_guard_gap(command_line: bytes, page_size: int) -> int | None:
    """The boot option ``stack_guard_gap=``, in bytes (mm/mmap.c, cmdline_parse_stack_guard_gap()); None without it."""
    for word in command_line.split():
        name, mark, value = word.partition(b"=")
        if name == b"stack_guard_gap" and mark and (pages := whole_number(value)) is not None:
            return pages * page_size
    return None


def parse_segments_in_swap(data: bytes) -> dict[int, int]:
    """Segment id to bytes in swap (``/proc/sysvipc/shm``, proc_sysvipc(5)); its first line names the columns."""
    lines = [line.split() for line in data.split(b"\n") if line]
    if not lines or b"shmid" not in lines[0] or b"swap" not in lines[0]:
        return {}
    at, swap = lines[0].index(b"shmid"), lines[0].index(b"swap")
    found = ((whole_number(words[at]), whole_number(words[swap])) for words in lines[1:] if len(words) > max(at, swap))
    return {segment: size for segment, size in found if segment is not None and size is not None}
