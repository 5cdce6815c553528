"""The machine's memory: each rule by a case worked out by hand, and the books right after any sequence."""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procmem.model.simulated_memory import AccessOutcome, MemorySettings, Paging, SimMemory
from procmem.model.simulation import PAGE, AreaRole, Settings, SimSpace, SimVma, VmBit
from procmem.simulate.arch.layout import layout_for
from procmem.simulate.arch.page_entries import ZERO_FRAME, Pte, frame_of, is_held, is_swapped, slot_of
from procmem.simulate.kernel import faults
from procmem.simulate.kernel.events import Event, Map, Protect, SetBrk, Unmap
from procmem.simulate.kernel.memory import cost, pss_of, run, step
from procmem.simulate.kernel.memory_events import (
    Access,
    Advice,
    Advise,
    Begin,
    Do,
    End,
    ForkAs,
    MemoryEvent,
    ReadFile,
    Settle,
    SwapOff,
)

STACK = SimVma(0xBFFDF000, 0xC0000000, "rw-p", 0, b"", VmBit.GROWSDOWN | VmBit.ACCOUNT, anon=1)
AT = 0x80000000
N = 1000
MIB = 1 << 20


def space() -> SimSpace:
    layout = layout_for(Settings(), read_implies_exec=False)
    return SimSpace(layout, (STACK,), start_brk=0x8050000, brk=0x8050000, start_stack=0xBFFFFF00)


def begun(*events: MemoryEvent, **knobs: object) -> SimMemory:
    memory = SimMemory(MemorySettings(**knobs))  # type: ignore[arg-type]
    return run(memory, (Begin(1, space()), *events))


def mapped(pages: int = N, name: bytes = b"", perms: str = "rw-", flags: int = 0, at: int = AT) -> Do:
    return Do(1, Map(pages * PAGE, perms, at, fixed=True, name=name, flags=flags))


def write(pages: int = N, first: int = 0, pid: int = 1) -> Access:
    return Access(pid, AT + first * PAGE, pages * PAGE, write=True)


def read(pages: int = N, first: int = 0, pid: int = 1) -> Access:
    return Access(pid, AT + first * PAGE, pages * PAGE)


def test_memory_comes_with_the_first_touch() -> None:
    """1000 pages asked for cost nothing; written, 1000 faults and 4000 KiB; once more, nothing."""
    asked = begun(mapped())
    assert cost(asked, 1)[1:] == (STACK.size + N * PAGE, 0, 0, 0, 0, 0, 0, 0, 0)
    written = run(asked, [write(), write()])
    assert (cost(written, 1).rss_anon, cost(written, 1).minor) == (N * PAGE, N)


def test_reading_first_maps_the_page_of_zeros() -> None:
    """1000 faults and nothing in RSS; the write is another 1000."""
    seen = begun(mapped(), read())
    assert (cost(seen, 1).rss, cost(seen, 1).minor) == (0, N)
    assert {frame_of(entry) for entry in seen.processes[1].entries.values()} == {ZERO_FRAME}
    seen = step(seen, write())
    assert (cost(seen, 1).rss_anon, cost(seen, 1).minor) == (N * PAGE, 2 * N)


@pytest.mark.parametrize(("at", "windows"), [(AT, 63), (AT + 9 * PAGE, 64)])
def test_fault_around_maps_windows_of_the_address(at: int, windows: int) -> None:
    """1000 pages are 62.5 windows of 16: 63 of them touched when aligned, 64 when 9 pages off (7 + 62 x 16 + 1)."""
    memory = begun(ReadFile(b"/f", N), mapped(name=b"/f", perms="r--", at=at), Access(1, at, N * PAGE))
    assert (cost(memory, 1).minor, cost(memory, 1).major, cost(memory, 1).rss_file) == (windows, 0, N * PAGE)


def test_a_file_that_is_not_cached_is_read_with_major_faults() -> None:
    """128 KiB at a time: 1000 pages are 32 readings."""
    memory = begun(mapped(name=b"/f", perms="r--"), read())
    assert cost(memory, 1).major == 32


