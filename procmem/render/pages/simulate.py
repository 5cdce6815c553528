"""Pages and JSON of the simulator: the predicted map with its rules, and the comparison with a real one."""

from collections.abc import Sequence
from typing import Any

from procmem.model.note import Note
from procmem.model.simulation import (
    Base,
    CrossLine,
    CrossReport,
    DrawnRow,
    Exactness,
    KernelArea,
    LineVerdict,
    Prediction,
    Range,
    Settings,
    SimVma,
)
from procmem.render.escaping import json_text, printable, printable_text
from procmem.render.human import human_size
from procmem.text import english
from procmem.text.failures import failure_text
from procmem.text.simulate import area_text, note_text, origin_text, rule_text

__all__ = [
    "CROSSCHECK_SCHEMA",
    "SIMULATE_SCHEMA",
    "cross_json",
    "cross_page",
    "drawn_json",
    "drawn_page",
    "map_lines",
    "simulate_json",
    "simulate_page",
]

SIMULATE_SCHEMA = "procmem/simulate/1"
CROSSCHECK_SCHEMA = "procmem/crosscheck/1"
_BASE_WORDS = {
    Base.MMAP: "mapping area (its border)",
    Base.PROGRAM: "program",
    Base.STACK: "stack (its end)",
    Base.BRK: "heap (its start)",
    Base.FIXED: "fixed",
}
_MARKS = {Exactness.EXACT: " ", Exactness.RANGE: "~", Exactness.SHAPE: "?"}
_KIB = 1024
_BAR = 40


def map_lines(vmas: Sequence[SimVma], *, rules: bool = True) -> list[str]:
    """Lines in the form of pmap: range, size in KiB, rights, offset, what for, name, and the rule behind it."""
    names = [printable(vma.name) or "[anon]" for vma in vmas]
    width = min(max(map(len, names), default=0), 40)
    lines = []
    for vma, name in zip(vmas, names, strict=True):
        head = (
            f"{_MARKS[vma.status]}{vma.start:08x}-{vma.end:08x} {vma.size // _KIB:>8}K {vma.perms} {vma.offset:08x} "
            f"{vma.role.value:<8} "
        )
        lines.append(f"{head}{name:<{width}}  {printable_text(rule_text(vma.rule))}" if rules else f"{head}{name}")
    return lines


def _total_line(vmas: Sequence[SimVma]) -> str:
    total = sum(vma.size for vma in vmas)
    return f" VIRT {total // _KIB}K in {len(vmas)} areas"


def simulate_page(prediction: Prediction, *, facts_origin: Note, picture: str) -> str:
    """The whole answer of ``procmem simulate`` for a person."""
    if prediction.failure is not None:
        return f"no process: {printable_text(failure_text(prediction.failure))}\n"
    lines = [picture] if picture else []
    lines.append(f"at stage {prediction.stage.value}:")
    lines += map_lines(prediction.vmas)
    lines.append(_total_line(prediction.vmas))
    space = prediction.space
    if space is not None:
        lines.append(f" esp at exec {space.start_stack:#010x}, heap from {space.start_brk:#010x}")
    if any(vma.status is not Exactness.EXACT for vma in prediction.vmas):
        lines.append(" ~ drawn at each run: shown with the zero draw    ? size and order certain, address not")
    lines += [f" {line}" for line in _range_lines(prediction.ranges)]
    lines.append(f" kernel facts from {printable_text(origin_text(facts_origin))}")
    lines += [f" note: {printable_text(note_text(note))}" for note in prediction.notes]
    return "\n".join(lines) + "\n"


def _range_lines(ranges: Sequence[Range]) -> list[str]:
    return [
        f"{_BASE_WORDS[wanted.base]}: {wanted.first:#010x} to {wanted.last:#010x}"
        f" in steps of {human_size(wanted.step)}, {wanted.values} places"
        for wanted in ranges
    ]


