"""The laws of layout: a process held against the kernel's rules, by the borders of its machine."""

from __future__ import annotations

from procmem.analyse.borders import borders_for
from procmem.analyse.laws import laws_of
from procmem.model.laws import Law, Outcome
from procmem.model.machine import architecture_of
from procmem.model.reports.inspection import LayoutInShort
from procmem.model.snapshot import LimitName

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procmem.model.region import ElfObject
    from procmem.model.snapshot import Snapshot

__all__ = ["laws_here", "layout_in_short"]


def laws_here(snapshot: Snapshot, objects: Sequence[ElfObject], *, walk: bool) -> tuple[Law, ...]:
    """Every law, with the borders of the machine that the process runs on; none where its layout is not known."""
    table, machine = snapshot.mappings, snapshot.machine.machine
    if table is None or not len(table) or snapshot.bits not in (32, 64):
        return ()
    row = architecture_of(machine, snapshot.bits)
    layout = row.layout
    if layout is None:
        return ()
    ends = list(table.end)
    for gate in table.gates():
        ends[gate] = 0  # a gate lies beyond the border, and belongs to no process
    border = row.border(max(ends))
    if border is not None and not border.layout_known:
        return ()
    limit = (snapshot.limits or {}).get(LimitName.STACK)
    soft = limit.soft if limit is not None else 8 << 20  # the usual limit, where none was recorded
    return laws_of(snapshot, objects, borders_for(layout, max(ends), soft), walk=walk)


def layout_in_short(snapshot: Snapshot, objects: Sequence[ElfObject]) -> LayoutInShort | None:
    """How many of the laws that need no walk hold, and which do not; None where none applies."""
    laws = laws_here(snapshot, objects, walk=False)
    held = sum(1 for law in laws if law.outcome is Outcome.HOLDS)
    broken = tuple(law.name for law in laws if law.outcome is Outcome.BROKEN)
    return LayoutInShort(held, broken) if held or broken else None
