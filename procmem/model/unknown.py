"""Sums of figures of which some may be unknown. There are two, and each says by its name what it does.

:func:`exact_sum` is unknown where one part is. :func:`known_sum` adds what is known: for thresholds, and for totals
over processes of which some may not be read, which say beside the sum how many those are.
"""

from collections.abc import Iterable

__all__ = ["exact_sum", "known_sum"]


def exact_sum(values: Iterable[int | None]) -> int | None:
    """The sum, or None where one of the values is unknown; the sum of nothing is 0."""
    total = 0
    for value in values:
        if value is None:
            return None
        total += value
    return total


def known_sum(values: Iterable[int | None]) -> int | None:
    """The sum of those values that are known; None where none is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None
