"""How blocks of anonymous memory look that nothing else explains, and what of it is the mark of which allocator.

Each question is about one block alone. Which runtime asks which question stands in ``table``.
"""

from procmem.model.named_tuple import NamedTuple

__all__ = [
    "AnonymousRange",
    "aligned",
    "anything",
    "beside_brk",
    "beside_full_brk",
    "beside_malloc",
    "broken_size",
    "carrier",
    "is_of_another",
    "large",
    "like_direct_buffers",
    "managed",
    "mapped_by_malloc",
    "marked_and_aligned",
    "marked_where_marks_show",
    "may_grow",
    "mimalloc",
    "mimalloc_hinted",
    "of_the_database",
    "openblas_buffer",
    "python_arena",
    "ruby_pages",
    "whole_huge_pages",
]

_HUGE_PAGE = 2 << 20
_ROUND = 1 << 20
_MORECORE_MAX = 64 << 20
_CPYTHON_ARENA = 1 << 20
_MMAP_THRESHOLD = 1 << 17  # glibc malloc/malloc.c, DEFAULT_MMAP_THRESHOLD
_MORECORE = 1 << 20  # glibc malloc/malloc.c, MMAP_AS_MORECORE_SIZE
_OPENBLAS_BUFFER = 32 << 20
_MIMALLOC_HINTS = (2 << 40, 30 << 40)  # mimalloc src/os.c, MI_HINT_BASE and MI_HINT_MAX
_MIMALLOC_SEGMENT = 4 << 20
_BEAM_CARRIER = 1 << 18
_INNODB_ROOM = 1 << 40
_INNODB_POOL = 128 << 20
_INNODB_AREA = 8 << 20
_JVM_GRANULARITY = 1 << 16
_WASM_PAGE = 1 << 16
_RUBY_PAGE = 1 << 16


class AnonymousRange(NamedTuple):
    """A range of writable anonymous memory that nothing else explains.

    ``may_be_malloc`` says that it could be a block of glibc's malloc: its first page was touched, it counts against
    the commit limit, and malloc's own headers were not read. ``noreserve`` is VmFlags nr (False where flags do not
    say), ``touched`` False where none of it was ever used,
    ``advised`` is VmFlags hg, ``room`` the bytes of inaccessible memory right behind it.
    ``noreserve_shows`` says that other memory of the process has it, so that the machine does not account for all.
    ``asked_for`` says that it lies where the kernel puts nothing by itself: somebody asked for that place.
    ``brk_is_free`` says that the heap could still grow, ``outweighs_malloc`` that malloc's own structures were read,
    and hold far less than all that they do not explain.
    """

    start: int
    end: int
    may_be_malloc: bool
    noreserve: bool = False
    touched: bool = True
    advised: bool = False
    room: int = 0
    brk_is_free: bool = False
    outweighs_malloc: bool = False
    noreserve_shows: bool = False
    asked_for: bool = False

    @property
    def size(self) -> int:
        """Bytes."""
        return self.end - self.start

    @property
    def is_aligned(self) -> bool:
        """It begins or ends at a multiple of 2 MiB, as memory does that was asked for with huge pages in mind."""
        return self.start % _HUGE_PAGE == 0 or self.end % _HUGE_PAGE == 0

    @property
    def is_managed(self) -> bool:
        """It looks as allocators make their memory, and programs seldom do.

        It has room reserved behind it to grow, or is large beside all that malloc holds. A round address says little:
        the kernel aligns large mappings to huge pages by itself (since 6.7).
        """
        return self.outweighs_malloc or self.room >= max(self.size, _ROUND)


def anything(_block: AnonymousRange) -> bool:
    """Every block."""
    return True


def mimalloc_hinted(start: int) -> bool:
    """Whether an address is one that mimalloc asks for, where the kernel by itself puts nothing."""
    return _MIMALLOC_HINTS[0] <= start < _MIMALLOC_HINTS[1]


def mimalloc(block: AnonymousRange) -> bool:
    """Beyond 2 TiB, where its hints lead, in steps of 32 MiB; or aligned so, without reserving swap."""
    return mimalloc_hinted(block.start) or (block.noreserve and block.start % _MIMALLOC_SEGMENT == 0)


def aligned(block: AnonymousRange) -> bool:
    """Aligned to huge pages at one end."""
    return block.is_aligned


def marked_and_aligned(block: AnonymousRange) -> bool:
    """As jemalloc maps: with MAP_NORESERVE wherever the machine overcommits, which malloc does not."""
    return block.is_aligned and block.noreserve


