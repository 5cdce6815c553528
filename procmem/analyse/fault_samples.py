"""The samples of page faults, kept within a bound: whose, where, by which code.

Samples of one period are an epoch, which stands for all faults that the kernel counted meanwhile: so what got lost, or
was thinned out to keep the bound, is made good by what remains. Each keeps the page, the thread and a number for its
chain of code.
"""

from __future__ import annotations

import array
import random
from collections.abc import Callable, Iterator

from procmem.model.code import ChainEnd, CodeChain
from procmem.model.named_tuple import NamedTuple
from procmem.model.perf_records import FaultSample

__all__ = ["FaultSamples", "KeptSample"]

_SAMPLES_MAX = 100_000
_CHAINS_MAX = 40_000
_FRAMES_OF_MANY = 6
"""Where there are more different chains than are kept, only the innermost frames tell them apart."""


class KeptSample(NamedTuple):
    """One sample: the touched address, the thread, the number of its chain, and for how many faults it stands."""

    address: int
    tid: int
    chain: int
    faults: float


class _Epoch:
    """Samples taken with one period.

    Of ``step`` neighbours one is kept, drawn by lot: every so many-th would keep step with a program's own rhythm.
    """

    __slots__ = ("_draw", "_keeps", "address", "chain", "faults", "seen", "step", "tid")

    def __init__(self) -> None:
        self.address = array.array("Q")
        self.tid = array.array("I")
        self.chain = array.array("I")
        self.seen = 0
        self.step = 1
        self.faults = 0
        self._keeps = 0
        self._draw = random.Random(1)  # noqa: S311  # a draw that is the same each time, and no secret

    def is_kept(self) -> bool:
        """Count a sample, and say whether it is one to keep."""
        at = self.seen % self.step
        if at == 0:
            self._keeps = self._draw.randrange(self.step)
        self.seen += 1
        return at == self._keeps

    def thin_out(self) -> None:
        """Keep one of two, of those to come as well: all of an epoch stand for the same number of faults."""
        self.step *= 2
        kept = [at + self._draw.randrange(2) for at in range(0, len(self.address) - 1, 2)]
        for column in (self.address, self.tid, self.chain):
            column[:] = array.array(column.typecode, map(column.__getitem__, kept))


class FaultSamples:
    """All that was sampled of one process."""

    def __init__(self, most: int = _SAMPLES_MAX, chains: int = _CHAINS_MAX) -> None:
        self._most = most
        self._chains_most = chains
        self._epochs = [_Epoch()]
        self._kept = 0
        self._numbers: dict[tuple[tuple[int, ...], int, ChainEnd], int] = {}
        self.chains: list[CodeChain] = []

    @property
    def seen(self) -> int:
        """How many samples there were, also those that were thinned out."""
        return sum(epoch.seen for epoch in self._epochs)

    @property
    def seen_in_epoch(self) -> int:
        """How many of them belong to the epoch that goes on."""
        return self._epochs[-1].seen

    def add(self, sample: FaultSample, unwind: Callable[[FaultSample], CodeChain]) -> None:
        """Take a sample in."""
        epoch = self._epochs[-1]
        if not epoch.is_kept():
            return
        epoch.address.append(sample.address)
        epoch.tid.append(sample.tid)
        epoch.chain.append(self._number(unwind(sample)))
        self._kept += 1
        if self._kept > self._most:
            for one in self._epochs:
                one.thin_out()
            self._kept = sum(len(one.address) for one in self._epochs)

    def _number(self, chain: CodeChain) -> int:
        key = (chain.addresses, chain.certain, chain.end)
        found = self._numbers.get(key)
        if found is None and len(self.chains) >= self._chains_most:
            short = chain.addresses[:_FRAMES_OF_MANY]
            chain = CodeChain(short, min(chain.certain, len(short)), ChainEnd.TOO_DEEP)
            key = (chain.addresses, chain.certain, chain.end)
            found = self._numbers.get(key)
            if found is None and len(self.chains) >= 2 * self._chains_most:
                key = ((), 0, ChainEnd.TOO_DEEP)
                chain = CodeChain(*key)
                found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self.chains)
            self.chains.append(chain)
        return found

    def end_epoch(self, faults: int) -> None:
        """The kernel has counted so many faults since the last epoch ended; what comes now has another period."""
        epoch = self._epochs[-1]
        epoch.faults += faults
        if epoch.seen:
            self._epochs.append(_Epoch())

    def __iter__(self) -> Iterator[KeptSample]:
        """All samples that are kept, the earliest first; an epoch of which none is left is stood for by the next."""
        waiting = 0
        kept: list[tuple[_Epoch, int]] = []
        for epoch in self._epochs:
            waiting += max(epoch.faults, epoch.seen)
            if epoch.address:
                kept.append((epoch, waiting))
                waiting = 0
        if kept and waiting:
            kept[-1] = kept[-1][0], kept[-1][1] + waiting
        for epoch, faults in kept:
            each = faults / len(epoch.address)
            for address, tid, chain in zip(epoch.address, epoch.tid, epoch.chain, strict=True):
                yield KeptSample(address, tid, chain, each)
