"""The joint of ``crosscheck TARGET``: a process that runs, held against the simulator and the kernel's laws.

A 32-bit process whose program is at hand is foretold anew, from its files and settings, and compared line by line.
Its own map gives nothing to that prediction but the values that were drawn for it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from procmem.analyse.laws import laws_of
from procmem.model.laws import Counterpart, Law, LawReport, Outcome
from procmem.model.raw import Refusal
from procmem.model.reports import LayoutInShort
from procmem.model.snapshot import GATE_NAMES
from procmem.simulate.borders import borders_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from procmem.model.ports import Target
    from procmem.model.region import ElfObject
    from procmem.model.reports import Band, Inspection
    from procmem.model.sim import CrossReport, KernelKind, Settings
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


class _Known(NamedTuple):
    """What the process itself tells of how it was started."""

    settings: Settings
    program: bytes


def _foretold(target: Target, seen: Examination, *, live: bool) -> tuple[CrossReport | None, str | None]:
    """The simulator's map beside the real one, or why there is none."""
    snapshot = seen.snapshot
    if snapshot.bits != 32:
        return None, "the simulator foretells 32-bit programs; of others the laws are checked"
    if not live:
        return None, "the files of the program belong to the machine of the recording"
    from procmem.errors import BadInput  # noqa: PLC0415  # all of these: only for 32 bit, alive
    from procmem.model.sim import KernelKind, RealSpace, Stage  # noqa: PLC0415
    from procmem.pipeline_crosscheck import check_running, kernel_facts, really  # noqa: PLC0415
    from procmem.pipeline_sim import program_files  # noqa: PLC0415

    program = next((item.file for item in seen.objects if item.file.is_program), None)
    if program is None or snapshot.mappings is None or snapshot.stat is None:
        return None, "its mappings or its program may not be read"
    kind = KernelKind.COMPAT if snapshot.machine.machine == "x86_64" else KernelKind.NATIVE
    facts, _ = kernel_facts(kind)
    known = _settings(target, snapshot, program.path, kind)
    if known is None:
        return None, "how it was started may not be read (personality, auxv)"
    try:
        files = program_files(known.program, ())
    except BadInput as error:
        return None, str(error)
    major, minor = (int(part, 16) for part in program.device.split(":"))
    device, inode = files.program.identity
    if (inode, device) != (program.inode, os.makedev(major, minor)):
        return None, "the file of that name is not the program that runs (replaced, or in another namespace)"
    if (files.program.soname or b"").startswith(b"ld-"):
        return None, "the dynamic linker was started by hand: what it maps for its program is not foretold"
    table = snapshot.mappings
    lines = tuple((vma.start, vma.end, vma.perms, vma.offset, vma.name) for vma in table)
    real = RealSpace(Stage.MAIN, lines, None, snapshot.stat.start_brk)
    return check_running(files, really(known.settings._replace(facts=facts), files), real), None


def _settings(target: Target, snapshot: Snapshot, path: bytes, kind: KernelKind) -> _Known | None:
    """Arguments and environment count by their lengths alone: their text is nobody's business."""
    from procmem.model.sim import KernelKind, Settings  # noqa: PLC0415  # only for 32 bit, alive
    from procmem.pipeline_crosscheck import machine_randomize  # noqa: PLC0415

    stat = snapshot.stat
    content = target.read("personality")
    execfn = (snapshot.auxv or {}).get(31)
    assert snapshot.mappings is not None
    rows = snapshot.mappings.rows_named(b"[stack]")
    if isinstance(content, Refusal) or stat is None or execfn is None or not rows:
        return None
    if stat.arg_start is None or stat.arg_end is None or stat.env_start is None or stat.env_end is None:
        return None
    bits = int(content, 16)
    top = snapshot.mappings.end[rows[-1]]
    limit = (snapshot.limits or {}).get("Max stack size")
    word = 4 if kind is KernelKind.NATIVE else 8
    settings = Settings(
        kernel=kind,
        limit_3gb=bool(bits & 0x800_0000),
        randomize=0 if bits & 0x4_0000 else machine_randomize(),
        legacy=bool(bits & 0x20_0000),
        read_implies_exec=bool(bits & 0x40_0000),
        stack_limit=8 << 20 if limit is None else limit.soft,
        exec_path=b"x" * max(top - word - execfn - 1, 1),
        argv=(b"x" * max(stat.arg_end - stat.arg_start - 1, 0),),
        env=(b"x" * (stat.env_end - stat.env_start - 1),) if stat.env_end > stat.env_start else (),
    )
    return _Known(settings, path)
