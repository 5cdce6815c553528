"""Sizes and times for people; the only place where bytes become "1.5 MiB"."""

from __future__ import annotations

from procmem.text.units import size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    SizeFormat = Callable[[int | None], str]

__all__ = ["duration", "exact_bytes", "human_size", "kib", "short_duration"]

UNKNOWN = "?"
_STEP = 1024


def human_size(size: int | None) -> str:
    """A size with a unit, three digits or so."""
    return size_text(size)


def kib(size: int | None) -> str:
    """Whole KiB, as the kernel counts; a fraction is shown where a range is no whole number of them."""
    if size is None:
        return UNKNOWN
    whole, rest = divmod(size, _STEP)
    return str(whole) if not rest else f"{size / _STEP:.1f}"


def exact_bytes(size: int | None) -> str:
    """Bytes to the last one."""
    return UNKNOWN if size is None else str(size)


def short_duration(seconds: float) -> str:
    """The same where tenths of a second matter."""
    return duration(seconds) if seconds >= 1 else f"{seconds:.1f} s"


def duration(seconds: float | None) -> str:
    """A time span in the two largest units that it has."""
    if seconds is None:
        return UNKNOWN
    left = int(seconds)
    parts: list[str] = []
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, length)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2])