def marked_where_marks_show(block: AnonymousRange) -> bool:
    """The same of any place; where no memory has that mark, the machine may not overcommit, and jemalloc not ask."""
    return block.noreserve or not block.noreserve_shows


def python_arena(block: AnonymousRange) -> bool:
    """Whole arenas; NumPy asks for huge pages in its arrays, which Python does not."""
    return block.size % _CPYTHON_ARENA == 0 and not block.noreserve and not block.advised


def whole_huge_pages(block: AnonymousRange) -> bool:
    """Nothing but huge pages."""
    return block.start % _HUGE_PAGE == 0 and block.size % _HUGE_PAGE == 0


def carrier(block: AnonymousRange) -> bool:
    """Aligned, and whole: a large block of malloc is aligned by the kernel, and has a page for its header."""
    return block.start % _BEAM_CARRIER == 0 and block.size % _BEAM_CARRIER == 0


def may_grow(block: AnonymousRange) -> bool:
    """WebAssembly's pages of 64 KiB with room to grow: engines without guard regions reserve just its maximum."""
    return block.size % _WASM_PAGE == 0 and block.room >= _WASM_PAGE and not block.room % _WASM_PAGE


def ruby_pages(block: AnonymousRange) -> bool:
    """Pages of 64 KiB, mapped one by one and merged: whole, or aligned, or at least no block of malloc."""
    return block.start % _RUBY_PAGE == 0 or block.size % _RUBY_PAGE == 0 or not block.may_be_malloc


def managed(block: AnonymousRange) -> bool:
    """It has room to grow, or outweighs malloc."""
    return block.is_managed


def large(block: AnonymousRange) -> bool:
    """1 MiB or more."""
    return block.size >= _ROUND


def of_the_database(block: AnonymousRange) -> bool:
    """The buffer pool of servers that do not reserve room for it, and other large areas that are none of malloc's."""
    own = block.touched and not block.may_be_malloc and block.size >= _INNODB_AREA
    return own or block.room >= _INNODB_ROOM or block.size >= _INNODB_POOL


def like_direct_buffers(block: AnonymousRange) -> bool:
    """Large blocks of malloc, as ByteBuffer.allocateDirect() takes: a round request and a page for malloc's header.

    What the virtual machine takes for itself is a multiple of 64 KiB, or has much room reserved behind it.
    """
    return block.may_be_malloc and large(block) and block.size % _JVM_GRANULARITY != 0 and not block.is_managed


def is_of_another(block: AnonymousRange) -> bool:
    """Memory of an allocator beside the C library's: MAP_NORESERVE is its mark as much as room to grow.

    Garbage collectors ask for places, as random ones or below 2 GiB; malloc takes what the kernel gives.
    """
    if block.asked_for:
        return block.touched
    if block.may_be_malloc and block.size == _MORECORE:
        return False  # what happens to lie behind it is no room of its own
    return block.outweighs_malloc or (large(block) and (block.is_managed or (block.noreserve and block.touched)))


def openblas_buffer(block: AnonymousRange) -> bool:
    """Whole buffers, aligned."""
    whole = block.size >= _OPENBLAS_BUFFER and block.size % _OPENBLAS_BUFFER == 0
    return whole and not block.noreserve and block.is_aligned


def mapped_by_malloc(block: AnonymousRange) -> bool:
    """A block of the C library's malloc: as large as it maps by themselves, with its header.

    Just a multiple of 1 MiB is hardly ever a request and a header; programs that map memory themselves ask for such.
    """
    whole = block.brk_is_free and block.size % _ROUND == 0
    return block.may_be_malloc and block.size > _MMAP_THRESHOLD and not whole


def beside_brk(block: AnonymousRange) -> bool:
    """Just a multiple of 1 MiB, which sysmalloc takes where brk cannot grow; a block is its request and a header."""
    return (
        block.may_be_malloc
        and not block.advised
        and block.size % _MORECORE == 0
        and (block.size == _MORECORE or not block.brk_is_free)
        and block.size <= _MORECORE_MAX
    )


def beside_full_brk(block: AnonymousRange) -> bool:
    """Of an allocator that takes its memory from brk as long as that can grow, and has no reason to map any."""
    return not block.brk_is_free


def broken_size(block: AnonymousRange) -> bool:
    """The same, and no whole mebibytes."""
    return beside_full_brk(block) and block.size % _ROUND != 0


def beside_malloc(block: AnonymousRange) -> bool:
    """An arena's size or more, and none of malloc's blocks."""
    return block.size >= _CPYTHON_ARENA and not block.may_be_malloc and not block.noreserve
