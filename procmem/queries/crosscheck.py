"""The questions of ``procmem crosscheck``: a process held against the laws, a program against its prediction."""

from __future__ import annotations

from math import log2

from procmem.analyse.crosscheck import drawn_rows, entropy_bits
from procmem.analyse.inspection import inspection
from procmem.errors import BadInput, Misuse
from procmem.model.named_tuple import NamedTuple
from procmem.model.reports.crosscheck import DrawnRow
from procmem.model.simulation import KernelFacts, KernelKind
from procmem.queries.crosscheck_process import check_target, examine_at_rest
from procmem.queries.crosscheck_program import crosscheck, draw_bases, kernel_facts
from procmem.queries.crosscheck_script import crosscheck_script
from procmem.queries.examine import need_mappings
from procmem.sources.machine import runs_x86_64, smallest_program
from procmem.sources.script_file import read_script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import Target
    from procmem.model.program_files import ProgramFiles
    from procmem.model.reports.laws import LawReport
    from procmem.model.simulation import Settings

__all__ = [
    "Bases",
    "bases_of_runs",
    "check_process",
    "crosscheck",
    "crosscheck_script",
    "facts_to_compare",
    "read_script",
    "smallest_program",
]


class Bases(NamedTuple):
    """Randomised bases over many runs; ``entropies`` holds for each the bits seen and the bits predicted."""

    rows: tuple[DrawnRow, ...]
    entropies: tuple[tuple[float, float], ...]
    runs: int

    @property
    def outside(self) -> bool:
        """Whether any value lay outside its predicted range."""
        return any(row.outside for row in self.rows)


def check_process(target: Target, *, live: bool) -> LawReport:
    """Hold a process against the laws of the layout; ``live`` says that it runs on this machine, now.

    Raises:
        ProcessGone, MalformedFile: as :func:`procmem.queries.examine.examine`.
        AccessRefused: its mappings may not be read.
    """
    seen = examine_at_rest(target)
    need_mappings(seen)
    report = inspection(seen.snapshot, seen.regions, peek_problem=seen.peek_problem, drawn=True)
    return check_target(target, seen, report, live=live)


def facts_to_compare(kernel: KernelKind) -> KernelFacts:
    """What is known of this machine's kernel.

    Raises:
        BadInput: it runs no such x86 program.
        Misuse: it is of the other kind.
    """
    facts, runs_here = kernel_facts(kernel)
    if not runs_here:
        raise BadInput("no-32-bit" if kernel is not KernelKind.X86_64 else "no-x86-64")
    if runs_x86_64() is (kernel is KernelKind.NATIVE):
        raise Misuse("other-kernel-kind", kernel=kernel.value)
    return facts


def bases_of_runs(files: ProgramFiles, settings: Settings, times: int) -> Bases:
    """Run a program many times, and see where its bases were drawn."""
    prediction, seen = draw_bases(files, settings, times)
    rows = drawn_rows(prediction.ranges, seen)
    entropies = tuple((entropy_bits(row.seen), log2(row.range.values)) for row in rows)
    return Bases(rows, entropies, len(seen))
