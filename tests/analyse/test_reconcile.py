"""Each known cause of a difference is found by its size, and what fits none is called unexplained."""

import pytest

from procmem.analyse.account import account_report
from procmem.model.reports.account import Readings, Saying
from tests.support.made_processes import made, record
from tests.support.smaps_text import Record, smaps

KIB = 1024
ONE = record(0x10000, 0x20000, Rss=40, Pss=40, Private_Dirty=40, Anonymous=40)


def sayings(
    *records: Record,
    status: str = "",
    threads: int = 1,
    kernel: str = "6.18.0",
    before: dict[str, int] | None = None,
    after: dict[str, int] | None = None,
    rollup: dict[str, int] | None = None,
) -> dict[str, Saying]:
    """What each file says of a process, by file and field."""
    head = f"Name:\tx\nState:\tS (sleeping)\nTgid:\t7\nThreads:\t{threads}\n"
    files = {"smaps": smaps(records), "status": (head + status).encode()}
    readings = Readings(rollup, rollup, before, after, frozenset())
    report = account_report(*made(files, kernel=kernel), readings)
    return {f"{one.measure} {one.who.value}": one for one in report.reconciliation}


def cause(one: Saying) -> str | None:
    """The code of the cause."""
    return None if one.cause is None else one.cause.code


def test_what_agrees_has_no_cause() -> None:
    """A difference of zero is none."""
    one = sayings(ONE, status="VmSize:\t 64 kB\nVmRSS:\t 40 kB\n")["virt status VmSize"]
    assert (one.difference, one.cause) == (0, None)


def test_what_nobody_said_has_no_difference() -> None:
    """None, and not the whole size."""
    one = sayings(ONE)["rss rollup Rss"]
    assert (one.size, one.difference, one.cause) == (None, None, None)


def test_pmap_counts_the_gate() -> None:
    """By exactly its size."""
    gate = record(0xFFFF_FFFF_FF60_0000, 0xFFFF_FFFF_FF60_1000, "--xp", b"[vsyscall]")
    one = sayings(ONE, gate)["virt pmap Kbytes"]
    assert (one.difference, cause(one)) == (4 * KIB, "gate")


def test_status_leaves_out_swap_of_shared_memory() -> None:
    """VmSwap is less by just that."""
    shared = record(0x30000, 0x40000, "rw-s", b"/memfd:x (deleted)", Swap=12)
    one = sayings(ONE, shared, status="VmSwap:\t 0 kB\n")["swap status VmSwap"]
    assert (one.difference, cause(one)) == (-12 * KIB, "shared memory")


def test_pss_of_many_mappings_is_rounded() -> None:
    """Less than a kilobyte for each."""
    records = [record(at << 16, (at << 16) + 4096, Rss=4, Pss=1, Shared_Clean=4) for at in range(1, 9)]
    one = sayings(*records, rollup={"Pss": 12 * KIB})["pss rollup Pss"]
    assert (one.difference, cause(one)) == (4 * KIB, "rounding")
    assert cause(sayings(*records, rollup={"Pss": 17 * KIB})["pss rollup Pss"]) == "unexplained"


@pytest.mark.parametrize(
    ("kernel", "threads", "lag", "expected"),
    [
        ("6.18.0", 1, 100, "unexplained"),  # status adds up all parts of a counter since 6.16
        ("6.8.0", 1, 100, "counter"),
        ("6.8.0", 1, 4000, "unexplained"),
        ("5.15.0", 1, 700, "counter"),
        ("5.15.0", 1, 900, "unexplained"),
        ("5.15.0", 4, 900, "counter"),
    ],
)
def test_counters_of_the_kernel_lag(kernel: str, threads: int, lag: int, expected: str) -> None:
    """By as much as the kernel's version lets them: a batch for each processor, or 64 pages for each thread."""
    big = record(0x100000, 0x2000000, Rss=16000, Pss=16000, Private_Dirty=16000, Anonymous=16000)
    found = sayings(big, status=f"VmRSS:\t {16000 - lag} kB\n", threads=threads, kernel=kernel)["rss status VmRSS"]
    assert (found.difference, cause(found)) == (-lag * KIB, expected)


def test_what_moved_meanwhile_is_no_disagreement() -> None:
    """The figure before and the figure after differ themselves."""
    one = sayings(ONE, before={"VmSize": 64 * KIB}, after={"VmSize": 128 * KIB})["virt status VmSize"]
    assert (one.difference, cause(one)) == (64 * KIB, "moved")
    assert cause(sayings(ONE, status="VmSize:\t 128 kB\n")["virt status VmSize"]) == "unexplained"
