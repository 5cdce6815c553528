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


def test_who_says_what() -> None:
    """Each saying has its own file's figure: no two of them are the same here."""
    status = {"VmSize": 101, "VmRSS": 102, "VmSwap": 103, "RssAnon": 7, "RssFile": 11, "RssShmem": 13}
    rollup = {"Rss": 201, "Pss": 202, "Swap": 203, "Private_Clean": 17, "Private_Dirty": 19, "Private_Hugetlb": 23}
    files = {
        "smaps": smaps([ONE]),
        "status": b"Name:\tx\nState:\tS (x)\n",
        "statm": b"301 302 0 0 0 0 0\n",
        "stat": b"7 (x) S 1 7 7 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 5 401 402" + b" 0" * 28 + b"\n",
    }
    shot, regions = made(files)
    found = account_report(shot, regions, Readings(rollup, rollup, status, status, frozenset())).reconciliation
    sizes = {f"{one.measure} {one.who.value}": one.size for one in found}
    assert sizes == {
        "virt smaps Size": 64 * KIB,
        "virt status VmSize": 101,
        "virt statm size": 301 * 4096,
        "virt stat vsize": 401,
        "virt pmap Kbytes": 64 * KIB,
        "rss smaps Rss": 40 * KIB,
        "rss rollup Rss": 201,
        "rss status VmRSS": 102,
        "rss status Rss*": 31,
        "rss statm resident": 302 * 4096,
        "rss stat rss": 402 * 4096,
        "pss smaps Pss": 40 * KIB,
        "pss rollup Pss": 202,
        "uss smaps Private_*": 40 * KIB,
        "uss rollup Private_*": 36,
        "uss psutil uss": 59,
        "swap smaps Swap": 0,
        "swap rollup Swap": 203,
        "swap status VmSwap": 103,
    }


@pytest.mark.parametrize(
    ("kernel", "cpus", "slack_pages"),
    [
        ("6.15.0", 1, 3 * 32), ("6.15.0", 16, 3 * 32 * 16), ("6.15.0", 17, 3 * 34 * 17), ("6.2.0", 20, 3 * 40 * 20),
        ("6.1.0", 20, 3 * 64 * 2), ("6.15.0", None, 3 * 32), ("6.16.0", 20, 0), ("", 20, 0),
    ],
)  # fmt: skip
def test_how_far_counters_may_lag(kernel: str, cpus: int | None, slack_pages: int) -> None:
    """To the page: a batch of max(32, 2 * cpus) for each processor since 6.2, 64 pages for each thread before."""
    head = "Name:\tx\nState:\tS (sleeping)\nTgid:\t7\nThreads:\t2\n"
    big = record(0x100000, 0x20000000, Rss=400000, Pss=400000, Private_Dirty=400000, Anonymous=400000)
    for more, code in ((0, "counter" if slack_pages else None), (1, "unexplained")):
        text = head + f"VmRSS:\t {400000 - 4 * (slack_pages + more)} kB\n"
        shot, regions = made({"smaps": smaps([big]), "status": text.encode()}, kernel=kernel or None)
        shot = shot._replace(machine=shot.machine._replace(cpus=cpus))
        found = account_report(shot, regions, Readings(None, None, None, None, frozenset())).reconciliation
        [one] = [saying for saying in found if saying.who.value == "status VmRSS"]
        assert cause(one) == code


@pytest.mark.parametrize(
    ("kernel", "extra", "expected"),
    [
        ("4.11.0", 4, "guard page"),
        ("4.12.0", 4, "unexplained"),
        ("3.2.0", 4, "guard page"),
        ("4.11.0", 8, "unexplained"),
    ],
)
def test_vmsize_of_old_kernels_counts_the_guard_page(kernel: str, extra: int, expected: str) -> None:
    """Of the stack, until 4.12: one page."""
    one = sayings(ONE, status=f"VmSize:\t {64 + extra} kB\n", kernel=kernel)["virt status VmSize"]
    assert cause(one) == expected


def test_the_figure_that_moved_most_is_told() -> None:
    """Of status and rollup; private pages of both sorts together."""
    before, after = {"VmRSS": 40 * KIB, "VmSwap": 0}, {"VmRSS": 48 * KIB, "VmSwap": 4 * KIB}
    first = {"Rss": 40, "Pss": 7, "Swap": 9, "Private_Clean": 10, "Private_Dirty": 20}
    last = {"Rss": 44, "Pss": 4, "Swap": 9, "Private_Clean": 15, "Private_Dirty": 10}
    head = b"Name:\tx\nState:\tS (x)\n"
    shot, regions = made({"smaps": smaps([ONE]), "status": head})
    found = account_report(shot, regions, Readings(first, last, before, after, frozenset())).reconciliation
    moved = {
        f"{one.measure} {one.who.value}": one.cause.figures["moved"]
        for one in found
        if one.cause is not None and one.cause.code == "moved"
    }
    assert moved == {
        "rss rollup Rss": 8 * KIB,
        "rss status VmRSS": 8 * KIB,
        "pss rollup Pss": 3,
        "uss rollup Private_*": 15,
        "uss psutil uss": 15,
        "swap rollup Swap": 4 * KIB,
        "swap status VmSwap": 4 * KIB,
    }