@english()
def simulate_json(prediction: Prediction, areas: Sequence[KernelArea]) -> dict[str, Any]:
    """The document of schema ``procmem/simulate/1``; addresses and sizes are numbers of bytes."""
    settings = prediction.settings
    space = prediction.space
    return {
        "schema": SIMULATE_SCHEMA,
        "inputs": _inputs(settings, prediction),
        "kernel": _kernel(settings, areas),
        "vmas": [_vma(vma) for vma in prediction.vmas],
        "registers": {"esp": space.registers.esp if space is not None else None},
        "ranges": [_range(wanted) for wanted in prediction.ranges],
        "brk": {"start": space.start_brk, "end": space.brk} if space is not None else None,
        "virt_bytes": sum(vma.size for vma in prediction.vmas),
        "failure": _words(prediction.failure),
        "notes": list(map(note_text, prediction.notes)),
    }


def _words(failure: Note | None) -> str | None:
    return None if failure is None else failure_text(failure)


def _inputs(settings: Settings, prediction: Prediction) -> dict[str, Any]:
    return {
        "stage": prediction.stage.value,
        **json_text("program", prediction.program),
        **json_text("exec_path", settings.exec_path),
        "argv": [printable(text) for text in settings.argv],
        "env": [printable(text) for text in settings.env],
        "randomize": settings.randomize,
        "fitted": prediction.fitted,
        "legacy": settings.legacy,
        "read_implies_exec": settings.read_implies_exec,
        "stack_limit_bytes": settings.stack_limit,
    }


def _kernel(settings: Settings, areas: Sequence[KernelArea]) -> dict[str, Any]:
    facts = settings.facts
    return {
        "kind": settings.kernel.value,
        "limit_3gb": settings.limit_3gb,
        "vvar_pages": facts.vvar_pages,
        "vvar_vclock_pages": facts.vclock_pages,
        "vdso_pages": facts.vdso_pages,
        "aux_pairs": facts.aux_pairs,
        "guard_gap_bytes": facts.guard_gap,
        "mmap_rnd_bits": facts.mmap_rnd_bits,
        "origin": origin_text(facts.origin),
        "areas": [{"start": a.start, "end": a.end, "name": a.name, "rule": area_text(a.rule)} for a in areas],
    }


def _vma(vma: SimVma) -> dict[str, Any]:
    return {
        "start": vma.start,
        "end": vma.end,
        "perms": vma.perms,
        "offset": vma.offset,
        **json_text("name", vma.name),
        "class": vma.role.value,
        "base": vma.base.value,
        "status": vma.status.value,
        "rule": rule_text(vma.rule),
    }


def _range(wanted: Range) -> dict[str, Any]:
    return {
        "base": wanted.base.value,
        "first": wanted.first,
        "last": wanted.last,
        "step": wanted.step,
        "values": wanted.values,
    }


def cross_page(report: CrossReport) -> str:
    """One stage of a cross-check: predicted, real, verdict, rule, line by line, and the count."""
    prediction = report.prediction
    lines = [f"stage {prediction.stage.value}: {_summary(report)}"]
    predicted, real = report.failures
    if predicted is not None or real is not None:
        lines.append(f"  predicted: {printable_text(_words(predicted) or 'it gets here')}")
        lines.append(f"  really:    {printable_text(_words(real) or 'it got here')}")
    lines += [_cross_line(line) for line in report.lines if real is None]
    if report.esp is not None:
        word = "same" if report.esp[0] == report.esp[1] else "differs"
        lines.append(f"  esp       {report.esp[0]:08x}          | {report.esp[1]:08x}          | {word}")
    for wanted in prediction.ranges if report.draws is not None else ():
        inside = dict(report.within).get(wanted.base, True)
        word = "in its range" if inside else "OUTSIDE its range"
        lines.append(f"  {_BASE_WORDS[wanted.base]}: {word} {wanted.first:08x}-{wanted.last:08x}")
    lines += [f"  note: {printable_text(note_text(note))}" for note in prediction.notes]
    return "\n".join(lines) + "\n"


def _summary(report: CrossReport) -> str:
    if report.unchecked is not None:
        return f"not checked: {printable_text(failure_text(report.unchecked))}"
    predicted, real = report.failures
    if predicted is not None or real is not None:
        return "as predicted, it does not get here" if report.holds else "NOT as predicted"
    word = "exact once fitted" if report.draws is not None else "exact"
    text = f"{report.exact} of {report.called_exact} lines called exact are {word}"
    others = len([line for line in report.lines if line.predicted is not None]) - report.called_exact
    if others:
        text += f", {others} known in shape only"
    extra = sum(1 for line in report.lines if line.verdict is LineVerdict.EXTRA)
    if extra:
        text += f", {extra} not foretold"
    return text