def test_private_and_shared_writes_to_a_file() -> None:
    """Private: a copy each, in RssAnon; shared: the file's own page."""
    private = begun(ReadFile(b"/f", N), mapped(name=b"/f"), write())
    assert cost(private, 1)[2:5] == (N * PAGE, 0, 0)
    shared = begun(ReadFile(b"/f", N), mapped(name=b"/f", flags=VmBit.SHARED), write())
    assert cost(shared, 1)[2:5] == (0, N * PAGE, 0)
    assert (cost(private, 1).minor, cost(shared, 1).minor) == (N, N)


def test_fork_shares_until_somebody_writes() -> None:
    """Pss 4000, 2000 in each, 2600 after the child wrote 300, 2800 after the parent wrote 100, 4000 alone again."""
    memory = run(begun(mapped(), write()), [ForkAs(1, 2)])
    assert [cost(memory, pid).pss for pid in (1, 2)] == [2000 << 10] * 2
    memory = step(memory, write(300, pid=2))
    assert [cost(memory, pid).pss for pid in (1, 2)] == [2600 << 10] * 2
    memory = step(memory, write(100, first=300))
    assert [cost(memory, pid).pss for pid in (1, 2)] == [2800 << 10] * 2
    memory = step(memory, End(2))
    assert (cost(memory, 1).pss, cost(memory, 1).rss) == (4000 << 10, 4000 << 10)
    used = memory.used_pages
    memory = step(memory, write())
    assert cost(memory, 1).minor == N + 100 + 900  # 900 are still read-only, and reused without a copy
    assert memory.used_pages == used


def test_shared_memory_is_one_memory() -> None:
    """Shared anonymous memory survives a fork as one set of pages."""
    memory = begun(mapped(flags=VmBit.SHARED), write(), ForkAs(1, 2), write(pid=2), write(1, pid=2))
    assert (cost(memory, 1).rss_shmem, cost(memory, 1).pss, cost(memory, 2).pss) == (4000 << 10, 2000 << 10, 2000 << 10)
    assert run(memory, [End(1), End(2)]).used_pages == 0


