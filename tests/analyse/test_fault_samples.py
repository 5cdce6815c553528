"""Samples kept within a bound: what they stand for in all does not change by that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.analyse.fault_samples import FaultSamples
from procmem.model.code import ChainEnd, CodeChain
from procmem.model.perf_records import FaultSample


def sample(address: int, tid: int = 1) -> FaultSample:
    return FaultSample(1, tid, 0, 0, address, (), 0, (), b"")


def one_chain(one: FaultSample) -> CodeChain:
    del one
    return CodeChain((1, 2), 2, ChainEnd.COMPLETE)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 10_000)), min_size=1, max_size=8))
def test_all_faults_are_stood_for(epochs: list[tuple[int, int]]) -> None:
    """Those of an epoch without samples go to the next that has some, and the last ones to the last."""
    kept = FaultSamples(most=40)
    due = waiting = 0
    for count, faults in epochs:
        for number in range(count):
            kept.add(sample(number), one_chain)
        kept.end_epoch(faults)
        waiting += faults
        if count:
            due += max(waiting, count)
            waiting = 0
    due += waiting
    if any(count for count, _ in epochs):
        assert sum(one.faults for one in kept) == pytest.approx(due)
    assert kept.seen == sum(count for count, _ in epochs)
    assert len(list(kept)) <= 41


def test_thinning_out_takes_from_all_alike() -> None:
    """Two threads that touch by turns in blocks of seven keep their shares."""
    kept = FaultSamples(most=10_000)
    for number in range(50_000):
        kept.add(sample(number, tid=number // 7 % 2), one_chain)
    kept.end_epoch(50_000)
    shares = [sum(one.faults for one in kept if one.tid == tid) for tid in (0, 1)]
    assert sum(shares) == pytest.approx(50_000)
    assert shares[0] == pytest.approx(25_000, rel=0.05)
    assert 5000 <= len(list(kept)) <= 10_001


def test_chains_have_a_bound() -> None:
    """Beyond it only the innermost frames tell them apart, and beyond twice that nothing."""
    kept = FaultSamples(chains=10)
    for number in range(200):
        chain = CodeChain((number % 40, *range(100 + number, 110 + number)), 11, ChainEnd.COMPLETE)
        kept.add(sample(0), lambda _, chain=chain: chain)  # type: ignore[misc]  # the chain of this turn
    assert len(kept.chains) <= 21
    assert kept.chains[0].end is ChainEnd.COMPLETE
    assert kept.chains[-1] == CodeChain((), 0, ChainEnd.TOO_DEEP)
    kept.end_epoch(200)
    assert sum(one.faults for one in kept) == pytest.approx(200)
