"""The documents ``procmem/simulate/1``, ``procmem/simulate-memory/1``, ``procmem/crosscheck/1`` and its script's.

Addresses are strings in hexadecimal, sizes numbers of bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

from procmem.model.kernel_areas import Arm64Space, KernelArea
from procmem.model.note import Note
from procmem.model.reports.crosscheck import CrossLine, CrossReport, DrawnRow
from procmem.model.reports.simulated_memory import MemoryMoment
from procmem.model.script import ScriptReport, StepReport
from procmem.model.simulated_memory import MemorySettings, ProcessCost
from procmem.model.simulation import Draws, Prediction, Range, Settings, SimVma
from procmem.render.escaping import json_text, printable, printable_text
from procmem.render.json.fields import address
from procmem.text import english
from procmem.text.failures import failure_text
from procmem.text.simulate import area_text, note_text, origin_text, outcome_text, rule_text, step_text, trace_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["arm64_json", "cross_json", "drawn_json", "memory_json", "script_json", "simulate_json"]

SIMULATE = "procmem/simulate/1"
ARM64 = "procmem/arm64/1"
MEMORY = "procmem/simulate-memory/1"
CROSSCHECK = "procmem/crosscheck/1"
CROSSCHECK_SCRIPT = "procmem/crosscheck-script/1"


@english()
def simulate_json(prediction: Prediction, areas: Sequence[KernelArea]) -> dict[str, Any]:
    """The map at one moment."""
    settings = prediction.settings
    space = prediction.space
    return {
        "schema": SIMULATE,
        "inputs": _inputs(settings, prediction),
        "kernel": _kernel(settings, areas),
        "vmas": [_vma(vma) for vma in prediction.vmas],
        "registers": {"esp": None if space is None else address(space.registers.esp)},
        "ranges": [_range(wanted) for wanted in prediction.ranges],
        "brk": None if space is None else {"start": address(space.start_brk), "end": address(space.brk)},
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
        "areas": [_area(area) for area in areas],
    }


def _vma(vma: SimVma) -> dict[str, Any]:
    return {
        "start": address(vma.start),
        "end": address(vma.end),
        "perms": vma.perms,
        "offset": address(vma.offset),
        **json_text("name", vma.name),
        "class": vma.role.value,
        "base": vma.base.value,
        "status": vma.status.value,
        "rule": rule_text(vma.rule),
    }


def _range(wanted: Range) -> dict[str, Any]:
    return {
        "base": wanted.base.value,
        "first": address(wanted.first),
        "last": address(wanted.last),
        "step": wanted.step,
        "values": wanted.values,
    }


@english()
def arm64_json(space: Arm64Space) -> dict[str, Any]:
    """Borders and areas of an address space of arm64."""
    return {
        "schema": ARM64,
        "certainty": "likely",
        "page_size_bytes": space.page_size,
        "address_bits": space.bits,
        "levels": space.levels,
        "areas": [_area(area) for area in space.areas],
    }


def _area(area: KernelArea) -> dict[str, Any]:
    return {"start": address(area.start), "end": address(area.end), "name": area.name, "rule": area_text(area.rule)}


@english()
def cross_json(reports: Sequence[CrossReport]) -> dict[str, Any]:
    """Stages, predicted and real."""
    settings = reports[0].prediction.settings
    return {
        "schema": CROSSCHECK,
        "inputs": _inputs(settings, reports[0].prediction),
        "kernel": _kernel(settings, ()),
        "holds": all(report.holds for report in reports),
        "stages": [_stage(report) for report in reports],
        "bases": None,
    }


@english()
def script_json(report: ScriptReport) -> dict[str, Any]:
    """The stage where a script begins, and its steps, predicted and real."""
    prediction = report.main.prediction
    return {
        "schema": CROSSCHECK_SCRIPT,
        "inputs": _inputs(prediction.settings, prediction),
        "kernel": _kernel(prediction.settings, ()),
        "holds": report.holds,
        "main": _stage(report.main),
        "steps": [_script_step(step) for step in report.steps],
    }


def _script_step(step: StepReport) -> dict[str, Any]:
    predicted, real = step.report.failures
    return {
        "line": step.line,
        "step": step.text,
        "outcome": None if step.outcome is None else outcome_text(step.outcome),
        "holds": step.holds,
        "unchecked": _words(step.report.unchecked),
        "called_exact": step.report.called_exact,
        "exact": step.report.exact,
        "result": None
        if step.values is None
        else dict(zip(("predicted", "real"), map(_result, step.values), strict=True)),
        "failure": {
            "predicted": None if predicted is None else outcome_text(predicted),
            "real": _words(real),
        },
        "lines": [_line(line) for line in step.report.lines],
    }


def _results(predicted: int, real: int) -> dict[str, Any]:
    return {"predicted": _result(predicted), "real": _result(real)}


def _result(value: int) -> Any:
    """An address, or a negated error number."""
    return value if value < 0 else address(value)


def _stage(report: CrossReport) -> dict[str, Any]:
    esp = report.esp
    return {
        "stage": report.prediction.stage.value,
        "holds": report.holds,
        "called_exact": report.called_exact,
        "exact": report.exact,
        "unchecked": _words(report.unchecked),
        "failure": {"predicted": _words(report.failures[0]), "real": _words(report.failures[1])},
        "esp": None if esp is None else {"predicted": address(esp[0]), "real": address(esp[1])},
        "draws": None if report.draws is None else _draws(report.draws),
        "within": {base.value: inside for base, inside in report.within},
        "ranges": [_range(wanted) for wanted in report.prediction.ranges],
        "lines": [_line(line) for line in report.lines],
        "notes": list(map(note_text, report.prediction.notes)),
    }


def _draws(draws: Draws) -> dict[str, Any]:
    return {
        "mmap": draws.mmap,
        "program": draws.program,
        "stack": draws.stack,
        "brk": draws.brk,
        "esp_bytes": draws.esp_bytes,
    }


def _line(line: CrossLine) -> dict[str, Any]:
    return {
        "verdict": line.verdict.value,
        "predicted": None if line.predicted is None else _vma(line.predicted),
        "real": None if line.real is None else _real(line.real),
    }


def _real(line: tuple[int, int, str, int, bytes]) -> dict[str, Any]:
    start, end, perms, offset, name = line
    return {
        "start": address(start),
        "end": address(end),
        "perms": perms,
        "offset": address(offset),
        **json_text("name", name),
    }


def drawn_json(rows: Sequence[DrawnRow], entropies: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Bases of many runs; ``entropies`` holds for each row the bits seen and the bits predicted."""
    return {
        "schema": CROSSCHECK,
        "inputs": None,
        "kernel": None,
        "holds": not any(row.outside for row in rows),
        "stages": None,
        "bases": [
            {
                **_range(row.range),
                "runs": len(row.seen),
                "distinct": len(set(row.seen)),
                "outside": row.outside,
                "entropy_bits": round(seen, 3),
                "predicted_bits": round(predicted, 3),
                "seen": [address(value) for value in row.seen],
            }
            for row, (seen, predicted) in zip(rows, entropies, strict=True)
        ],
    }


