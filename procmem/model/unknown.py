"""Sums of figures of which some may be unknown. There are two, and each says by its name what it does.

:func:`exact_sum` is unknown where one part is. :func:`known_sum` adds what is known: for thresholds, and for totals
over processes of which some may not be read, which say beside the sum how many those are.
"""

from __future__ import annotations

from procmem.model.proc_keys import SmapsKey

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["exact_sum", "known_sum", "uss_of"]


def exact_sum(values: Iterable[int | None]) -> int | None:
    """The sum, or None where one of the values is unknown; the sum of nothing is 0."""
    known = tuple(values)
    return None if None in known else sum(known)  # type: ignore[arg-type]  # mypy does not narrow by "in"


def known_sum(values: Iterable[int | None]) -> int | None:
    """The sum of those values that are known; None where none is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def uss_of(figure: Callable[[str], int | None]) -> int | None:
    """USS, as smem and psutil count it: clean and dirty private pages; None where either is unknown.

    ``figure`` gives a counter of smaps by its key.
    """
    return exact_sum((figure(SmapsKey.PRIVATE_CLEAN), figure(SmapsKey.PRIVATE_DIRTY)))
