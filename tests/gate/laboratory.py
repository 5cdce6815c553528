"""The laboratory as a part of the gate: twenty signals an attempt, by ``lab_signals``, which says what must hold."""

import os

from tests.gate import lab_signals
from tests.gate.part import Part, Result, Trial

__all__ = ["PART"]

SIGNALS = 20
"""Each attempt first measures how long the experiments take, which twenty signals share."""


def attempt(trial: Trial) -> Result:
    """Send signals to experiments that change the machine."""
    seed = trial.random.randrange(10**9)
    words = f"python -m tests.gate.lab_signals --count {SIGNALS} --seed {seed}"
    return Result(commands=[words], offences=lab_signals.run(SIGNALS, seed))


PART = Part(
    name="laboratory",
    what="signals at random moments to experiments that change the machine",
    full_count=10,
    attempt=attempt,
    lacking=lambda: None if os.geteuid() == 0 else "only root may change the machine",
    alone=True,
    cost=30,
)
