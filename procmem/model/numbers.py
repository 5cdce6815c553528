"""Whole numbers in texts that a stranger may have written: short ones, of ASCII digits alone.

Not here: sizes with units (``model.sizes``), and hexadecimal numbers, which the readers bound by their patterns.
"""

__all__ = ["DIGITS_MAX", "whole_number"]

DIGITS_MAX = 20
"""Those of the largest number that the kernel prints (2**64 - 1)."""


def whole_number(text: bytes | str) -> int | None:
    """The number that a text is; None where it is anything else, a sign, a blank or more digits included."""
    if len(text) > DIGITS_MAX or not text.isascii() or not text.isdigit():
        return None
    return int(text)
