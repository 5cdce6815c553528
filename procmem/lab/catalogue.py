"""The catalogue of experiments: all of them in the order of the theory, found by name, and run one after another."""

from __future__ import annotations

import contextlib
import time

from procmem.errors import Misuse, ProcmemError
from procmem.lab.experiments import calls, costs, pages, sharing, system, tables, threads
from procmem.lab.machine_state import WAIT_SECONDS, Listener, machine_lock
from procmem.model.note import Note, note
from procmem.model.reports.lab import Figure, Result, Skipped
from procmem.sources.signals import signals_held

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from procmem.lab.experiment import Experiment

__all__ = ["experiments", "named", "run_all"]


def experiments() -> tuple[Experiment, ...]:
    """All experiments, in the order of the theory."""
    everything = (
        *calls.EXPERIMENTS,
        *pages.EXPERIMENTS,
        *costs.EXPERIMENTS,
        *sharing.EXPERIMENTS,
        *system.EXPERIMENTS,
        *tables.EXPERIMENTS,
        *threads.EXPERIMENTS,
    )
    return tuple(sorted(everything, key=lambda one: int(one.row[1:])))


def named(names: tuple[str, ...]) -> tuple[Experiment, ...]:
    """The experiments of these names or rows (M6), in the order of the theory.

    Raises:
        Misuse: a name that none has.
    """
    known = experiments()
    for name in names:
        if not any(name in (one.name, one.row) for one in known):
            raise Misuse("no-experiment", name=name)
    return tuple(one for one in known if one.name in names or one.row in names)


def run_all(
    chosen: tuple[Experiment, ...], listener: Listener | None = None, *, seconds: float = WAIT_SECONDS
) -> Iterator[Result]:
    """Run experiments one after another; one that fails says so and does not stop the others.

    Those that change the machine wait for its lock for so many seconds at most, which ``listener`` is told. A signal
    that asks to end is acted on when an experiment has undone what it made; between two, nothing is there to undo.

    Raises:
        KeyboardInterrupt: such a signal came.
    """
    for one in chosen:
        began = time.monotonic()
        figures: list[Figure] = []
        reason: Note | None = None
        skipped = False
        try:
            with signals_held(), _lock_for(one, listener, seconds):
                figures = one.run()
        except Skipped as why:
            reason, skipped = why.reason, True
        except EOFError:
            reason = note("child-ended")
        except (ProcmemError, OSError) as why:
            reason = note("stopped", error=why)
        yield Result(one.name, one.row, figures, reason, time.monotonic() - began, skipped)


def _lock_for(one: Experiment, listener: Listener | None, seconds: float) -> contextlib.AbstractContextManager[None]:
    return machine_lock(seconds=seconds, listener=listener) if one.machine else contextlib.nullcontext()
