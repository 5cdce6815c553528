"""The machine by itself: each kernel rule by a case worked out by hand, and what must hold for any sequence."""

from hypothesis import given, settings
from hypothesis import strategies as st

from procmem.model.simulation import PAGE, Settings, SimSpace, SimVma, VmBit
from procmem.simulate.arch.layout import layout_for
from procmem.simulate.kernel.events import (
    EEXIST,
    EFAULT,
    EINVAL,
    ENOMEM,
    CloneThread,
    Event,
    Exit,
    Fork,
    Map,
    Protect,
    SetBrk,
    Touch,
    Unmap,
)
from procmem.simulate.kernel.machine import failed, step
from procmem.simulate.kernel.naming import named

BASE = 0xB8000000
STACK = SimVma(0xBFFDF000, 0xC0000000, "rw-p", 0, b"", VmBit.GROWSDOWN | VmBit.ACCOUNT, anon=1)


def _space(**changes: object) -> SimSpace:
    layout = layout_for(Settings(), read_implies_exec=False)._replace(**changes)  # type: ignore[arg-type]
    return SimSpace(layout, (STACK,), start_brk=0x8050000, brk=0x8050000, start_stack=0xBFFFFF00)


def _run(space: SimSpace, *events: Event) -> SimSpace:
    for event in events:
        space = step(space, event)
    return space


def _lines(space: SimSpace) -> list[tuple[int, int, str]]:
    return [(vma.start, vma.end, vma.perms) for vma in space.vmas if not vma.grows_down]


def test_top_down_takes_the_end_of_the_highest_gap_that_fits() -> None:
    """A hole is filled from its upper end; what does not fit goes further down."""
    space = _run(_space(), Map(4 * PAGE, "r--"), Map(2 * PAGE, "rw-"), Map(PAGE, "r-x"))
    space = step(space, Unmap(BASE - 4 * PAGE, 3 * PAGE))
    space = step(space, Map(PAGE, "---"))
    assert space.registers.eax == BASE - 2 * PAGE
    space = step(space, Map(3 * PAGE, "---"))
    assert space.registers.eax == BASE - 7 * PAGE - 3 * PAGE


def test_bottom_up_takes_the_start_of_the_lowest_gap() -> None:
    """The legacy layout begins at a third of the space and goes up."""
    space = _run(_space(top_down=False), Map(PAGE, "r--"), Map(PAGE, "rw-"))
    assert _lines(space) == [(0x40000000, 0x40001000, "r--p"), (0x40001000, 0x40002000, "rw-p")]


def test_a_full_mapping_area_goes_on_bottom_up() -> None:
    """What does not fit below mmap_base is looked for above the legacy base, below the stack's gap."""
    space = step(_space(mmap_base=0x20000000), Map(0x1FFF0000, "---"))
    assert space.registers.eax == 0x20000000 - 0x1FFF0000
    space = step(space, Map(0x100000, "rw-"))
    assert space.registers.eax == 0x40000000
    assert step(space, Map(0x90000000, "rw-")).registers.eax == -ENOMEM


def test_a_hint_is_taken_where_it_is_free() -> None:
    """A hint is rounded to a page; where something lies it is as if none were given."""
    space = step(_space(), Map(PAGE, address=0x50000123))
    assert space.registers.eax == 0x50000000
    assert step(space, Map(PAGE, address=0x50000000)).registers.eax == BASE - PAGE
    near_stack = step(space, Map(PAGE, address=STACK.start - PAGE))
    assert near_stack.registers.eax == BASE - PAGE, "a stack begins one guard gap lower for those who look for room"


def test_fixed_mappings_replace_and_fixed_no_replace_refuses() -> None:
    """MAP_FIXED cuts out what was there; MAP_FIXED_NOREPLACE gives EEXIST."""
    space = step(_space(), Map(3 * PAGE, "rw-"))
    start = space.registers.eax
    space = step(space, Map(PAGE, "r--", start + PAGE, fixed=True))
    assert [perms for _start, _end, perms in _lines(space)] == ["rw-p", "r--p", "rw-p"]
    assert step(space, Map(PAGE, "r--", start, no_replace=True)).registers.eax == -EEXIST
    assert step(space, Map(PAGE, "r--", 0xC0000000, fixed=True)).registers.eax == -ENOMEM
    assert step(space, Map(0)).registers.eax == -EINVAL


def test_neighbours_of_one_kind_become_one() -> None:
    """Anonymous neighbours merge; a file's parts only where the offsets go on."""
    assert _lines(_run(_space(), Map(PAGE), Map(PAGE))) == [(BASE - 2 * PAGE, BASE, "rw-p")]
    parts = _run(_space(), Map(PAGE, "r--", name=b"/f", offset=PAGE), Map(PAGE, "r--", name=b"/f"))
    assert len(_lines(parts)) == 1
    assert parts.vmas[0].offset == 0
    apart = _run(_space(), Map(PAGE, "r--", name=b"/f", offset=0), Map(PAGE, "r--", name=b"/f", offset=PAGE))
    assert len(_lines(apart)) == 2
    assert len(_lines(_run(_space(), Map(PAGE, flags=VmBit.NOHUGEPAGE), Map(PAGE)))) == 2