def test_advice() -> None:
    """DONTNEED gives back at once; FREE when memory is short; POPULATE takes without a fault."""
    memory = begun(mapped(), write(), Advise(1, AT, N * PAGE, Advice.DONTNEED))
    assert (cost(memory, 1).rss, cost(memory, 1).minor) == (0, N)
    memory = begun(mapped(), Advise(1, AT, N * PAGE, Advice.POPULATE), write())
    assert (cost(memory, 1).rss, cost(memory, 1).minor) == (N * PAGE, 0)
    memory = begun(mapped(), write(), Advise(1, AT, N * PAGE, Advice.FREE), write(100), ram=6 * MIB, swap=0)
    assert cost(memory, 1).rss == N * PAGE
    memory = run(memory, [mapped(at=AT + 64 * MIB), Access(1, AT + 64 * MIB, N * PAGE, write=True)])
    assert memory.outcome is AccessOutcome.DONE
    assert cost(memory, 1).rss < 2 * N * PAGE
    kept = memory.processes[1].entries
    assert all(AT // PAGE + page in kept for page in range(100))


def test_page_tables_cost_by_the_kind_of_paging() -> None:
    """Three regions of 4 MiB: 12 KiB; PAE six of 2 MiB and 12 KiB; x86-64 one of 1 GiB, six, and one above."""
    for paging, size in ((Paging.TWO_LEVEL, 12), (Paging.PAE, 12 + 24), (Paging.COMPAT, 4 + 4 + 24)):
        memory = begun(mapped(3072), write(3072), paging=paging)
        assert cost(memory, 1).page_tables == size << 10
        assert cost(step(memory, Do(1, Unmap(AT, 3072 * PAGE))), 1).page_tables in (0, 12 << 10, 4 << 10)


def test_huge_pages_save_faults_not_memory() -> None:
    """1000 pages with one aligned 2 MiB inside: 1000 - 512 + 1 faults."""
    memory = begun(
        Do(1, Map(N * PAGE, "rw-", AT + 300 * PAGE, fixed=True)), write(N, first=300), thp=True, paging=Paging.PAE
    )
    assert (cost(memory, 1).minor, cost(memory, 1).rss) == (489, N * PAGE)


def test_swap_and_back() -> None:
    """Out by advice; at once back: minor. Once the copy is gone: N / 8 major; cluster 0: all major."""
    out = begun(mapped(), write(), Advise(1, AT, N * PAGE, Advice.PAGEOUT))
    assert (cost(out, 1).rss, cost(out, 1).swap) == (0, N * PAGE)
    back = step(out, read())
    assert (cost(back, 1).minor - N, cost(back, 1).major, cost(back, 1).swap) == (N, 0, 0)
    back = run(out, [Settle(), read()])
    assert cost(back, 1).major in (125, 126)
    assert cost(back, 1).minor + cost(back, 1).major == 2 * N
    back = begun(mapped(), write(), Advise(1, AT, N * PAGE, Advice.PAGEOUT), Settle(), read(), page_cluster=0)
    assert (cost(back, 1).major, cost(back, 1).minor) == (N, N)


def test_swapoff_brings_everything_back() -> None:
    """Without a fault of the program; and then nothing can be swapped any more."""
    memory = begun(mapped(), write(), Advise(1, AT, N * PAGE, Advice.PAGEOUT), Settle(), SwapOff())
    assert (cost(memory, 1).rss, cost(memory, 1).swap, cost(memory, 1).minor, cost(memory, 1).major) == (
        N * PAGE,
        0,
        N,
        0,
    )
    assert cost(step(memory, Advise(1, AT, N * PAGE, Advice.PAGEOUT)), 1).swap == 0


def test_more_than_memory_swaps_and_then_thrashes() -> None:
    """24 MiB in 16 MiB: about 8 MiB go out; going round again brings every page back from swap."""
    pages = 24 * MIB // PAGE
    memory = begun(mapped(pages), write(pages), ram=16 * MIB, page_cluster=0, group=True)
    assert 8 * MIB <= cost(memory, 1).swap <= 9 * MIB
    again = step(memory, write(pages))
    assert cost(again, 1).major > pages * 0.9
    fits = begun(mapped(N), write(N), write(N), ram=16 * MIB)
    assert cost(fits, 1).major == 0


def test_swappiness_0_in_a_group_is_no_swap_and_the_killer_comes() -> None:
    """And 1 swaps as 60 does; on the whole machine 0 swaps too, when files are gone."""
    pages = 24 * MIB // PAGE
    for swappiness, group, outcome in (
        (0, True, AccessOutcome.OOM),
        (1, True, AccessOutcome.DONE),
        (0, False, AccessOutcome.DONE),
    ):
        memory = begun(mapped(pages), write(pages), ram=16 * MIB, swappiness=swappiness, group=group)
        assert memory.outcome is outcome
    assert begun(mapped(pages), write(pages), ram=16 * MIB, swap=0).killed == 1


@pytest.mark.parametrize(("swappiness", "swapped"), [(0, 0), (1, 0), (60, 0), (100, 0), (200, 16 * MIB)])
def test_a_large_cold_cache_goes_first(swappiness: int, swapped: int) -> None:
    """96 MiB streamed past 16 MiB in 64 MiB push none of it out, unless files have no weight at all."""
    pages = 16 * MIB // PAGE
    stream = ReadFile(b"/f", 96 * MIB // PAGE)
    memory = begun(mapped(pages), write(pages), stream, ram=64 * MIB, swappiness=swappiness)
    assert cost(memory, 1).swap == swapped


def test_past_a_small_cache_the_weight_decides() -> None:
    """The same past 12 MiB in 16 MiB: none with 0, and more with 60 than with 1."""
    pages = 12 * MIB // PAGE
    swapped = []
    for swappiness in (0, 1, 60):
        stream = ReadFile(b"/f", 96 * MIB // PAGE)
        swapped.append(cost(begun(mapped(pages), write(pages), stream, ram=16 * MIB, swappiness=swappiness), 1).swap)
    assert swapped[0] == 0
    assert swapped[0] <= swapped[1] < swapped[2]


def test_a_weight_between_files_in_use_and_memory() -> None:
    """Where the cache is in use, a higher swappiness swaps more."""
    swapped = []
    for swappiness in (0, 60, 100, 200):
        pages = 8 * MIB // PAGE
        memory = begun(
            mapped(pages),
            write(pages),
            ReadFile(b"/f", 1024),
            ReadFile(b"/f", 1024),
            ram=16 * MIB,
            swappiness=swappiness,
        )
        more = Map(8 * MIB, "rw-", AT + 64 * MIB, fixed=True)
        memory = run(memory, [Do(1, more), Access(1, AT + 64 * MIB, 6 * MIB, write=True)])
        swapped.append(cost(memory, 1).swap)
    assert swapped == sorted(swapped)
    assert swapped[0] < swapped[-1]


def test_rights_and_faults() -> None:
    """The codes of layout32.md: 4, 6, 7; a PROT_NONE page keeps its frame but lets nobody in."""
    memory = begun(mapped())
    assert step(memory, Access(1, 0x70000000)).error_code == 4
    assert step(memory, Access(1, 0x70000000, write=True)).error_code == 6
    memory = run(memory, [write(), Do(1, Protect(AT, N * PAGE, "r--"))])
    denied = step(memory, write(1))
    assert (denied.outcome, denied.error_code) == (AccessOutcome.SIGSEGV, 7)
    shut = step(memory, Do(1, Protect(AT, N * PAGE, "---")))
    assert (step(shut, read(1)).error_code, cost(shut, 1).rss) == (4, N * PAGE)
    opened = run(shut, [Do(1, Protect(AT, N * PAGE, "rw-")), write()])
    assert (opened.outcome, cost(opened, 1).rss) == (AccessOutcome.DONE, N * PAGE)


def test_the_stack_grows_by_touching_and_is_counted() -> None:
    """One page deep below: the area grows, one page is in memory."""
    memory = begun(Access(1, 0xBFF00000, write=True))
    assert cost(memory, 1).rss_anon == PAGE
    assert memory.processes[1].space.vmas[-1].start == 0xBFF00000


# any sequence


_PIDS = st.sampled_from([1, 1, 1, 2, 3])
_PLACES = st.integers(0, 60).map(lambda page: AT + page * PAGE)
_LENGTHS = st.integers(1, 40).map(lambda pages: pages * PAGE)
_KINDS = st.sampled_from([(b"", 0), (b"", VmBit.SHARED), (b"/f", 0), (b"/f", VmBit.SHARED), (b"/SYSV0", VmBit.SHARED)])


def _mapping(pid: int, at: int, length: int, kind: tuple[bytes, int], perms: str) -> MemoryEvent:
    return Do(pid, Map(length, perms, at, fixed=True, name=kind[0], flags=kind[1]))


def _calls(pid: int, event: Event) -> MemoryEvent:
    return Do(pid, event)


_ROLES = st.none() | st.sampled_from(list(AreaRole))
_RIGHTS = st.sampled_from(["rw-", "rw-", "r--", "---", "rwx"])
_EVENTS: st.SearchStrategy[MemoryEvent] = st.one_of(
    st.builds(_mapping, _PIDS, _PLACES, _LENGTHS, _KINDS, _RIGHTS),
    st.builds(Access, _PIDS, _PLACES, _LENGTHS, st.booleans()),
    st.builds(Access, _PIDS, _PLACES, _LENGTHS, st.booleans()),
    st.builds(Advise, _PIDS, _PLACES, _LENGTHS, st.sampled_from(list(Advice))),
    st.builds(_calls, _PIDS, st.builds(Unmap, _PLACES, _LENGTHS)),
    st.builds(_calls, _PIDS, st.builds(Protect, _PLACES, _LENGTHS, _RIGHTS, role=_ROLES)),
    st.builds(_calls, _PIDS, st.integers(0x8050000, 0x8070000).map(SetBrk)),
    st.builds(ReadFile, st.just(b"/f"), st.integers(1, 40)),
    st.just(Settle()),
    st.just(SwapOff()),
)


@st.composite
def _scripts(draw: st.DrawFn) -> list[MemoryEvent]:
    """Events of up to three processes; a fork or an end now and then."""
    events: list[MemoryEvent] = [Begin(1, space()), Do(1, Map(40 * PAGE, "rw-", AT, fixed=True))]
    alive = {1}
    for event in draw(st.lists(_EVENTS, max_size=25)):
        events.append(event)
        missing = {2, 3} - alive
        if missing and draw(st.integers(0, 4)) == 0:
            child = min(missing)
            events.append(ForkAs(1, child))
            alive.add(child)
        elif len(alive) > 1 and draw(st.integers(0, 9)) == 0:
            events.append(End(max(alive)))
            alive.remove(max(alive))
    return events


_MACHINES = st.builds(
    MemorySettings,
    ram=st.sampled_from([60, 100, 4000]).map(lambda pages: pages * PAGE),
    swap=st.sampled_from([0, 20, 400]).map(lambda pages: pages * PAGE),
    page_cluster=st.integers(0, 3),
    swappiness=st.sampled_from([0, 1, 60, 100, 200]),
    paging=st.sampled_from(list(Paging)),
    group=st.booleans(),
)


def _check(memory: SimMemory) -> None:
    held: Counter[int] = Counter()
    named: Counter[int] = Counter()
    for pid, process in memory.processes.items():
        rss = swap = 0
        for page, entry in process.entries.items():
            assert is_held(entry) != is_swapped(entry), "present and swapped, or neither"
            region = page >> memory.settings.paging.table_bits
            assert region in process.tables
            for level in range(1, memory.settings.paging.middle_levels + 1):
                assert (level, region >> 9 * level) in process.middle
            if is_swapped(entry):
                named[slot_of(entry)] += 1
                swap += 1
            elif frame_of(entry) != ZERO_FRAME:
                assert pid << 45 | page in memory.maps[frame_of(entry)]
                held[frame_of(entry)] += 1
                rss += 1
            vma = next(vma for vma in process.space.vmas if vma.end > page * PAGE)
            assert vma.start <= page * PAGE, "a page without an area"
            if entry & Pte.WRITE and frame_of(entry) != ZERO_FRAME and not vma.flags & VmBit.SHARED:
                assert len(memory.maps[frame_of(entry)]) == 1, "a private page that two can write"
                assert memory.owner[frame_of(entry)] is None, "a private write into a file"
        assert cost(memory, pid).rss == rss * PAGE
        assert cost(memory, pid).swap == swap * PAGE
    assert all(len(users) == held[frame] for frame, users in memory.maps.items())
    assert {slot: count for slot, count in memory.slots.items() if count} == dict(named)
    tables = [f for one in memory.processes.values() for f in (*one.tables.values(), *one.middle.values(), *one.roots)]
    everything = [*memory.maps, *tables, *memory.free_frames]
    assert len(everything) == len(set(everything)), "a frame that is two things"
    assert len(memory.maps) + len(tables) == memory.used_pages <= memory.settings.ram // PAGE
    assert sorted(frame for part in memory.lists for frame in part) == sorted(memory.maps)
    slots = [*named, *memory.shmem_slots.values(), *memory.free_slots]
    assert len(slots) == len(set(slots))
    assert len(slots) == memory.next_slot - 1, "a swap slot was lost"
    shares = sum((pss_of(memory, pid) for pid in memory.processes), Fraction(0))
    assert shares == PAGE * len(held), "PSS does not add up to what is in memory"


@settings(max_examples=250, deadline=None)
@given(_MACHINES, _scripts())
def test_the_books_are_right_after_any_sequence(machine: MemorySettings, events: list[MemoryEvent]) -> None:
    """Frames, references, RSS, PSS, swap; and the end of all processes frees all but the page cache."""
    memory = SimMemory(machine)
    for event in events:
        memory = step(memory, event)
        _check(memory)
    ended = run(memory, [End(pid) for pid in memory.processes])
    assert ended.used_pages == len(ended.cache)
    assert not any(ended.slots.values())
    assert ended.next_slot - 1 == len(ended.free_slots) + len(ended.shmem_slots)


@settings(max_examples=60, deadline=None)
@given(_MACHINES, _scripts())
def test_many_events_at_once_are_the_same_as_one_by_one(machine: MemorySettings, events: list[MemoryEvent]) -> None:
    """And a step leaves the memory that it was given untouched."""
    memory = first = SimMemory(machine)
    for event in events:
        memory = step(memory, event)
    whole = run(first, events)
    assert whole._replace(trace=()) == memory._replace(trace=())
    assert first == SimMemory(machine)


@settings(max_examples=60, deadline=None)
@given(_MACHINES, _scripts())
def test_unmapping_everything_frees_everything(machine: MemorySettings, events: list[MemoryEvent]) -> None:
    """No anonymous page, no page table and no swap stays with a process that has no area."""
    memory = run(SimMemory(machine), events)
    for pid in memory.processes:
        memory = step(memory, Do(pid, Unmap(0, 0xC0000000)))
        process = memory.processes[pid]
        assert (dict(process.entries), dict(process.tables), cost(memory, pid).rss) == ({}, {}, 0)


_TOUCHES = st.lists(st.tuples(st.integers(0, 1200), st.integers(1, 1200), st.booleans()), max_size=3)


@settings(max_examples=40)
@given(_MACHINES, _scripts(), _TOUCHES)
def test_first_writes_at_once_are_the_same_as_one_by_one(
    machine: MemorySettings, events: list[MemoryEvent], touches: list[tuple[int, int, bool]]
) -> None:
    """Every frame, reference and place on a list, where memory is plenty and where it is short."""
    more = [Access(1, AT + first * PAGE, pages * PAGE, writes) for first, pages, writes in touches]
    script = [events[0], mapped(2400), *more[:2], *events[1:], *more[2:]]
    assert isinstance(events[0], Begin)
    at_once = run(SimMemory(machine), script)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(faults, "_first_writes", lambda *_: 0)
        one_by_one = run(SimMemory(machine), script)
    assert at_once == one_by_one
    assert list(map(list, at_once.lists)) == list(map(list, one_by_one.lists))
    assert list(at_once.maps) == list(one_by_one.maps)


@pytest.mark.parametrize("paging", Paging)
def test_first_writes_up_to_the_last_free_frame(paging: Paging, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page tables that are made on the way take frames as well: reclaim begins at the same page."""
    for pages in range(35, 61):
        events = (mapped(64), write(pages))
        at_once = begun(*events, ram=60 * PAGE, paging=paging)
        with monkeypatch.context() as patch:
            patch.setattr(faults, "_first_writes", lambda *_: 0)
            assert at_once == begun(*events, ram=60 * PAGE, paging=paging), pages


def test_first_writes_are_answered_a_table_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above would compare nothing with itself."""
    answered: list[int] = []
    answer = faults._first_writes

    def counted(*words: object) -> int:
        answered.append(answer(*words))  # type: ignore[arg-type]
        return answered[-1]

    monkeypatch.setattr(faults, "_first_writes", counted)
    begun(mapped(3000), write(3000), ram=64 * MIB)
    table = 1 << MemorySettings().paging.table_bits
    assert answered == [table] * (3000 // table) + [3000 % table]


def test_swapoff_without_room_is_killed_itself() -> None:
    """What came back stays, what did not is still out, and no process pays for it (set_current_oom_origin())."""
    script: list[MemoryEvent] = [mapped(300), write(94), mapped(40), Do(1, Unmap(AT, PAGE)), ForkAs(1, 2), ForkAs(1, 3)]
    script += [Do(1, SetBrk(0x8050000 + MIB)), End(3), Settle(), ForkAs(1, 3), SwapOff(), End(3), ForkAs(1, 3)]
    memory = begun(ram=60 * PAGE, swap=400 * PAGE, page_cluster=0, swappiness=0, paging=Paging.TWO_LEVEL)
    for event in script:
        alive = set(memory.processes)
        memory = step(memory, event)
        _check(memory)
        if isinstance(event, SwapOff):
            assert (memory.outcome, memory.killed) == (AccessOutcome.OOM, None)
            assert set(memory.processes) == alive
            assert memory.settings.swap == 400 * PAGE
            assert any(process.swap_pages for process in memory.processes.values())
