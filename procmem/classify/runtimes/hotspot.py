"""Memory of Java on HotSpot: heap, class space, code cache, archives of classes, polling pages.

Source: HotSpot memory/virtualspace.cpp, codeCache.cpp, metaspace; observation of it running.
"""

from collections.abc import Iterator, Sequence

from procmem.classify.partition import Rank
from procmem.classify.runtimes.detect import Runtimes
from procmem.classify.runtimes.plain import is_plain
from procmem.model import kinds, owners
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.permissions import PRIVATE_NONE, PRIVATE_READ_ONLY, permissions
from procmem.model.region import Certainty, Claim, Label

__all__ = ["claims"]

_COMPRESSED_END = 0x8_0000_0000  # 32 GiB: the reach of compressed object pointers
_CLASS_SPACE_END = 0x8_0000_0000 + (5 << 30)
_CODE_CACHE_MIN = 1 << 20
_CLASS_SPACE_MAX = 5 << 30  # 1 GiB unless -XX:CompressedClassSpaceSize says more, at most 3 GiB
_CLASS_SPACE_USUAL = 1 << 30
_CLASS_SPACE_ALIGNMENT = 16 << 20
_SAFEPOINT_BYTES = 4096


def claims(mappings: Mappings, runtimes: Runtimes) -> Iterator[Claim]:
    """Java's heap and class space below and above 32 GiB, the code cache by its permissions."""
    del runtimes  # the same in every Java process
    archive = [row for row, name in enumerate(mappings.name) if name.endswith(b".jsa")]
    for row in archive:
        evidence = note("java-archive")
        label = Label(kinds.JVM_CDS, Certainty.LIKELY, evidence, owners.ObjectFile(mappings.name[row]))
        file = (mappings.device[row], mappings.inode[row])
        yield Claim(mappings.start[row], mappings.end[row], Rank.RUNTIME, label, file)
    yield from _class_space(mappings, archive)
    for row, (start, end, perms) in enumerate(zip(mappings.start, mappings.end, mappings.perms, strict=True)):
        if not is_plain(mappings, row):
            continue
        reserved = permissions(perms).inaccessible
        if end <= _COMPRESSED_END and start >= 1 << 20:
            evidence = note("java-low")
            kind = kinds.JVM_HEAP
        elif start >= _COMPRESSED_END and end <= _CLASS_SPACE_END:
            evidence = note("java-class-space")
            kind = kinds.JVM_METASPACE
        elif permissions(perms).executable and end - start >= _CODE_CACHE_MIN:
            evidence = note("java-executable")
            yield Claim(
                start,
                end,
                Rank.RUNTIME,
                Label(kinds.JVM_CODE, Certainty.LIKELY, evidence, owners.Allocator(b"code cache")),
            )
            continue
        else:
            continue
        if reserved:
            label = Label(kind.reserve or kind, Certainty.LIKELY, evidence, owners.Allocator(b"Java"))
        else:
            label = Label(kind, Certainty.LIKELY, evidence, owners.Allocator(b"Java"))
        yield Claim(start, end, Rank.RUNTIME, label)
    yield from _polling_pages(mappings)


def _class_space(mappings: Mappings, archive: Sequence[int]) -> Iterator[Claim]:
    """The class space lies directly above the archive of ready-made classes, so that short pointers reach both."""
    if not archive:
        return
    below = max(archive, key=mappings.end.__getitem__)
    for row in _one_reservation(mappings, below + 1, mappings.end[below]):
        evidence = note("java-above-archive")
        if permissions(mappings.perms[row]).inaccessible:
            label = Label(kinds.JVM_METASPACE_RESERVE, Certainty.LIKELY, evidence, owners.Allocator(b"Java"))
        else:
            label = Label(kinds.JVM_METASPACE, Certainty.LIKELY, evidence, owners.Allocator(b"Java"))
        yield Claim(mappings.start[row], mappings.end[row], Rank.RUNTIME, label)


def _one_reservation(mappings: Mappings, row: int, after: int) -> list[int]:
    """The rows of a class space that begins soon after an address, and nothing that happens to adjoin it.

    It is one block of a round size, of which only the lower part is in use (-XX:CompressedClassSpaceSize, 1 GiB).
    """
    rows: list[int] = []
    ends: list[int] = []
    first = mappings.start[row] if row < len(mappings) else after
    at = first
    while (
        row < len(mappings)
        and first - after < _CLASS_SPACE_ALIGNMENT
        and mappings.start[row] == at
        and is_plain(mappings, row)
        and not permissions(mappings.perms[row]).executable
        and mappings.end[row] - first <= _CLASS_SPACE_MAX
    ):
        rows.append(row)
        at = mappings.end[row]
        if permissions(mappings.perms[row]).inaccessible and (at - first) % _CLASS_SPACE_ALIGNMENT == 0:
            ends.append(len(rows))
            if at - first == _CLASS_SPACE_USUAL:
                break
        row += 1
    return rows[: ends[-1]] if ends else rows


def _polling_pages(mappings: Mappings) -> Iterator[Claim]:
    """Two neighbouring pages, one inaccessible and one read-only, that Java threads touch to be stopped."""
    for row in range(len(mappings) - 1):
        pair = (row, row + 1)
        if not all(is_plain(mappings, at) for at in pair) or mappings.end[row] != mappings.start[row + 1]:
            continue
        if {mappings.perms[at] for at in pair} != {PRIVATE_NONE, PRIVATE_READ_ONLY}:
            continue
        if any(mappings.end[at] - mappings.start[at] != _SAFEPOINT_BYTES for at in pair):
            continue
        evidence = note("java-polling")
        label = Label(kinds.JVM_SAFEPOINT, Certainty.LIKELY, evidence, owners.Allocator(b"Java"))
        yield Claim(mappings.start[row], mappings.end[row + 1], Rank.RUNTIME, label)
