"""Sizes on the command line."""

import click

__all__ = ["limit_of", "size_of"]

_SUFFIXES = {"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}

_DIGITS_MAX = 20


def size_of(text: str, option: str = "--min-size") -> int:
    """A size with an optional suffix, powers of 1024: 4096, 64K, 1M, 1MiB; below 2^64, as an address space is."""
    bare = text.strip().upper().removesuffix("IB").removesuffix("B") or "x"
    number, suffix = (bare[:-1], bare[-1]) if bare[-1] in _SUFFIXES else (bare, "")
    if not number.isascii() or not number.isdecimal() or len(number) > _DIGITS_MAX:
        raise click.UsageError(f"{option} {text!r}: not a size such as 4096, 64K or 1M")
    if (size := int(number) * _SUFFIXES[suffix]) >= 1 << 64:
        raise click.UsageError(f"{option} {text!r}: larger than any address space")
    return size


def limit_of(text: str, option: str) -> int | None:
    """The same, or None for ``unlimited``, as setrlimit(2) has it."""
    return None if text.strip().lower() == "unlimited" else size_of(text, option)