def test_the_accounting_flag_outlives_the_right_to_write() -> None:
    """A part that was writable never joins the read-only part before it, though the offsets go on (RELRO)."""
    space = _run(_space(), Map(2 * PAGE, "r--", name=b"/f"))
    start = space.registers.eax
    space = _run(space, Map(PAGE, "rw-", start + PAGE, fixed=True, name=b"/f", offset=PAGE))
    space = step(space, Protect(start + PAGE, PAGE, "r--"))
    assert len(_lines(space)) == 2


def test_memory_written_apart_stays_apart() -> None:
    """Two anonymous areas that were written before they met have different lists of sharers."""
    space = step(_space(), Map(3 * PAGE))
    low = space.registers.eax
    space = _run(space, Touch(low), Unmap(low + PAGE, PAGE), Map(PAGE))
    assert len(_lines(space)) == 1, "the hole is filled again and all is one"
    space = _run(_space(), Map(PAGE), Map(PAGE, "---"), Map(PAGE))
    first, last = BASE - PAGE, BASE - 3 * PAGE
    space = _run(space, Touch(first), Touch(last), Unmap(BASE - 2 * PAGE, PAGE), Map(PAGE))
    assert len(_lines(space)) == 2


def test_protection_splits_and_joins() -> None:
    """Changing rights in the middle makes three VMAs, and back again one."""
    space = step(_space(), Map(3 * PAGE))
    start = space.registers.eax
    split = step(space, Protect(start + PAGE, PAGE, "r--"))
    assert [perms for _start, _end, perms in _lines(split)] == ["rw-p", "r--p", "rw-p"]
    assert len(_lines(step(split, Protect(start + PAGE, PAGE, "rw-")))) == 1
    assert step(space, Protect(start + PAGE, 3 * PAGE, "r--")).registers.eax == -ENOMEM
    assert step(space, Protect(start + 1, PAGE, "r--")).registers.eax == -EINVAL


def test_memory_that_was_never_written_is_given_back_by_mprotect() -> None:
    """Made read-only untouched, private memory is no longer accounted, so it can join read-only memory."""
    space = _run(_space(), Map(PAGE, "r--"), Map(PAGE, "rw-"))
    low = space.registers.eax
    assert len(_lines(step(space, Protect(low, PAGE, "r--")))) == 1
    assert len(_lines(_run(space, Touch(low), Protect(low, PAGE, "r--")))) == 2


def test_the_heap_is_one_area_that_never_joins_the_bss() -> None:
    """The call brk makes [heap] at start_brk; growing extends it, shrinking to nothing removes it."""
    bss = SimVma(0x804F000, 0x8050000, "rw-p", 0, b"", VmBit.ACCOUNT)
    space = _space()._replace(vmas=(bss, STACK))
    space = _run(space, SetBrk(0x8051000), SetBrk(0x8053010))
    assert _lines(space) == [(0x804F000, 0x8050000, "rw-p"), (0x8050000, 0x8054000, "rw-p")]
    assert [vma.name for vma in named(space)] == [b"", b"[heap]", b"[stack]"]
    older = space._replace(layout=space.layout._replace(heap_label_inclusive=True))
    assert [vma.name for vma in named(older)] == [b"[heap]", b"[heap]", b"[stack]"]
    assert _lines(step(space, SetBrk(0x8050000))) == [(0x804F000, 0x8050000, "rw-p")]


def test_brk_keeps_its_distance() -> None:
    """One page must stay free before the next mapping, a guard gap before a stack; below start_brk is refused."""
    space = step(_space(), Map(PAGE, "r--", 0x8060000, fixed=True))
    assert step(space, SetBrk(0x805F000)).registers.eax == 0x805F000
    assert step(space, SetBrk(0x805F001)).registers.eax == 0x8050000
    assert step(space, SetBrk(0x804F000)).registers.eax == 0x8050000
    space = _space()
    room = STACK.start - space.layout.guard_gap - PAGE
    assert step(space, SetBrk(room)).registers.eax == room
    assert step(space, SetBrk(room + 1)).registers.eax == 0x8050000


def test_the_stack_grows_to_the_page_touched_and_not_beyond_its_limit() -> None:
    """Growth is one step to the page of the fault; one byte beyond the limit is a fault."""
    space = step(_space(), Touch(0xBFF12345))
    assert space.vmas[-1].start == 0xBFF12000
    assert not failed(step(space, Touch(0xC0000000 - (8 << 20))))
    assert step(space, Touch(0xC0000000 - (8 << 20) - 1)).registers.eax == -EFAULT


