"""The account from VIRT to RES as a waterfall: what is taken off step by step, until what is in memory is left."""

from __future__ import annotations

from procmem.model.named_tuple import NamedTuple
from procmem.model.reports.inspection import Inspection
from procmem.render.human import human_size
from procmem.text.pages.inspect import told

__all__ = ["Bar", "Waterfall", "waterfall"]

_KINK = 80.0
"""Where, in percent of the width, the scale changes if most of VIRT is reserved."""
_FULL = 100.0
_MOSTLY = 3


class Bar(NamedTuple):
    """A step: what it is, its size, and from where to where it is drawn, in percent of the width."""

    code: str
    text: str
    size: str
    left: float
    width: float


class Waterfall(NamedTuple):
    """All steps. ``is_bent`` says that beyond ``kink`` percent the scale is another, since most is reserved."""

    bars: tuple[Bar, ...]
    is_bent: bool
    kink: float = _KINK


def waterfall(report: Inspection) -> Waterfall | None:
    """The steps; None where it is not known what VIRT consists of."""
    account, virt = report.account, report.totals.virt
    if account is None or not virt:
        return None
    steps = (
        ("reserved", account.reserved),
        ("untouched", account.untouched),
        ("file_not_resident", account.file_not_resident),
        ("hugetlb", account.hugetlb),
        ("swapped", account.swapped),
    )
    rest = virt - account.reserved
    is_bent = account.reserved > _MOSTLY * rest > 0

    def place(size: int) -> float:
        if not is_bent:
            return _FULL * size / virt
        if size <= rest:
            return _KINK * size / rest
        return _KINK + (_FULL - _KINK) * (size - rest) / account.reserved

    bars = [Bar("virt", told("virt"), f"VIRT {human_size(virt)}", 0.0, _FULL)]
    left = virt
    for code, size in steps:
        if size:
            start, end = place(left - size), place(left)
            bars.append(Bar(code, told(code), f"\u2212 {human_size(size)}", start, end - start))
            left -= size
    bars.append(Bar("resident", told("resident"), f"= {human_size(account.resident)}", 0.0, place(account.resident)))
    return Waterfall(tuple(bars), is_bent)
