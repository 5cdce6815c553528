"""Sizes and moments in words, for sentences that hold them; tables have their own formats in ``render``."""

from procmem.model.memo import memo

__all__ = ["size_text", "time_text"]

_DIFFERENT = 4096
_UNITS = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
_STEP = 1024
_THREE_DIGITS = 100
_LAST_MOMENT = 253402300799
"""The end of the year 9999."""


@memo(_DIFFERENT)  # of many thousand sizes in a report few are different
def size_text(size: int | None) -> str:
    """A size with a unit, three digits or so: ``0``, ``512 B``, ``1.5 MiB``, ``?`` where it is unknown."""
    if size is None:
        return "?"
    if abs(size) < _STEP:
        return f"{size} B" if size else "0"
    value = float(size)
    for unit in _UNITS:
        value /= _STEP
        if abs(value) < _STEP or unit == _UNITS[-1]:
            break
    return f"{value:.0f} {unit}" if value >= _THREE_DIGITS or value == int(value) else f"{value:.1f} {unit}"


def time_text(seconds: float) -> str:
    """A moment in local time, in seconds since 1970."""
    import time  # noqa: PLC0415  # seldom

    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(min(max(seconds, 0), _LAST_MOMENT)))
