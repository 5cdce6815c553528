"""Memory of Java on HotSpot: heap, class space, code cache, archives of classes, polling pages.

Source: HotSpot memory/virtualspace.cpp, codeCache.cpp, metaspace; observation of it running.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from procmem.classify.partition import Rank
from procmem.classify.runtimes.detect import Runtimes
from procmem.classify.runtimes.plain import is_plain, label_of_part, reservations
from procmem.model import kinds, owners
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.permissions import PRIVATE_NONE, PRIVATE_READ_ONLY, permissions
from procmem.model.region import Certainty, Claim, Label
from procmem.model.sizes import size_of_text
from procmem.model.snapshot import Snapshot
from procmem.model.vm_flags import MemoryFlag

__all__ = ["claims"]

_COMPRESSED_END = 1 << 35  # 32 GiB: the reach of compressed object pointers
_CLASS_SPACE_END = _COMPRESSED_END + (5 << 30)
_CODE_CACHE_MIN = 1 << 20
_CLASS_SPACE_MAX = 5 << 30  # 1 GiB unless -XX:CompressedClassSpaceSize says more, at most 3 GiB
_CLASS_SPACE_USUAL = 1 << 30
_CLASS_SPACE_ALIGNMENT = 16 << 20
_SAFEPOINT_BYTES = 4096
_JAVA = owners.Allocator(b"Java")


def claims(mappings: Mappings, runtimes: Runtimes, snapshot: Snapshot) -> Iterator[Claim]:
    """Java's heap and class space below and above 32 GiB, the code cache by its permissions."""
    del runtimes  # the same in every Java process
    if any(b"/libj9vm" in name for name in mappings.name):
        return  # OpenJ9 has a launcher of the same name
    yield from _old_class_space(mappings)
    yield from _low_class_space(mappings)
    yield from _old_stacks(mappings)
    yield from _heap_files(mappings)
    yield from _high_heap(mappings, snapshot)
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
        label = label_of_part(mappings, row, kind, Certainty.LIKELY, evidence, _JAVA)
        yield Claim(start, end, Rank.RUNTIME, label)
    yield from _polling_pages(mappings)


def _old_class_space(mappings: Mappings) -> Iterator[Claim]:
    """JDK 8 puts the class space, 1 GiB of it, at the end of the first 32 GiB, above the heap, without an archive."""
    low = _COMPRESSED_END - _CLASS_SPACE_USUAL
    for run in reservations(mappings):
        rows = [row for row in run if low <= mappings.start[row] and mappings.end[row] <= _COMPRESSED_END]
        if not rows or mappings.start[rows[0]] != low or mappings.end[rows[-1]] != _COMPRESSED_END:
            continue
        for row in rows:
            evidence = note("java-old-class-space")
            label = label_of_part(mappings, row, kinds.JVM_METASPACE, Certainty.LIKELY, evidence, _JAVA)
            yield Claim(mappings.start[row], mappings.end[row], Rank.RUNTIME + 1, label)


def _low_class_space(mappings: Mappings) -> Iterator[Claim]:
    """Where the heap ends low, the class space lies directly above it: just 1 GiB, hardly any of it in use."""
    for run in reservations(mappings):
        rows = [row for row in run if mappings.end[row] <= _COMPRESSED_END - _CLASS_SPACE_USUAL]
        for used, rest in pairwise(rows[2:]):
            start, end = mappings.start[used], mappings.end[rest]
            closed = [permissions(mappings.perms[row]).inaccessible for row in (used - 1, used, rest)]
            if end - start != _CLASS_SPACE_USUAL or closed != [True, False, True] or start % _CLASS_SPACE_ALIGNMENT:
                continue
            evidence = note("java-low-class-space")
            for row in (used, rest):
                label = label_of_part(mappings, row, kinds.JVM_METASPACE, Certainty.LIKELY, evidence, _JAVA)
                yield Claim(mappings.start[row], mappings.end[row], Rank.RUNTIME + 1, label)


_GUARD_ZONES = (12 * 1024, 16 * 1024)
_STACK_SPANS = (1024 * 1024, 1028 * 1024)
_STACK_MIN, _STACK_MAX = 1 << 16, 16 << 20


