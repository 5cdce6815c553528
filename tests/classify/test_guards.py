"""How large a guard may be, and how large what lies behind it: to the page."""

import pytest

from procmem.model.region import Regions
from tests.support.made_processes import made, record
from tests.support.smaps_text import smaps

PAGE = 4096
GUARD_MAX = 1 << 20
LABELLED_MAX = 16 << 20
UNGUARDED_MAX = 16 << 20
STACK = 0x7F00_4000_0000


def kinds_of(*records: object) -> dict[int, str]:
    """Class and kind by address."""
    regions: Regions | None
    _, regions = made({"smaps": smaps(list(records))})  # type: ignore[arg-type]
    assert regions is not None
    return {start: f"{label.cls.value}/{label.kind}" for start, label in zip(regions.start, regions.label, strict=True)}


@pytest.mark.parametrize(("guard", "is_stack"), [(PAGE, True), (GUARD_MAX, True), (GUARD_MAX + PAGE, False)])
def test_a_stack_has_a_guard_of_at_most_a_mebibyte(guard: int, is_stack: bool) -> None:
    """More than that below memory marked by MAP_STACK is address space that somebody reserved."""
    below = record(STACK - guard, STACK, "---p")._replace(flags="mr mw me")
    stack = record(STACK, STACK + (8 << 20))._replace(flags="rd wr mr mw me ac nh")
    found = kinds_of(below, stack)
    assert (found[STACK].startswith("stack/"), found[STACK - guard] == "guard/stack-guard") == (is_stack, is_stack)


@pytest.mark.parametrize(("guard", "is_stack"), [(GUARD_MAX, True), (GUARD_MAX + PAGE, False)])
def test_the_kernels_label_on_much_memory_needs_a_guard(guard: int, is_stack: bool) -> None:
    """Linux 3.4 to 4.4 put [stack:TID] on whatever a stack pointer lay in."""
    below = record(STACK - guard, STACK, "---p")._replace(flags=None)
    huge = record(STACK, STACK + LABELLED_MAX + PAGE, name=b"[stack:8]")._replace(flags=None)
    assert kinds_of(below, huge)[STACK].startswith("stack/") == is_stack


@pytest.mark.parametrize(("size", "is_stack"), [(LABELLED_MAX, True), (LABELLED_MAX + PAGE, False)])
def test_the_kernels_label_on_little_memory_is_believed(size: int, is_stack: bool) -> None:
    """As much as anybody's stack is."""
    labelled = record(STACK, STACK + size, name=b"[stack:8]")._replace(flags=None)
    assert kinds_of(labelled)[STACK].startswith("stack/") == is_stack


USUAL = 8 << 20
ALONE = b"Name:\tx\nState:\tS (sleeping)\nTgid:\t7\nThreads:\t1\n"


@pytest.mark.parametrize(
    ("size", "count", "kind"),
    [
        (USUAL, 1, "thread-cached"),
        (USUAL, 3, "thread-cached"),
        (1 << 20, 1, "thread-cached"),
        (1 << 20, 3, "coroutine"),
    ],
)
def test_stacks_of_no_thread(size: int, count: int, kind: str) -> None:
    """Of the usual size, or a single one: of a thread that ended; several of another size are coroutines'."""
    records = []
    for at in range(STACK, STACK + count * (1 << 24), 1 << 24):
        records.append(record(at - PAGE, at, "---p")._replace(flags="mr mw me"))
        records.append(record(at, at + size)._replace(flags="rd wr mr mw me ac nh"))
    _, regions = made({"smaps": smaps(records), "status": ALONE})
    assert regions is not None
    assert {str(label.kind) for label in regions.label if label.cls.value == "stack"} == {kind}


@pytest.mark.parametrize(("below", "is_guard"), [(0, True), (PAGE, False)])
def test_what_lies_right_below_a_named_stack_is_its_guard(below: int, is_guard: bool) -> None:
    """And not what lies a page further down."""
    guard = record(STACK - PAGE - below, STACK - below, "---p")
    found = kinds_of(guard, record(STACK, STACK + (1 << 18), name=b"[anon:kj_fiber_stack]"))
    assert found[STACK] == "stack/coroutine"
    assert found[STACK - PAGE - below] == ("guard/stack-guard" if is_guard else "guard/guard")
