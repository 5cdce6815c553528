"""Sizes as people write them: the one reader for the command line, scripts and conditions."""

__all__ = ["size_of_text"]

_SUFFIXES = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_DIGITS_MAX = 20


def size_of_text(text: str, *, below: int = 1 << 64) -> int | None:
    """Bytes of ``4096``, ``64K``, ``1MiB`` or ``0x1000``, suffixes being powers of 1024; None where it is no such size.

    A number of ``below`` or more is none either: an address space ends there.
    """
    bare = text.strip().upper()
    if bare.startswith("0X"):
        digits, unit, base = bare[2:], 1, 16
        known = "0123456789ABCDEF"
    else:
        bare = bare.removesuffix("IB").removesuffix("B")
        unit, base, known = _SUFFIXES.get(bare[-1:], 1), 10, "0123456789"
        digits = bare[:-1] if unit > 1 else bare
    # int() would take underscores, signs, blanks and digits of other scripts
    if not digits or len(digits) > _DIGITS_MAX or not set(digits) <= set(known):
        return None
    size = int(digits, base) * unit
    return size if size < below else None
