"""Patterns of runtimes' blocks: each at its border, and one step beside it."""

from collections.abc import Callable
from typing import Any

import pytest

from procmem.classify.runtimes import blocks
from procmem.classify.runtimes.blocks import AnonymousRange

KIB, MIB, TIB = 1 << 10, 1 << 20, 1 << 40
PAGE = 4096
HUGE = 2 * MIB
AT = 1 << 46
Pattern = Callable[[AnonymousRange], bool]


def block(start: int = AT, size: int = MIB, **how: Any) -> AnonymousRange:
    """A block that malloc did not make, unless it is said to be."""
    return AnonymousRange(start, start + size, **({"may_be_malloc": False} | how))


@pytest.mark.parametrize(
    ("pattern", "at", "fits"),
    [
        (blocks.mimalloc, block(2 * TIB), True),
        (blocks.mimalloc, block(2 * TIB - PAGE), False),
        (blocks.mimalloc, block(30 * TIB - PAGE), True),
        (blocks.mimalloc, block(30 * TIB), False),
        (blocks.mimalloc, block(AT, noreserve=True), True),
        (blocks.mimalloc, block(AT + 4 * MIB, noreserve=True), True),
        (blocks.mimalloc, block(AT + 2 * MIB, noreserve=True), False),
        (blocks.mimalloc, block(AT + 3 * MIB, noreserve=True), False),
        (blocks.mimalloc, block(AT), False),
        (blocks.aligned, block(AT, PAGE), True),
        (blocks.aligned, block(AT + PAGE, HUGE - PAGE), True),
        (blocks.aligned, block(AT + PAGE, HUGE), False),
        (blocks.aligned, block(AT + MIB, PAGE), False),
        (blocks.aligned, block(AT + HUGE, PAGE), True),
        (blocks.marked_and_aligned, block(AT, PAGE, noreserve=True), True),
        (blocks.marked_and_aligned, block(AT, PAGE), False),
        (blocks.marked_and_aligned, block(AT + PAGE, PAGE, noreserve=True), False),
        (blocks.python_arena, block(size=MIB), True),
        (blocks.python_arena, block(size=3 * MIB), True),
        (blocks.python_arena, block(size=MIB + PAGE), False),
        (blocks.python_arena, block(size=MIB // 2), False),
        (blocks.python_arena, block(size=MIB, noreserve=True), False),
        (blocks.python_arena, block(size=MIB, advised=True), False),
        (blocks.whole_huge_pages, block(AT, HUGE), True),
        (blocks.whole_huge_pages, block(AT + HUGE, 3 * HUGE), True),
        (blocks.whole_huge_pages, block(AT + MIB, HUGE), False),
        (blocks.whole_huge_pages, block(AT, MIB), False),
        (blocks.carrier, block(AT + 256 * KIB, 512 * KIB), True),
        (blocks.carrier, block(AT + 128 * KIB, 512 * KIB), False),
        (blocks.carrier, block(AT + 256 * KIB, 128 * KIB), False),
        (blocks.carrier, block(AT + 256 * KIB, 256 * KIB + PAGE), False),
        (blocks.may_grow, block(size=64 * KIB, room=64 * KIB), True),
        (blocks.may_grow, block(size=192 * KIB, room=640 * KIB), True),
        (blocks.may_grow, block(size=64 * KIB, room=0), False),
        (blocks.may_grow, block(size=64 * KIB, room=96 * KIB), False),
        (blocks.may_grow, block(size=96 * KIB, room=64 * KIB), False),
        (blocks.ruby_pages, block(AT + 64 * KIB, PAGE, may_be_malloc=True), True),
        (blocks.ruby_pages, block(AT + PAGE, 64 * KIB, may_be_malloc=True), True),
        (blocks.ruby_pages, block(AT + PAGE, PAGE, may_be_malloc=True), False),
        (blocks.ruby_pages, block(AT + 32 * KIB, 96 * KIB, may_be_malloc=True), False),
        (blocks.ruby_pages, block(AT + PAGE, PAGE), True),
        (blocks.managed, block(size=MIB, room=MIB), True),
        (blocks.managed, block(size=MIB, room=MIB - PAGE), False),
        (blocks.managed, block(size=PAGE, room=MIB), True),
        (blocks.managed, block(size=PAGE, room=MIB - PAGE), False),
        (blocks.managed, block(size=2 * MIB, room=MIB), False),
        (blocks.managed, block(size=2 * MIB, outweighs_malloc=True), True),
        (blocks.large, block(size=MIB), True),
        (blocks.large, block(size=MIB - PAGE), False),
        (blocks.large, block(size=MIB + PAGE), True),
        (blocks.of_the_database, block(size=8 * MIB), True),
        (blocks.of_the_database, block(size=8 * MIB + PAGE), True),
        (blocks.of_the_database, block(size=8 * MIB - PAGE), False),
        (blocks.of_the_database, block(size=8 * MIB, touched=False), False),
        (blocks.of_the_database, block(size=8 * MIB, may_be_malloc=True), False),
        (blocks.of_the_database, block(size=PAGE, room=TIB), True),
        (blocks.of_the_database, block(size=PAGE, room=TIB + PAGE), True),
        (blocks.of_the_database, block(size=PAGE, room=TIB - PAGE), False),
        (blocks.of_the_database, block(size=128 * MIB, may_be_malloc=True), True),
        (blocks.of_the_database, block(size=128 * MIB - PAGE, may_be_malloc=True), False),
        (blocks.like_direct_buffers, block(size=MIB + PAGE, may_be_malloc=True), True),
        (blocks.like_direct_buffers, block(size=MIB + 64 * KIB, may_be_malloc=True), False),
        (blocks.like_direct_buffers, block(size=MIB + 32 * KIB, may_be_malloc=True), True),
        (blocks.like_direct_buffers, block(size=MIB - PAGE, may_be_malloc=True), False),
        (blocks.like_direct_buffers, block(size=MIB + PAGE), False),
        (blocks.like_direct_buffers, block(size=MIB + PAGE, may_be_malloc=True, room=2 * MIB), False),
        (blocks.is_of_another, block(size=MIB, room=MIB), True),
        (blocks.is_of_another, block(size=MIB, room=MIB, may_be_malloc=True), False),
        (blocks.is_of_another, block(size=2 * MIB, room=2 * MIB, may_be_malloc=True), True),
        (blocks.is_of_another, block(size=MIB - PAGE, room=MIB), False),
        (blocks.is_of_another, block(size=PAGE, outweighs_malloc=True), True),
        (blocks.is_of_another, block(size=PAGE, outweighs_malloc=True, may_be_malloc=True), True),
        (blocks.is_of_another, block(size=MIB, outweighs_malloc=True, may_be_malloc=True), False),
        (blocks.is_of_another, block(size=MIB, noreserve=True), True),
        (blocks.is_of_another, block(size=MIB, noreserve=True, touched=False), False),
        (blocks.is_of_another, block(size=MIB - PAGE, noreserve=True), False),
        (blocks.is_of_another, block(size=MIB), False),
        (blocks.is_of_another, block(size=MIB, may_be_malloc=True, asked_for=True), True),
        (blocks.is_of_another, block(size=64 * KIB, may_be_malloc=True, asked_for=True), True),
        (blocks.is_of_another, block(size=MIB, asked_for=True, touched=False), False),
        (blocks.openblas_buffer, block(size=32 * MIB), True),
        (blocks.openblas_buffer, block(size=96 * MIB), True),
        (blocks.openblas_buffer, block(size=33 * MIB), False),
        (blocks.openblas_buffer, block(size=16 * MIB), False),
        (blocks.openblas_buffer, block(size=0), False),
        (blocks.openblas_buffer, block(size=32 * MIB, noreserve=True), False),
        (blocks.openblas_buffer, block(AT + PAGE, 32 * MIB), False),
        (blocks.beside_brk, block(size=MIB, may_be_malloc=True), True),
        (blocks.beside_brk, block(size=MIB, may_be_malloc=True, brk_is_free=True), True),
        (blocks.beside_brk, block(size=2 * MIB, may_be_malloc=True, brk_is_free=True), False),
        (blocks.beside_brk, block(size=2 * MIB, may_be_malloc=True), True),
        (blocks.beside_brk, block(size=64 * MIB, may_be_malloc=True), True),
        (blocks.beside_brk, block(size=65 * MIB, may_be_malloc=True), False),
        (blocks.beside_brk, block(size=MIB + PAGE, may_be_malloc=True), False),
        (blocks.beside_brk, block(size=MIB, may_be_malloc=True, advised=True), False),
        (blocks.beside_brk, block(size=MIB), False),
        (blocks.broken_size, block(size=MIB + PAGE), True),
        (blocks.broken_size, block(size=MIB // 2), True),
        (blocks.broken_size, block(size=3 * MIB), False),
        (blocks.broken_size, block(size=MIB + PAGE, brk_is_free=True), False),
        (blocks.beside_full_brk, block(), True),
        (blocks.beside_full_brk, block(brk_is_free=True), False),
        (blocks.mapped_by_malloc, block(size=132 * KIB, may_be_malloc=True), True),
        (blocks.mapped_by_malloc, block(size=128 * KIB, may_be_malloc=True), False),
        (blocks.mapped_by_malloc, block(size=132 * KIB), False),
        (blocks.mapped_by_malloc, block(size=20 * MIB, may_be_malloc=True), True),
        (blocks.mapped_by_malloc, block(size=20 * MIB, may_be_malloc=True, brk_is_free=True), False),
        (blocks.mapped_by_malloc, block(size=20 * MIB + PAGE, may_be_malloc=True, brk_is_free=True), True),
        (blocks.beside_malloc, block(size=MIB), True),
        (blocks.beside_malloc, block(size=MIB + PAGE), True),
        (blocks.beside_malloc, block(size=MIB - PAGE), False),
        (blocks.beside_malloc, block(size=MIB, may_be_malloc=True), False),
        (blocks.beside_malloc, block(size=MIB, noreserve=True), False),
        (blocks.anything, block(size=PAGE), True),
    ],
)
def test_which_blocks_fit(pattern: Pattern, at: AnonymousRange, fits: bool) -> None:
    """By address, size, room behind them, and marks."""
    assert pattern(at) is fits


def test_what_a_block_is_unless_something_is_said() -> None:
    """Used, not advised, counted against the commit limit, with nothing behind it."""
    assert AnonymousRange(0, PAGE, False) == AnonymousRange(
        0,
        PAGE,
        False,
        noreserve=False,
        touched=True,
        advised=False,
        room=0,
        brk_is_free=False,
        outweighs_malloc=False,
        noreserve_shows=False,
        asked_for=False,
    )
    assert block(size=3 * PAGE).size == 3 * PAGE
