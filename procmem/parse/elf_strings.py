"""Which of some words stand in the constants of an ELF object: how an allocator is known that exports nothing.

Programs and extension modules carry allocators linked in, their symbols hidden or stripped; the messages that an
allocator can print stay. Only read-only segments are searched, in blocks, so that a recording keeps no more than the
blocks in which a word stood. What the words mean is the table's matter (``classify.runtimes.table``).
"""

from __future__ import annotations

from procmem.model.elf import PF_W, PF_X, Segment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from procmem.model.elf import ElfImage
    from procmem.model.ports import ByteReader

__all__ = ["words_mentioned"]

_BLOCK_BYTES = 64 * 1024
_SEARCHED_BYTES_MAX = 1 << 30


def words_mentioned(reader: ByteReader, image: ElfImage, words: Collection[bytes]) -> dict[bytes, tuple[int, int]]:
    """Those of the words that stand in the object's constants, with offset and length of the block that holds each."""
    found: dict[bytes, tuple[int, int]] = {}
    overlap = max(map(len, words), default=1) - 1
    for start, end in _constants(image):
        for offset in range(start, end, _BLOCK_BYTES):
            length = min(_BLOCK_BYTES + overlap, end - offset)
            block = reader.read_at(offset, length)
            for word in words:
                if word not in found and word in block:
                    found[word] = (offset, length)
            if len(found) == len(words):
                return found
    return found


def _constants(image: ElfImage) -> Iterator[tuple[int, int]]:
    """File offsets of what is read-only: without code, where the linker kept the two apart."""
    read_only = [segment for segment in image.loads if not segment.flags & PF_W]
    without_code = [segment for segment in read_only if not segment.flags & PF_X]
    # the headers' own segment is small; an old linker has the constants among the code
    large = [segment for segment in without_code if segment.filesz >= _BLOCK_BYTES]
    yield from _bounded(large or read_only)


def _bounded(segments: list[Segment]) -> Iterator[tuple[int, int]]:
    left = _SEARCHED_BYTES_MAX
    for segment in segments:
        size = min(segment.filesz, left)
        yield segment.offset, segment.offset + size
        left -= size
