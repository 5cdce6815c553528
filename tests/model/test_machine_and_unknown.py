"""Facts of architectures are one table; sums say by their names what they do with what is unknown."""

import pytest

from procmem.model.machine import ARCHITECTURES, architecture_of, is_32_bit_machine, kernel_stack_of
from procmem.model.raw import Machine
from procmem.model.unknown import exact_sum, known_sum


def test_a_process_has_the_row_of_its_machine_and_word_size() -> None:
    """A 32-bit process on x86-64 has a row of its own."""
    assert architecture_of("x86_64", 32).space_end == 1 << 32
    assert architecture_of("x86_64", 64).space_end == 1 << 64
    assert architecture_of("i686", 32).kernel_stack == 8192


def test_an_unknown_machine_has_no_laws() -> None:
    """Neither is its kernel stack known; a recording without a machine's name counts as x86."""
    assert architecture_of("vax", 32).layout is None
    assert kernel_stack_of("vax") is None
    assert architecture_of(None, 64).layout is architecture_of("x86_64", 64).layout is not None


@pytest.mark.parametrize("row", ARCHITECTURES)
def test_user_space_ends_above_what_is_mapped(row: object) -> None:
    """The smallest border that holds; beyond all of them the last."""
    assert isinstance(row, type(ARCHITECTURES[0]))
    assert list(row.user_ends) == sorted(row.user_ends)
    assert row.user_end(0) == row.user_ends[0]
    assert row.user_end(row.user_ends[0] + 1) == row.user_ends[min(1, len(row.user_ends) - 1)]
    assert row.user_ends[-1] <= row.space_end


def test_machines_of_32_bits_alone() -> None:
    """x86-64 runs both."""
    assert is_32_bit_machine("i686")
    assert is_32_bit_machine("armv7l")
    assert not is_32_bit_machine("x86_64")
    assert not is_32_bit_machine(None)


@pytest.mark.parametrize(
    ("kernel", "release"),
    [("6.18.44-x", (6, 18)), ("4.4", (4, 4)), ("2.6.32-el6", (2, 6)), ("6", None), ("x.1", None), (None, None)],
)
def test_the_release_is_two_numbers(kernel: str | None, release: tuple[int, int] | None) -> None:
    """Or unknown."""
    assert Machine(kernel=kernel).release == release


def test_unknown_stays_unknown_in_an_exact_sum() -> None:
    """And is left out of a known one."""
    assert exact_sum([1, 2]) == 3
    assert exact_sum([1, None]) is None
    assert exact_sum([]) == 0
    assert known_sum([1, None, 2]) == 3
    assert known_sum([None]) is None
    assert known_sum([]) is None
