"""What the tests of the simulator share: the running kernel's facts, and honest skips."""

import os
from functools import cache
from pathlib import Path

import pytest

from procmem.model.program_files import ProgramFiles
from procmem.model.reports.crosscheck import CrossReport, LineVerdict
from procmem.model.simulation import KernelFacts, KernelKind, Settings, Stage
from procmem.queries.crosscheck_program import crosscheck, kernel_facts
from procmem.queries.predict_program import program_files

ALL_STAGES = (Stage.EXEC, Stage.ENTRY, Stage.MAIN)


@cache
def _facts(kernel: KernelKind) -> tuple[KernelFacts, bool]:
    return kernel_facts(kernel)


def need_32bit() -> KernelFacts:
    """Give the kernel's facts, or skip where 32-bit x86 programs do not run (or may not be traced)."""
    return need_kernel(KernelKind.COMPAT)


def need_kernel(kernel: KernelKind) -> KernelFacts:
    """Give the facts of a kind, or skip where its programs do not run (or may not be traced)."""
    facts, runs = _facts(kernel)
    if not runs or os.uname().machine != "x86_64":
        bits = 64 if kernel is KernelKind.X86_64 else 32
        reason = f"this machine does not run {bits}-bit x86 programs under an x86-64 kernel"
        if os.environ.get("PROCMEM_REQUIRE_ALL") == "1":
            pytest.fail(f"PROCMEM_REQUIRE_ALL=1, and yet: {reason}", pytrace=False)
        pytest.skip(reason)
    return facts


def settings_for(path: Path | bytes, base: Settings, env: tuple[bytes, ...] = ()) -> Settings:
    """Settings to run a program by its path, under this kernel."""
    path = path if isinstance(path, bytes) else os.fsencode(path)
    argv = base.argv if base.argv != Settings().argv else (path,)
    return base._replace(exec_path=path, argv=argv, env=(*env, *base.env), facts=need_kernel(base.kernel))


def files_of(path: Path, env: tuple[bytes, ...] = ()) -> ProgramFiles:
    """Read a program as the predictor may."""
    return program_files(os.fsencode(path), env)


def wrong_lines(files: ProgramFiles, settings: Settings, stages: tuple[Stage, ...]) -> list[str]:
    """Predict, run, compare; every line that is not the same, and every wrong stack pointer, as text."""
    wrong = []
    for report in crosscheck(files, settings, stages):
        wrong += _wrong_in(report)
    return wrong


def _wrong_in(report: CrossReport) -> list[str]:
    stage = report.prediction.stage
    predicted, real = report.failures
    if (predicted is None) != (real is None) or report.unchecked is not None:
        return [f"{stage}: predicted {predicted!r}, really {real!r}, unchecked {report.unchecked!r}"]
    wrong = [] if real else [f"{stage}: {line}" for line in report.lines if line.verdict is not LineVerdict.SAME]
    if report.esp is not None and report.esp[0] != report.esp[1]:
        wrong.append(f"{stage}: esp {report.esp[0]:#x}, really {report.esp[1]:#x}")
    wrong += [f"{stage}: {base} outside its range" for base, inside in report.within if not inside]
    return wrong
