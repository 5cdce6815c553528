"""Files of the whole system: ``meminfo``, ``swaps``, ``vmstat``, ``uptime``.

Source: proc_meminfo(5), proc_swaps(5), proc_vmstat(5), proc_uptime(5).
"""

from procmem.errors import MalformedFile
from procmem.model.snapshot import SwapArea

__all__ = ["parse_count", "parse_meminfo", "parse_swaps", "parse_uptime", "parse_vmstat"]

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
        if not words or not words[0].isdigit() or words[1:] not in ([], [b"kB"]):
            raise MalformedFile(name, number, "not 'Key: number kB'", line)
        values[key.decode("ascii", "replace")] = int(words[0]) * (_KIB if len(words) == 2 else 1)
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
        if len(words) < 5 or not words[-3].isdigit() or not words[-2].isdigit():
            raise MalformedFile(name, number, "not 'Filename Type Size Used Priority'", line)
        areas.append(
            SwapArea(
                path=b" ".join(words[:-4]),
                type=words[-4].decode("ascii", "replace"),
                size=int(words[-3]) * _KIB,
                used=int(words[-2]) * _KIB,
                priority=int(words[-1]),
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
        if not value.lstrip(b"-").isdigit():
            raise MalformedFile(name, number, "not 'name number'", line)
        values[key.decode("ascii", "replace")] = int(value)
    return values


def parse_uptime(data: bytes) -> float | None:
    """Seconds since boot, or None where the text is no number."""
    words = data.split()
    try:
        return float(words[0]) if words else None
    except ValueError:
        return None


def parse_count(data: object) -> int | None:
    """The number in a file below ``/proc/sys`` that holds nothing else; None where it was not read, or is no number."""
    return int(data) if isinstance(data, bytes) and data.strip().isdigit() else None
