"""Sizes on the command line."""

import click

__all__ = ["size_of"]

_SUFFIXES = {"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def size_of(text: str, option: str = "--min-size") -> int:
    """A size with an optional suffix, powers of 1024: 4096, 64K, 1M, 1MiB."""
    bare = text.strip().upper().removesuffix("IB").removesuffix("B") or "x"
    number, suffix = (bare[:-1], bare[-1]) if bare[-1] in _SUFFIXES else (bare, "")
    if not number.isascii() or not number.isdecimal():
        raise click.UsageError(f"{option} {text!r}: not a size such as 4096, 64K or 1M")
    return int(number) * _SUFFIXES[suffix]
