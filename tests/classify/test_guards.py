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
