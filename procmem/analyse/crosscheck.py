"""The simulator's map laid beside the real one, line by line, with a verdict for each.

A prediction is worth only what it risks: every line called exact must be there to the byte, every base
called drawn must lie in its range, and nothing may be there that was not predicted. Lines are paired first
where they are equal, then by what they are (name, rights, offset), in the order of addresses; what is left
over is missing or extra.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from procmem.model.laws import MMAP_BASE_LAW, Law, Outcome
from procmem.model.note import Note
from procmem.model.permissions import PRIVATE_DATA, PRIVATE_READ_ONLY
from procmem.model.reports.crosscheck import CrossLine, CrossReport, DrawnRow, LineVerdict, RealLine, RealSpace
from procmem.model.script import ScriptAction
from procmem.model.simulation import Base, Draws, Exactness, Prediction, Range, SimSpace, SimVma, Stage
from procmem.model.vma_names import KernelName, kernel_label

__all__ = [
    "compare",
    "compare_running",
    "drawn_addresses",
    "drawn_as_predicted",
    "drawn_rows",
    "entropy_bits",
    "failure_report",
    "step_values",
    "still_there",
    "under_the_limit_at_exec",
]


def compare(
    prediction: Prediction,
    real: RealSpace,
    *,
    draws: Draws | None = None,
    within: tuple[tuple[Base, bool | None], ...] = (),
) -> CrossReport:
    """Lay a prediction beside what a process showed at the same stage.

    ``draws`` and ``within`` tell of a fitted prediction: what was read off the map, and whether it could
    have been drawn.
    """
    pairs = _paired(prediction.vmas, real.lines)
    lines = sorted((_line(vma, seen) for vma, seen in pairs), key=_address)
    esp = None
    if real.esp is not None and prediction.space is not None and prediction.failure is None:
        esp = (prediction.space.registers.esp, real.esp)
    return CrossReport(prediction, tuple(lines), esp, draws, within, (prediction.failure, None))


def compare_running(
    prediction: Prediction, real: RealSpace, *, draws: Draws | None, within: tuple[tuple[Base, bool | None], ...]
) -> CrossReport:
    """Lay what a process had at ``main`` beside what it shows while it runs.

    It maps, frees and grows as it likes: lines that are there besides, a heap, a stack that has grown, anonymous
    memory that joined a neighbour, and what was unmapped or got other rights are no contradiction.
    """
    vmas = tuple(vma for vma in prediction.vmas if vma.name != kernel_label(KernelName.HEAP))
    lines = tuple(line for vma in vmas if (line := still_there(vma, real)) is not None)
    shown = prediction._replace(vmas=vmas)
    report = compare(shown, real._replace(lines=lines, esp=None), draws=draws, within=within)
    return report._replace(lines=tuple(_since(line, real.lines) for line in report.lines))


def _since(line: CrossLine, real: Sequence[RealLine]) -> CrossLine:
    """A line that is missing, or a stack that is not whole, where the process itself may have taken or changed it."""
    vma = line.predicted
    in_pieces = vma is not None and vma.grows_down and line.real is not None and line.real[1] == vma.end
    if vma is None or (line.verdict is not LineVerdict.MISSING and not in_pieces):
        return line
    here = [one for one in real if one[0] < vma.end and one[1] > vma.start]
    if not here:
        return line._replace(verdict=LineVerdict.FREED)
    if line.verdict in {LineVerdict.MISSING, LineVerdict.DIFFERS} and all(_is_part(vma, one) for one in here):
        return line._replace(verdict=LineVerdict.CHANGED)
    return line


def _is_part(vma: SimVma, line: RealLine) -> bool:
    """Whether a real line can be a piece of what was predicted, with other rights."""
    if vma.grows_down:
        return line[4] in (vma.name, b"")  # only the piece with the first stack pointer has the name
    continues = not vma.name or line[3] - vma.offset == line[0] - vma.start
    return line[4] == vma.name and continues


def drawn_as_predicted(prediction: Prediction, within: Mapping[Base, bool]) -> tuple[tuple[Base, bool | None], ...]:
    """Of the bases that were drawn, those that the prediction says move: whether each could have been drawn so."""
    moving = {wanted.base for wanted in prediction.ranges}
    return tuple((base, inside) for base, inside in within.items() if base in moving)


def under_the_limit_at_exec(report: CrossReport, laws: Iterable[Law]) -> CrossReport:
    """The same, without a verdict on the mapping area where the laws have none: the stack limit at exec decides there.

    A process may have lowered or raised it since (setrlimit, prlimit), and only today's is known.
    """
    if all(law.name != MMAP_BASE_LAW or law.outcome is not Outcome.NOT_APPLICABLE for law in laws):
        return report
    within = ((base, inside or None if base is Base.MMAP else inside) for base, inside in report.within)
    return report._replace(within=tuple(within))


_ADDRESSES = {"malloc", "realloc", "mmap", "mremap", "overmap", "growsdown"}
"""Steps whose call gives an address."""


def step_values(action: ScriptAction, outcome: Note | None, given: int | None) -> tuple[int, int] | None:
    """What a step's call gives, predicted and real: an address or a negated error; None where one is not known."""
    if given is None or outcome is None or action.verb not in _ADDRESSES:
        return None
    if outcome.code == "failed":
        return -int(str(outcome.figures["error"])), given
    value = outcome.figures.get("value", 0)
    return (value, given) if isinstance(value, int) else None


