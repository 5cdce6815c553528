"""Values of options: sizes with a suffix, addresses, conditions of growth."""

import datetime
import re

from procmem.errors import Misuse
from procmem.model.named_tuple import NamedTuple
from procmem.model.sizes import size_of_text

__all__ = [
    "Trigger",
    "address_of",
    "duration_of",
    "limit_of",
    "need_permissions",
    "parse_growth",
    "parse_moment",
    "parse_trigger",
    "size_of",
]


def size_of(text: str, option: str = "--min-size") -> int:
    """A size with an optional suffix, powers of 1024: 4096, 64K, 1M, 1MiB, 0x1000; below 2^64, as an address space is.

    Raises:
        Misuse: it is no such size.
    """
    size = size_of_text(text)
    if size is None:
        raise Misuse("bad-size", option=option, text=text)
    return size


def limit_of(text: str, option: str) -> int | None:
    """The same, or None for ``unlimited``, as setrlimit(2) has it."""
    return None if text.strip().lower() == "unlimited" else size_of(text, option)


def address_of(text: str, bits: int = 64) -> int:
    """An address in hexadecimal, with or without ``0x``.

    Raises:
        Misuse: it is no such number, or has more bits.
    """
    digits = re.fullmatch(r"(?:0[xX])?([0-9A-Fa-f]+)", text.strip())
    if digits is None:
        raise Misuse("bad-address", text=text)
    value = int(digits[1], 16)
    if value >> bits:
        raise Misuse("address-too-large", text=text, bits=bits)
    return value


def parse_growth(text: str, classes: tuple[str, ...]) -> tuple[str, int | None, float | None]:
    """``CLASS>HOW``: a class, and a size or per cent.

    Raises:
        Misuse: it is no such condition.
    """
    found = re.fullmatch(r"\s*([a-z]+)\s*>\s*(?:([0-9]+(?:\.[0-9]+)?)%|([0-9A-Za-z]+))\s*", text)
    if found is None or found[1] not in classes:
        raise Misuse("bad-growth", text=text, classes=tuple(classes))
    if found[2] is not None:
        return found[1], None, float(found[2])
    return found[1], size_of(found[3], "--fail-if-grows"), None


class Trigger(NamedTuple):
    """A condition of ``--when``: a figure that is larger than ``size`` bytes, or than ``percent`` of what there may be.

    With ``grown`` it is one that has grown by more than ``size`` bytes since the first look.
    """

    name: str
    grown: bool
    size: int | None
    percent: float | None


def parse_trigger(text: str, names: tuple[str, ...], option: str = "--when", *, parts: bool = True) -> Trigger:
    """``heap>+200M``, ``rss>2G``, and with ``parts`` ``rss>80%``.

    Raises:
        Misuse: it is no such condition.
    """
    found = re.fullmatch(r"\s*([a-z]+)\s*>\s*(\+?)(?:([0-9]+(?:\.[0-9]+)?)%|([0-9A-Za-z]+))\s*", text)
    if found is None or found[1] not in names or (found[3] and (found[2] or not parts)):
        raise Misuse("bad-trigger", text=text, names=names) if parts else Misuse("bad-until", text=text, names=names)
    if found[3] is not None:
        return Trigger(found[1], grown=False, size=None, percent=float(found[3]))
    return Trigger(found[1], grown=bool(found[2]), size=size_of(found[4], option), percent=None)


_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}


def duration_of(text: str, option: str, *, zero: bool = False) -> float:
    """Seconds of ``10``, ``10s``, ``5m``, ``1h``, ``2d``; none at all only with ``zero``.

    Raises:
        Misuse: it is no such time.
    """
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)([a-z]{0,3})", text.strip())
    if found is None or found[2] not in _UNITS or (not float(found[1]) and not zero):
        raise Misuse("bad-duration", option=option, text=text)
    return float(found[1]) * _UNITS[found[2]]


def parse_moment(text: str, first: float, last: float) -> float:
    """A moment as Unix time: ``+90s`` behind the first look, ``-5m`` before the last, or a date and time (ISO 8601).

    A time of day alone is one of the day of the last look, here.

    Raises:
        Misuse: it is none of these.
    """
    bare = text.strip()
    if bare[:1] in ("+", "-"):
        span = duration_of(bare[1:], "--at", zero=True)
        return first + span if bare[0] == "+" else last - span
    try:
        if re.fullmatch(r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?", bare):
            day = datetime.datetime.fromtimestamp(last).astimezone()
            time = datetime.time.fromisoformat(bare.zfill(len(bare) + (bare.index(":") == 1)))
            return datetime.datetime.combine(day.date(), time, day.tzinfo).timestamp()
        return datetime.datetime.fromisoformat(bare).astimezone().timestamp()
    except (ValueError, OverflowError) as error:
        raise Misuse("bad-moment", text=text) from error


def need_permissions(text: str) -> None:
    """Refuse what are no permissions: four characters as maps writes them, or letters of them.

    Raises:
        Misuse: it is neither.
    """
    if not re.fullmatch("[r-][w-][x-][sp]|[rwxsp]{1,3}", text):
        raise Misuse("bad-perms", text=text)