def _old_stacks(mappings: Mappings) -> Iterator[Claim]:
    """Stacks of Java threads where the kernel does not mark them (before Linux 6.7): by HotSpot's guard zones.

    A thread of Java's closes the lowest three or four pages of its own stack (red, yellow, reserved zone); glibc is
    asked for no guard below. By default the whole is 1 MiB, or a page more.
    """
    if mappings.flags_with(MemoryFlag.NOHUGEPAGE):
        return
    for row in range(1, len(mappings)):
        guard = row - 1
        if (
            not permissions(mappings.perms[row]).read_write
            or not permissions(mappings.perms[guard]).inaccessible
            or mappings.end[guard] != mappings.start[row]
            or mappings.end[guard] - mappings.start[guard] not in _GUARD_ZONES
            or not (is_plain(mappings, row) and is_plain(mappings, guard))
        ):
            continue
        size, span = mappings.end[row] - mappings.start[row], mappings.end[row] - mappings.start[guard]
        if not _STACK_MIN <= size <= _STACK_MAX:
            continue
        certainty = Certainty.LIKELY if span in _STACK_SPANS else Certainty.GUESS
        evidence = note("java-guard-zones", kib=(span - size) // 1024, size=span)
        stack = Label(kinds.THREAD_STACK, certainty, evidence)
        yield Claim(mappings.start[row], mappings.end[row], Rank.RUNTIME + 1, stack)
        zones = Label(kinds.STACK_GUARD, certainty, evidence)
        yield Claim(mappings.start[guard], mappings.end[guard], Rank.RUNTIME + 1, zones)


_HEAP_FILE = b"java_heap"


def _heap_files(mappings: Mappings) -> Iterator[Claim]:
    """ZGC keeps the heap in a memory file, or in a file of tmpfs, and maps it several times."""
    for row in mappings.rows_where(lambda row: mappings.inode[row] and _HEAP_FILE in mappings.name[row]):
        if permissions(mappings.perms[row]).executable:
            continue
        label = Label(kinds.JVM_HEAP, Certainty.LIKELY, note("java-heap-file"), owners.ObjectFile(mappings.name[row]))
        file = (mappings.device[row], mappings.inode[row])
        yield Claim(mappings.start[row], mappings.end[row], Rank.RUNTIME, label, file)


_HEAP_ALIGNMENT = 2 << 20
_WITHOUT_COMPRESSION = b"_nocoops.jsa"


def _high_heap(mappings: Mappings, snapshot: Snapshot) -> Iterator[Claim]:
    """The heap of a process whose archive says that object pointers are whole: it lies anywhere.

    Where the command line names the largest size (-Xmx), the run of mappings that can hold just that is the heap; else
    it is the one with the most writable memory. What merged with it from below is cut off at the alignment of heaps.
    """
    if not any(name.endswith(_WITHOUT_COMPRESSION) for name in mappings.name):
        return
    wanted = heap_size_asked(snapshot.cmdline or ())
    best: tuple[int, int, int] | None = None
    for run in _writable_first(mappings):
        end = mappings.end[run[-1]]
        start = -(-mappings.start[run[0]] // _HEAP_ALIGNMENT) * _HEAP_ALIGNMENT
        if wanted is not None and start <= end - wanted:
            start = end - wanted
        if end <= start or (wanted is not None and end - start != wanted):
            continue
        used = sum(
            mappings.end[row] - max(start, mappings.start[row])
            for row in run
            if mappings.end[row] > start and not permissions(mappings.perms[row]).inaccessible
        )
        if best is None or used > best[0]:
            best = (used, start, end)
    if best is None:
        return
    certainty = Certainty.GUESS if wanted is None else Certainty.LIKELY
    evidence = note("java-high-heap", size=best[2] - best[1])
    for row in within_parts(mappings, best[1], best[2]):
        label = label_of_part(mappings, row, kinds.JVM_HEAP, certainty, evidence, _JAVA)
        yield Claim(max(best[1], mappings.start[row]), mappings.end[row], Rank.RUNTIME, label)


def within_parts(mappings: Mappings, low: int, high: int) -> Iterator[int]:
    """The plain mappings of which some part lies in a range."""
    for row in range(len(mappings)):
        if mappings.start[row] < high and mappings.end[row] > low and is_plain(mappings, row):
            yield row


def _writable_first(mappings: Mappings) -> Iterator[list[int]]:
    """Runs that begin with writable memory and go on until code, or a smaller reservation, begins."""
    for run in reservations(mappings):
        part: list[int] = []
        for row in run:
            allowed = permissions(mappings.perms[row])
            if allowed.executable or (
                part and not allowed.inaccessible and permissions(mappings.perms[part[-1]]).inaccessible
            ):
                if part:
                    yield part
                part = []
            if not allowed.executable and (part or allowed.read_write):
                part.append(row)
        if part:
            yield part


def heap_size_asked(cmdline: Sequence[bytes]) -> int | None:
    """The last -Xmx (or -XX:MaxHeapSize=) of a command line, in bytes; None where there is none."""
    found = None
    for word in cmdline:
        text = word.decode("ascii", "replace")
        for prefix in ("-Xmx", "-XX:MaxHeapSize="):
            if text.startswith(prefix):
                found = size_of_text(text[len(prefix) :]) or found
    return found


def _class_space(mappings: Mappings, archive: Sequence[int]) -> Iterator[Claim]:
    """The class space lies directly above the archive of ready-made classes, so that short pointers reach both."""
    if not archive:
        return
    below = max(archive, key=mappings.end.__getitem__)
    for row in _one_reservation(mappings, below + 1, mappings.end[below]):
        evidence = note("java-above-archive")
        label = label_of_part(mappings, row, kinds.JVM_METASPACE, Certainty.LIKELY, evidence, _JAVA)
        yield Claim(mappings.start[row], mappings.end[row], Rank.ALLOCATOR - 1, label)


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
            if at - first == _CLASS_SPACE_USUAL and first % _CLASS_SPACE_ALIGNMENT == 0:
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
        label = Label(kinds.JVM_SAFEPOINT, Certainty.LIKELY, evidence, _JAVA)
        yield Claim(mappings.start[row], mappings.end[row + 1], Rank.RUNTIME, label)
