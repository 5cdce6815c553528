"""The dynamic linker's own allocator, which runs before any malloc exists.

It hands out memory in one direction only: first the unused rest of the linker's last data page, then
blocks that it maps, always one page more than the request needs. Only the latest piece can be given
back. Its blocks are visible in ``maps``, and each moves all libraries that are mapped after it.

Source: glibc elf/dl-minimal-malloc.c (before 2.35 elf/dl-minimal.c).
"""

from procmem.model.note import note
from procmem.model.permissions import READ_WRITE
from procmem.model.simulation import PAGE, AreaRole
from procmem.simulate.arch.layout import page_up
from procmem.simulate.kernel.calls import Caller
from procmem.simulate.kernel.events import Map, Touch

__all__ = ["SmallBlocks"]

_ALIGN = 16


class SmallBlocks:
    """The state of the allocator; ``caller`` makes its system calls."""

    def __init__(self, caller: Caller, first_free: int) -> None:
        self._caller = caller
        self._pointer = first_free
        self._end = page_up(first_free)
        self._last = 0

    def take(self, size: int) -> int:
        """Hand out ``size`` bytes; map a new block where they do not fit strictly."""
        self._pointer = -(-self._pointer // _ALIGN) * _ALIGN
        if self._pointer + size >= self._end:
            self._new_block(size)
        self._last = self._pointer
        self._pointer += size
        return self._last

    def _new_block(self, size: int) -> None:
        length = page_up(size) + PAGE
        rule = note("ld-block", request=size)
        start = self._caller.do(Map(length, READ_WRITE, role=AreaRole.MMAP, rule=rule))
        if start < 0:
            return
        self._caller.do(Touch(start))
        if start != self._end:
            self._pointer = start
        self._end = start + length

    def give_back(self, pointer: int) -> None:
        """Free a piece, which only works for the latest."""
        if pointer == self._last:
            self._pointer = pointer
