"""Every total is divided into leaves that add up to it; what cannot be known is no leaf."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.analyse import account
from procmem.analyse.account import account_report
from procmem.model.raw import Refusal
from procmem.model.reports.account import AccountLeaf, AccountReport, Readings, Who
from tests.support.made_processes import made, record, smaps_texts
from tests.support.smaps_text import Record, smaps

NOTHING_BESIDE = Readings(None, None, None, None, frozenset())


def account_of(*records: Record) -> AccountReport:
    """The account of a process with these mappings."""
    return account_report(*made({"smaps": smaps(records)}), NOTHING_BESIDE)


@given(smaps_texts())
def test_leaves_add_up(text: bytes) -> None:
    """VIRT, RES, PSS and swap, to the byte; no leaf is negative, and they come in the order of the table."""
    report = account_report(*made({"smaps": text}), NOTHING_BESIDE)
    for of in ("virt", "rss", "pss", "swap"):
        assert sum(report.sums(of).values()) == getattr(report.totals, of), of
    assert all(leaf.size > 0 for leaf in report.leaves)
    order = [list(AccountLeaf).index(one.leaf) for one in report.leaves]
    assert order == sorted(order)


def test_anonymous_pages_are_dirty_first() -> None:
    """A private file mapping with 8 kB written to: those are the anonymous, dirty ones."""
    report = account_of(
        record(0x10000, 0x20000, "rw-p", b"/lib/x.so", Rss=24, Pss=24, Private_Dirty=8, Private_Clean=16, Anonymous=8)
    )
    assert report.sums("rss") == {"anonymous, private dirty": 8192, "file, private clean": 16384}
    assert report.sums("virt") == {"resident": 24576, "file, not resident": 0x10000 - 24576}


def test_what_was_given_back_is_no_copy_of_swap() -> None:
    """MADV_FREE leaves pages clean, and so in RES; of others that are clean swap has a copy."""

    def given_back(size: int) -> AccountReport:
        counters = {"Private_Dirty": 8, "Private_Clean": 24, "Shared_Clean": 8, "Anonymous": 40, "LazyFree": size}
        return account_of(record(0x10000, 0x20000, "rw-p", b"", Rss=40, Pss=40, **counters))

    report = given_back(16)
    kib = {"anonymous, private dirty": 8, "anonymous, private clean": 8, "anonymous, lazily freed": 16,
           "anonymous, shared clean": 8}  # fmt: skip
    assert report.sums("rss") == {name: size << 10 for name, size in kib.items()}
    report = given_back(28)
    assert report.sums("rss")["anonymous, shared clean"] == 4 << 10
    assert "anonymous, private clean" not in report.sums("rss")


def test_merged_pages_are_not_from_before_a_fork() -> None:
    """KSM shares equal pages of anybody: the kernel counts them as shared, and alone where no other is left."""

    def merged(**counters: int) -> dict[str, int]:
        report = account_of(record(0x10000, 0x20000, "rw-p", b"", Rss=40, Pss=40, Anonymous=40, **counters))
        return {name: size >> 10 for name, size in report.sums("rss").items()}

    assert merged(Shared_Dirty=40, KSM=40) == {"anonymous, merged": 40}
    parts = {"anonymous, private dirty": 16, "anonymous, shared dirty": 8, "anonymous, merged": 16}
    assert merged(Shared_Dirty=24, Private_Dirty=16, KSM=16) == parts
    assert merged(Private_Dirty=40, KSM=4) == {"anonymous, private dirty": 36, "anonymous, merged": 4}


@pytest.mark.parametrize(
    "counters",
    [
        {"Private_Dirty": 40},
        {"Private_Clean": 8, "Shared_Clean": 40},
        {"Anonymous": 400},
        {"Pss": 4, "Private_Clean": 24},
        {"Shared_Dirty": 8},
    ],
)
def test_counters_that_contradict_each_other_still_add_up(counters: dict[str, int]) -> None:
    """No kernel writes them, and yet a text may hold them."""
    report = account_of(record(0x10000, 0x20000, "rw-p", b"/lib/x.so", **{"Rss": 24, "Pss": 24, **counters}))
    for of in ("virt", "rss", "pss", "swap"):
        assert sum(report.sums(of).values()) == getattr(report.totals, of), of
    assert all(leaf.size > 0 for leaf in report.leaves)


def test_what_was_never_touched_is_told_by_what_is_behind_it() -> None:
    """An object of shared memory may have pages that this process never mapped; only a file waits on disk."""
    names = (b"/memfd:x (deleted)", b"/dev/zero (deleted)", b"/SYSV00000000 (deleted)", b"/dev/shm/x")
    for name in names:
        assert set(account_of(record(0x10000, 0x20000, "rw-s", name)).sums("virt")) == {"shmem, not resident"}, name
    assert set(account_of(record(0x10000, 0x20000)).sums("virt")) == {"never touched"}
    assert set(account_of(record(0x10000, 0x20000, "rw-s", b"/tmp/x")).sums("virt")) == {"file, not resident"}
    assert set(account_of(record(0x10000, 0x20000, "---p")).sums("virt")) == {"reserved"}


def test_swap_of_shared_memory_is_apart() -> None:
    """Status counts only the private part."""
    report = account_of(
        record(0x10000, 0x20000, "rw-p", Swap=8, SwapPss=8),
        record(0x30000, 0x40000, "rw-s", b"/memfd:x (deleted)", Swap=12),
    )
    assert report.sums("swap") == {"private": 8192, "shared memory": 12288}


def test_swap_of_a_private_mapping_of_shared_memory() -> None:
    """Own copies are its own, and what the object has in swap is not; VmSwap tells how many, where they are shared."""
    memfd = record(0x30000, 0x40000, "rw-p", b"/memfd:x (deleted)", Swap=40, SwapPss=8)
    assert account_of(memfd).sums("swap") == {"private": 8 << 10, "shared memory": 32 << 10}
    files = {"smaps": smaps([memfd]), "status": b"Name:\tx\nVmSize:\t64 kB\nVmSwap:\t16 kB\n"}
    report = account_report(*made(files), NOTHING_BESIDE)
    assert report.sums("swap") == {"private": 16 << 10, "shared memory": 24 << 10}
    (said,) = [one for one in report.reconciliation if one.who is Who.STATUS_VM_SWAP]
    assert said.cause is not None
    assert said.cause.code == "shared memory"


def test_gates_are_in_no_leaf() -> None:
    """VmSize leaves them out."""
    gate = record(0xFFFF_FFFF_FF60_0000, 0xFFFF_FFFF_FF60_1000, "--xp", b"[vsyscall]")
    assert account_of(record(0x10000, 0x20000, Rss=4, Pss=4, Private_Dirty=4, Anonymous=4), gate).totals.virt == 0x10000


def test_without_sizes_there_are_no_leaves() -> None:
    """Maps alone says what is mapped, not what is in memory."""
    shot, regions = made({"maps": b"00400000-00401000 r-xp 00000000 fe:00 12 /x\n", "smaps": Refusal.DENIED})
    report = account_report(shot, regions, NOTHING_BESIDE)
    assert (report.leaves, report.reconciliation, report.totals.rss) == ((), (), None)
    assert report.is_unread


@given(smaps_texts(), st.data())
def test_added_up_in_bulk_or_one_by_one(text: bytes, data: st.DataObject) -> None:
    """The same leaves, where some figures fit together and others do not."""
    lines = text.split(b"\n")
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[at].partition(b":")
        if colon and b" kB" in lines[at] and key != b"Size":
            lines[at] = b"%s:%s kB" % (key, b"%16d" % data.draw(st.integers(0, 2000)))
    bulk = account_report(*made({"smaps": b"\n".join(lines)}), NOTHING_BESIDE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(account, "_regular_rows", lambda *_: {})
        alone = account_report(*made({"smaps": b"\n".join(lines)}), NOTHING_BESIDE)
    assert bulk == alone


def test_figures_that_fit_together_are_added_up_in_bulk() -> None:
    """Else the test above would compare nothing."""
    shot, regions = made({"smaps": smaps([record(0x10000, 0x20000, Rss=8, Pss=8, Private_Dirty=8, Anonymous=8)])})
    assert shot is not None
    assert regions is not None
    assert list(account._regular_rows(regions, {0: [0]})) == [0]
    assert list(account._regular_rows(regions, {0: [0, 1]})) == []