def test_the_stack_keeps_its_guard_gap_to_what_lies_below() -> None:
    """A mapping below stops growth a guard gap above it; one without any right is itself a guard."""
    below = 0xBFC00000
    space = step(_space(), Map(PAGE, "rw-", below, fixed=True))
    gap = space.layout.guard_gap
    assert not failed(step(space, Touch(below + PAGE + gap)))
    assert step(space, Touch(below + PAGE + gap - 1)).registers.eax == -EFAULT
    shut = step(_space(), Map(PAGE, "---", below, fixed=True))
    assert not failed(step(shut, Touch(below + PAGE)))


def test_access_needs_a_right() -> None:
    """Unmapped and inaccessible memory fault, so does writing to read-only memory."""
    space = step(_space(), Map(PAGE, "r--"))
    at = space.registers.eax
    assert step(space, Touch(at)).registers.eax == -EFAULT
    assert not failed(step(space, Touch(at, write=False)))
    assert step(space, Touch(at - PAGE)).registers.eax == -EFAULT
    assert step(space, Touch(0xC0000000)).registers.eax == -EFAULT


def test_read_implies_exec_reaches_every_mapping_that_can_be_read() -> None:
    """The right x is added to whatever asks for r, and to the heap; memory without rights stays without."""
    space = _run(_space(read_implies_exec=True), Map(PAGE, "r--"), Map(PAGE, "---"), SetBrk(0x8051000))
    assert [perms for _start, _end, perms in _lines(space)] == ["rwxp", "---p", "r-xp"]


def test_threads_forks_and_the_end() -> None:
    """A thread and a fork change no mapping; the end takes all."""
    space = step(_space(), Map(PAGE))
    assert _run(space, CloneThread(), Fork()).vmas == space.vmas
    assert step(space, CloneThread()).threads == 2
    assert step(space, Exit()).vmas == ()


_PAGES = st.integers(1, 40)
_PLACES = st.integers(0x7F00, 0x7F80).map(lambda page: page * PAGE)
_RIGHTS = st.sampled_from(["rw-", "r--", "---", "rwx", "r-x"])
_LENGTHS = _PAGES.map(lambda n: n * PAGE)
_ANY = st.integers(0, 1 << 32)


def _fixed(length: int, perms: str, place: int, replace: bool) -> Map:
    return Map(length, perms, place, fixed=replace, no_replace=not replace)


def _free(length: int, perms: str, hint: int, name: bytes) -> Map:
    return Map(length, perms, hint, name=name)


_EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.tuples(_LENGTHS, _RIGHTS).map(lambda given: Map(*given)),
    st.tuples(_LENGTHS, _RIGHTS, _PLACES, st.booleans()).map(lambda given: _fixed(*given)),
    st.tuples(st.integers(-5, 1 << 33), _RIGHTS, _ANY, st.sampled_from([b"", b"/f"])).map(lambda given: _free(*given)),
    st.tuples(_PLACES, _LENGTHS).map(lambda given: Unmap(*given)),
    st.tuples(_ANY, _ANY).map(lambda given: Unmap(*given)),
    st.tuples(_PLACES, _LENGTHS, _RIGHTS).map(lambda given: Protect(*given)),
    st.integers(0x8040000, 0x8090000).map(SetBrk),
    st.one_of(_PLACES, _ANY).map(Touch),
)


def _check(space: SimSpace) -> None:
    previous = 0
    for vma in space.vmas:
        assert vma.start % PAGE == 0
        assert vma.end % PAGE == 0
        assert previous <= vma.start < vma.end <= space.layout.task_size
        previous = vma.end


@settings(max_examples=150, deadline=None)
@given(st.lists(_EVENTS, max_size=30))
def test_areas_never_overlap_and_stay_below_the_kernel(events: list[Event]) -> None:
    """Whatever is asked for, the VMAs are sorted, whole pages, apart and below TASK_SIZE."""
    space = _space()
    for event in events:
        space = step(space, event)
        _check(space)


@settings(max_examples=150, deadline=None)
@given(st.lists(_EVENTS, max_size=15), _PAGES, _RIGHTS)
def test_unmap_undoes_map(events: list[Event], pages: int, perms: str) -> None:
    """A mapping in free room leaves no trace when it is unmapped again."""
    space = _run(_space(), *events)
    mapped = step(space, Map(pages * PAGE, perms))
    if failed(mapped):
        return
    assert mapped.virtual_size == space.virtual_size + pages * PAGE
    undone = step(mapped, Unmap(mapped.registers.eax, pages * PAGE))
    assert [vma[:6] for vma in undone.vmas] == [vma[:6] for vma in space.vmas]


@settings(max_examples=100, deadline=None)
@given(st.lists(_EVENTS, max_size=15), _PLACES, _PAGES, _RIGHTS)
def test_what_is_asked_twice_changes_nothing(events: list[Event], start: int, pages: int, perms: str) -> None:
    """The call mprotect is idempotent, keeps the covered addresses, and an error changes no mapping at all."""
    space = _run(_space(), *events)
    once = step(space, Protect(start, pages * PAGE, perms))
    assert once.virtual_size == space.virtual_size
    if failed(once):
        assert once.vmas == space.vmas
    assert step(once, Protect(start, pages * PAGE, perms)).vmas == once.vmas
