"""The joint of ``crosscheck TARGET``: a process that runs, held against the simulator and the kernel's laws.

A 32-bit process whose program is at hand is foretold anew, from its files and settings, and compared line by line.
Its own map gives nothing to that prediction but the values that were drawn for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from procmem.analyse.laws import laws_of
from procmem.model.laws import Counterpart, Law, LawReport, Outcome
from procmem.model.reports import LayoutInShort
from procmem.model.snapshot import GATE_NAMES
from procmem.simulate.borders import borders_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from procmem.model.ports import Target
    from procmem.model.region import ElfObject
    from procmem.model.reports import Band, Inspection
    from procmem.model.sim import CrossReport
    from procmem.model.snapshot import Snapshot
    from procmem.pipeline import Examination

__all__ = ["check_target", "laws_here", "layout_in_short"]

_TEXTBOOK = (
    ("kernel space", "c0000000-ffffffff", "the upper gigabyte"),
    ("stack", "ends c0000000", "grows down, 8 MiB at most"),
    ("mapping area", "below b8000000", "128 MiB below the top, filled downwards"),
    ("heap", "above the BSS", "grows up"),
    ("bss", "above data", "zero-initialised"),
    ("data", "above text", "initialised"),
    ("text", "from 08048000", "the linker's default place"),
)


def laws_here(snapshot: Snapshot, objects: Sequence[ElfObject], *, walk: bool) -> tuple[Law, ...]:
    """Every law, with the borders of the machine that the process runs on; none where that is no x86 machine."""
    table, machine = snapshot.mappings, snapshot.machine.machine
    if table is None or not len(table) or snapshot.bits not in (32, 64):
        return ()
    if machine is not None and machine != "x86_64" and not (machine.startswith("i") and machine.endswith("86")):
        return ()
    gates = {row for name in GATE_NAMES for row in table.rows_named(name)}
    highest = max(end for row, end in enumerate(table.end) if row not in gates) if gates else max(table.end)
    limit = (snapshot.limits or {}).get("Max stack size")
    soft = limit.soft if limit is not None else 8 << 20  # the usual limit, where none was recorded
    return laws_of(snapshot, objects, borders_for(snapshot.bits, machine, highest, soft), walk=walk)


def layout_in_short(snapshot: Snapshot, objects: Sequence[ElfObject]) -> LayoutInShort | None:
    """How many of the laws that need no walk hold, and which do not; None where none applies."""
    laws = laws_here(snapshot, objects, walk=False)
    held = sum(1 for law in laws if law.outcome is Outcome.HOLDS)
    broken = tuple(law.name for law in laws if law.outcome is Outcome.BROKEN)
    return LayoutInShort(held, broken) if held or broken else None


def check_target(target: Target, seen: Examination, report: Inspection, *, live: bool) -> LawReport:
    """Check a process that was examined; ``live`` says that it runs on this machine, now."""
    laws = laws_here(seen.snapshot, seen.objects, walk=True)
    exact, why = _foretold(target, seen, live=live)
    return LawReport(report.process, laws, _counterparts(report.picture), exact, why)


def _counterparts(bands: Sequence[Band]) -> tuple[Counterpart, ...]:
    found = []
    for area, place, note in _TEXTBOOK:
        own = [band for band in bands if band.name == area]
        here = (min(band.start for band in own), max(band.end for band in own)) if own else None
        found.append(Counterpart(area, f"{place}: {note}", here))
    return tuple(found)


def _foretold(target: Target, seen: Examination, *, live: bool) -> tuple[CrossReport | None, str | None]:
    """The simulator's map beside the real one, or why there is none."""
    if seen.snapshot.bits != 32:
        return None, "the simulator foretells 32-bit programs; of others the laws are checked"
    from procmem.pipeline_running import foretell_running  # noqa: PLC0415  # the simulator, only for 32 bit

    return foretell_running(target, seen, live=live)