def failure_report(prediction: Prediction, why: Note) -> CrossReport:
    """The report of a stage that the real program did not reach."""
    lines = tuple(CrossLine(vma, None, LineVerdict.MISSING) for vma in prediction.vmas)
    return CrossReport(prediction, lines, failures=(prediction.failure, why))


def _fields(vma: SimVma) -> RealLine:
    return (vma.start, vma.end, vma.perms, vma.offset, vma.name)


def _address(line: CrossLine) -> int:
    if line.real is not None:
        return line.real[0]
    assert line.predicted is not None
    return line.predicted.start


def _paired(predicted: Sequence[SimVma], real: Sequence[RealLine]) -> list[tuple[SimVma | None, RealLine | None]]:
    open_lines = list(real)
    left: list[SimVma] = []
    pairs: list[tuple[SimVma | None, RealLine | None]] = []
    for vma in predicted:
        fields = _fields(vma)
        if fields in open_lines:
            open_lines.remove(fields)
            pairs.append((vma, fields))
        else:
            left.append(vma)
    for vma in left:
        alike = [line for line in open_lines if line[2:] == (vma.perms, vma.offset, vma.name)]
        same_size = [line for line in alike if line[1] - line[0] == vma.size]
        found = next(iter(same_size or alike), None)
        if found is not None:
            open_lines.remove(found)
        pairs.append((vma, found))
    return pairs + [(None, line) for line in open_lines]


def _line(vma: SimVma | None, real: RealLine | None) -> CrossLine:
    if vma is None:
        return CrossLine(None, real, LineVerdict.EXTRA)
    if real is None:
        return CrossLine(vma, None, LineVerdict.MISSING)
    if _fields(vma) == real:
        return CrossLine(vma, real, LineVerdict.SAME)
    if vma.status is Exactness.SHAPE and real[1] - real[0] == vma.size:
        return CrossLine(vma, real, LineVerdict.SHAPE)
    return CrossLine(vma, real, LineVerdict.DIFFERS)


def drawn_addresses(space: SimSpace, ranges: Sequence[Range]) -> dict[Base, int]:
    """Where each drawn base lies in a fitted space: the address that its range is about."""
    stack = next((vma.end for vma in space.vmas if vma.grows_down), 0)
    layout = space.layout
    places = {
        Base.MMAP: layout.mmap_base if layout.top_down else layout.legacy_base,
        Base.PROGRAM: space.program_bias,
        Base.STACK: stack,
        Base.BRK: space.start_brk,
    }
    return {wanted.base: places[wanted.base] for wanted in ranges if wanted.base in places}


def drawn_rows(ranges: Sequence[Range], seen: Sequence[dict[Base, int]]) -> tuple[DrawnRow, ...]:
    """Gather the bases of many runs under the ranges predicted for them."""
    return tuple(DrawnRow(wanted, tuple(run[wanted.base] for run in seen if wanted.base in run)) for wanted in ranges)


def entropy_bits(values: Sequence[int]) -> float:
    """The entropy of a sample in bits; a sample of N values cannot show more than log2(N)."""
    counts = Counter(values)
    total = sum(counts.values())
    return -sum(n / total * math.log2(n / total) for n in counts.values()) if total else 0.0


def still_there(vma: SimVma, real: RealSpace) -> RealLine | None:
    """The real line that a predicted one has become: equal, grown (a stack, anonymous memory), or only alike.

    What exec made writable may have been split since: its first part is read-only after relocation (RELRO).
    """
    wanted = (vma.start, vma.end, vma.perms, vma.offset, vma.name)
    if wanted in real.lines:
        return wanted
    if real.stage is Stage.EXEC and vma.name and vma.perms == PRIVATE_DATA:
        parts = [line for line in real.lines if vma.start <= line[0] < vma.end and line[4] == vma.name]
        # (all of it is RELRO where the file's part ends with the page)
        whole = [(vma.start, PRIVATE_READ_ONLY), (parts[0][1], PRIVATE_DATA)] if parts else []
        if parts and [(line[0], line[2]) for line in parts] in (whole, whole[:1]) and parts[-1][1] == vma.end:
            return wanted
    for line in real.lines:
        covers = line[0] <= vma.start and vma.end <= line[1] and line[2] == vma.perms and line[4] == vma.name
        if covers and (not vma.name or (vma.grows_down and line[1] == vma.end)):
            return wanted
    alike = (line for line in real.lines if vma.name and line[2:] == (vma.perms, vma.offset, vma.name))
    return next(alike, None)