@english()
def memory_json(moments: Sequence[MemoryMoment], machine: MemorySettings) -> dict[str, Any]:
    """What each step costs."""
    return {
        "schema": MEMORY,
        "machine": {
            "ram": machine.ram,
            "swap": machine.swap,
            "page_cluster": machine.page_cluster,
            "swappiness": machine.swappiness,
            "thp": machine.thp,
            "fault_around": machine.fault_around,
            "paging": machine.paging.value,
            "group": machine.group,
            "trace": machine.trace,
        },
        "steps": [_moment(moment) for moment in moments],
    }


def _moment(moment: MemoryMoment) -> dict[str, Any]:
    return {
        "step": step_text(moment.step, moment.gave),
        "outcome": moment.outcome,
        "processes": [_cost(cost) for cost in moment.costs],
        "used": moment.used,
        "page_cache": moment.page_cache,
        "swap_used": moment.swap_used,
        "swapped_out_pages": moment.swapped_out_pages,
        "swapped_in_pages": moment.swapped_in_pages,
        "dropped_pages": moment.dropped_pages,
        "trace": [printable_text(trace_text(note)) for note in moment.trace],
    }


def _cost(cost: ProcessCost) -> dict[str, Any]:
    return {
        "pid": cost.pid,
        "virt": cost.virt,
        "rss_anon": cost.rss_anon,
        "rss_file": cost.rss_file,
        "rss_shmem": cost.rss_shmem,
        "pss": cost.pss,
        "swap": cost.swap,
        "page_tables": cost.page_tables,
        "minor": cost.minor,
        "major": cost.major,
    }
