"""Values of options: sizes with a suffix, addresses, conditions of growth."""

import re

from procmem.errors import Misuse
from procmem.model.sizes import size_of_text

__all__ = ["address_of", "limit_of", "parse_growth", "size_of"]


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


def need_permissions(text: str) -> None:
    """Refuse what are no permissions: four characters as maps writes them, or letters of them.

    Raises:
        Misuse: it is neither.
    """
    if not re.fullmatch("[r-][w-][x-][sp]|[rwxsp]{1,3}", text):
        raise Misuse("bad-perms", text=text)