def _cross_line(line: CrossLine) -> str:
    left, right = "", ""
    name, rule = b"", ""
    if line.predicted is not None:
        vma = line.predicted
        left = f"{vma.start:08x}-{vma.end:08x} {vma.perms} {vma.offset:08x}"
        name, rule = vma.name, rule_text(vma.rule)
    if line.real is not None:
        start, end, perms, offset, name = line.real
        right = f"{start:08x}-{end:08x} {perms} {offset:08x}"
    return (
        f"  {left:31} | {right:31} | {line.verdict.value:10} | {printable(name) or '[anon]'} | {printable_text(rule)}"
    )


@english()
def cross_json(reports: Sequence[CrossReport]) -> dict[str, Any]:
    """The document of schema ``procmem/crosscheck/1``."""
    settings = reports[0].prediction.settings
    return {
        "schema": CROSSCHECK_SCHEMA,
        "inputs": _inputs(settings, reports[0].prediction),
        "kernel": _kernel(settings, ()),
        "holds": all(report.holds for report in reports),
        "stages": [_stage(report) for report in reports],
    }


def _stage(report: CrossReport) -> dict[str, Any]:
    return {
        "stage": report.prediction.stage.value,
        "holds": report.holds,
        "called_exact": report.called_exact,
        "exact": report.exact,
        "unchecked": _words(report.unchecked),
        "failure": {"predicted": _words(report.failures[0]), "real": _words(report.failures[1])},
        "esp": {"predicted": report.esp[0], "real": report.esp[1]} if report.esp is not None else None,
        "draws": report.draws._asdict() if report.draws is not None else None,
        "within": {base.value: inside for base, inside in report.within},
        "ranges": [_range(wanted) for wanted in report.prediction.ranges],
        "lines": [
            {
                "verdict": line.verdict.value,
                "predicted": _vma(line.predicted) if line.predicted is not None else None,
                "real": _real(line.real) if line.real is not None else None,
            }
            for line in report.lines
        ],
        "notes": list(map(note_text, report.prediction.notes)),
    }


def _real(line: tuple[int, int, str, int, bytes]) -> dict[str, Any]:
    start, end, perms, offset, name = line
    return {"start": start, "end": end, "perms": perms, "offset": offset, **json_text("name", name)}


def drawn_page(rows: Sequence[DrawnRow], entropies: Sequence[tuple[float, float]]) -> str:
    """Bases of many runs: how many values were seen, the entropy, and a histogram over the predicted range.

    ``entropies`` holds, for each row, the bits seen and the bits predicted.
    """
    lines = []
    for row, (seen, predicted) in zip(rows, entropies, strict=True):
        wanted = row.range
        lines.append(
            f"{_BASE_WORDS[wanted.base]}: {len(row.seen)} runs, {len(set(row.seen))} places of {wanted.values}, "
            f"{row.outside} outside {wanted.first:08x}-{wanted.last:08x}; "
            f"{seen:.1f} bits seen, {predicted:.1f} predicted"
        )
        lines += [f"  {start:08x} {'#' * bar:<{_BAR}} {count}" for start, bar, count in _histogram(row)]
    return "\n".join(lines) + "\n"


def _histogram(row: DrawnRow, parts: int = 8) -> list[tuple[int, int, int]]:
    """Start address, length of the bar and count for each part of the range."""
    wanted = row.range
    span = max(wanted.last - wanted.first + wanted.step, 1)
    counts = [0] * parts
    for value in row.seen:
        if wanted.first <= value <= wanted.last:
            counts[(value - wanted.first) * parts // span] += 1
    most = max(counts) or 1
    return [(wanted.first + span * part // parts, count * _BAR // most, count) for part, count in enumerate(counts)]


def drawn_json(rows: Sequence[DrawnRow], entropies: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "schema": CROSSCHECK_SCHEMA,
        "holds": not any(row.outside for row in rows),
        "bases": [
            {
                **_range(row.range),
                "runs": len(row.seen),
                "distinct": len(set(row.seen)),
                "outside": row.outside,
                "entropy_bits": round(seen, 3),
                "predicted_bits": round(predicted, 3),
                "seen": list(row.seen),
            }
            for row, (seen, predicted) in zip(rows, entropies, strict=True)
        ],
    }
