"""Rules of runtimes that few machines have installed: each asked alone, at the borders of what it claims."""

from types import ModuleType

import pytest

from procmem.classify.runtimes import dotnet, jsc, native_image, partition_alloc, qemu, sbcl, v8, valgrind
from procmem.classify.runtimes.blocks import AnonymousRange, broken_size, mimalloc, openblas_buffer
from procmem.classify.runtimes.detect import Detection, Runtimes
from procmem.model.note import note
from procmem.model.region import Certainty
from tests.support.made_processes import made, record
from tests.support.smaps_text import Record, smaps

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
AT = 0x7F00_0000_0000


def claimed(module: ModuleType, name: str, *records: Record, cmdline: bytes = b"") -> list[tuple[int, int, str]]:
    """Where a rule claims memory, and of which kind; counted from AT."""
    shot, _ = made({"smaps": smaps(list(records)), "cmdline": cmdline})
    assert shot.mappings is not None
    for certainty in (Certainty.GUESS, Certainty.CERTAIN):
        detection = Detection(note("runtime-name"), certainty)
        claims = list(module.claims(shot.mappings, Runtimes({name: detection}, False), shot))
        due = {Certainty.GUESS} if certainty is Certainty.GUESS else {Certainty.LIKELY}
        if module is not qemu:
            assert {claim.label.certainty for claim in claims} <= due
    return [(claim.start - AT, claim.end - AT, str(claim.label.kind)) for claim in claims]


def part(start: int, size: int, perms: str = "rw-p", name: bytes = b"", flags: str = "rd wr mr mw me ac") -> Record:
    """A mapping, counted from AT."""
    return record(AT + start, AT + start + size, perms, name)._replace(flags=flags)


@pytest.mark.parametrize(("size", "is_heap"), [(GIB, True), (GIB - 4096, False)])
def test_the_heap_of_a_native_image(size: int, is_heap: bool) -> None:
    """A gibibyte or more, right behind a file."""
    image = part(-MIB, MIB, "r--p", b"/usr/bin/app")
    heap, rest = part(0, MIB), part(MIB, size - MIB, "---p")
    found = claimed(native_image, "native-image", image, heap, rest)
    assert [(low, high) for low, high, _ in found] == ([(0, MIB), (MIB, size)] if is_heap else [])
    assert len({kind for *_, kind in found}) == (2 if is_heap else 0)
    assert claimed(native_image, "native-image", heap, rest) == []
    away = image._replace(start=image.start - 4096, end=image.end - 4096)
    assert claimed(native_image, "native-image", away, heap, rest) == []


@pytest.mark.parametrize(
    ("used", "closed", "is_heap"),
    [
        (MIB, 16 * GIB - MIB, True), (MIB, 16 * GIB - MIB - 4096, False), (8 * GIB, 8 * GIB, True),
        (8 * GIB + 4096, 8 * GIB - 4096, False), (MIB, 255 * MIB, True), (MIB, 254 * MIB, False),
        (MIB, 4 * GIB - MIB, True), (MIB, 4 * GIB + 255 * MIB, False), (256 * MIB, 0, False),
        (200 * MIB, 56 * MIB, True),
    ],
)  # fmt: skip
def test_the_heap_of_dotnet(used: int, closed: int, is_heap: bool) -> None:
    """16 GiB of which half is closed, or a segment of whole 256 MiB up to 4 GiB, with something closed."""
    records = [part(0, used), *([part(used, closed, "---p")] if closed else [])]
    found = claimed(dotnet, "dotnet", *records)
    assert [low for low, *_ in found] == ([0, used] if is_heap else [])


def test_code_of_dotnet_is_mapped_twice() -> None:
    """By one memfd, whatever the permissions."""
    name = b"/memfd:doublemapper (deleted)"
    records = [part(0, MIB, "rw-s", name), part(4 * MIB, MIB, "r-xs", name), part(8 * MIB, MIB, "rw-s", b"/memfd:x")]
    assert claimed(dotnet, "dotnet", *records) == [(0, MIB, "jit"), (4 * MIB, 5 * MIB, "jit")]


@pytest.mark.parametrize(
    ("size", "flags", "is_heap"), [(256 * MIB, "rd wr nr", True), (256 * MIB - 4096, "rd wr nr", False),
                                   (GIB, "rd wr ac", False)],
)  # fmt: skip
def test_the_cages_of_javascriptcore(size: int, flags: str, is_heap: bool) -> None:
    """256 MiB or more without a reservation of swap; executable memory is code whatever its size."""
    found = claimed(jsc, "jsc", part(0, size, flags=flags), part(2 * GIB, 4096, "rwxp"))
    assert (len(found), found[-1]) == (1 + is_heap, (2 * GIB, 2 * GIB + 4096, "jit"))
    assert claimed(jsc, "jsc", part(0, GIB, "rwxp", b"/tmp/file")) == []


@pytest.mark.parametrize(
    ("start", "end", "is_lisp"),
    [
        (0x5000_0000, 0x5100_0000, True), (0x4FFF_F000, 0x5100_0000, False),
        (0x1F_F000_0000, 0x20_0000_0000, True), (0x1F_F000_0000, 0x20_0000_1000, False),
    ],
)  # fmt: skip
def test_the_spaces_of_sbcl(start: int, end: int, is_lisp: bool) -> None:
    """Writable memory between its fixed addresses; and its core file, wherever it lies."""
    core = part(0, MIB, "r--p", b"/usr/lib/sbcl/sbcl.core")
    found = claimed(sbcl, "sbcl", record(start, end), record(0x6000_0000, 0x6000_1000, "r--p"), core)
    assert found[-1] == (0, MIB, "sbcl")
    assert [(low + AT, high + AT) for low, high, _ in found[:-1]] == ([(start, end)] if is_lisp else [])


def test_all_that_is_writable_is_valgrinds() -> None:
    """But files, and what may only be read."""
    records = [part(0, MIB), part(2 * MIB, MIB, "r--p"), part(4 * MIB, MIB, "rwxp"), part(6 * MIB, MIB, "rw-p", b"/f")]
    assert [low for low, *_ in claimed(valgrind, "valgrind", *records)] == [0, 4 * MIB]


def ram(*sizes: int, hole: int = 4096) -> list[Record]:
    """Writable mappings with holes between them."""
    records, at = [], 4096
    for size in sizes:
        records.append(part(at, size))
        at += size + hole
    return records


@pytest.mark.parametrize(
    ("sizes", "hole", "rows"),
    [
        ((512 * MIB,), 4096, 1), ((512 * MIB - 4096,), 4096, 0), ((256 * MIB, 256 * MIB), 64 * KIB, 2),
        ((256 * MIB, 256 * MIB), 64 * KIB + 4096, 0), ((592 * MIB,), 4096, 1), ((592 * MIB + 4096,), 4096, 0),
        ((4096, 512 * MIB), 64 * KIB, 2), ((513 * MIB, 512 * MIB), MIB, 1),
    ],
)  # fmt: skip
def test_the_memory_of_a_guest(sizes: tuple[int, ...], hole: int, rows: int) -> None:
    """As much as -m says, or an eighth and 16 MiB more; holes of 64 KiB are let through, and the nearest size wins."""
    records = ram(*sizes, hole=hole)
    found = claimed(qemu, "qemu", *records, cmdline=b"qemu\0-m\x00512\0")
    assert len(found) == rows
    if sizes == (513 * MIB, 512 * MIB):
        assert found[0][1] - found[0][0] == 512 * MIB


@pytest.mark.parametrize(("start", "guard", "is_device"), [(0, 4096, True), (0, 64 * KIB, True), (4096, 4096, False),
                                                           (0, 64 * KIB + 4096, False), (0, 0, False)])  # fmt: skip
def test_the_memory_of_devices(start: int, guard: int, is_device: bool) -> None:
    """Aligned to huge pages, with a guard behind; what may be executed is translated code."""
    records = [part(start, MIB), *([part(start + MIB, guard, "---p")] if guard else []), part(GIB, MIB, "rwxp")]
    found = claimed(qemu, "qemu", *records, cmdline=b"qemu\0-m\x00512\0")
    assert [low for low, *_ in found] == ([start, GIB] if is_device else [GIB])


def block(start: int, size: int, *, noreserve: bool = False) -> AnonymousRange:
    """A range that nothing else explains."""
    return AnonymousRange(start, start + size, may_be_malloc=False, noreserve=noreserve)


def test_buffers_of_openblas() -> None:
    """Whole ones of 32 MiB, aligned, with swap reserved."""
    whole = 32 * MIB
    assert openblas_buffer(block(AT, whole))
    assert openblas_buffer(block(AT, 3 * whole))
    for other in (block(AT, whole // 2), block(AT, whole + 4096), block(AT + 4096, whole), block(AT, 0),
                  block(AT, whole, noreserve=True)):  # fmt: skip
        assert not openblas_buffer(other)
    assert broken_size(block(AT, MIB + 4096))
    assert not broken_size(block(AT, 2 * MIB))


def test_segments_of_mimalloc() -> None:
    """Where its hints lie, or in whole segments of 4 MiB without a reservation of swap."""
    low, high = 2 << 40, 30 << 40
    assert [mimalloc(block(at, MIB)) for at in (low - MIB, low, high - MIB, high)] == [False, True, True, False]
    assert mimalloc(block(AT, MIB, noreserve=True))
    assert not mimalloc(block(AT, MIB))
    assert not mimalloc(block(AT + 2 * MIB, MIB, noreserve=True))


POOL, SUPER_PAGE = 16 * GIB, 2 * MIB


@pytest.mark.parametrize(
    ("first", "used", "size", "is_pool"),
    [
        (4096, MIB, POOL, True), (64 * KIB, MIB, POOL, True), (64 * KIB + 4096, MIB, POOL, False),
        (SUPER_PAGE + 4096, MIB, POOL, True), (4096, MIB, GIB, True), (4096, MIB, GIB - 4096, False),
        (4096, GIB // 2, GIB, True), (4096, GIB // 2 + 4096, GIB, False),
    ],
)  # fmt: skip
def test_pools_of_partition_alloc(first: int, used: int, size: int, is_pool: bool) -> None:
    """A gibibyte or more, used by half at most, that begins with a guard of up to 64 KiB before a super page's use."""
    records = [part(0, first, "---p"), part(first, used), part(first + used, size - first - used, "---p")]
    found = claimed(partition_alloc, "partition-alloc", *records)
    assert [low for low, *_ in found] == ([0, first, first + used] if is_pool else [])


@pytest.mark.parametrize(
    ("size", "used", "end", "is_table"),
    [
        (8 * GIB, 16 * KIB, 48 * KIB, True), (8 * GIB - 4096, 16 * KIB, 48 * KIB, False),
        (8 * GIB, 64 * KIB, 64 * KIB, True), (8 * GIB, 68 * KIB, 68 * KIB, False),
        (8 * GIB, 16 * KIB, 68 * KIB, False),
    ],
)  # fmt: skip
def test_descriptors_of_partition_alloc(size: int, used: int, end: int, is_table: bool) -> None:
    """Small pieces at the beginning of super pages, in 8 GiB or more that need no alignment."""
    start = 64 * KIB  # no pool begins here
    first = start + SUPER_PAGE + end - used
    records = [
        part(start, first - start, "---p"), part(first, used), part(first + used, start + size - first - used, "---p"),
    ]  # fmt: skip
    assert bool(claimed(partition_alloc, "partition-alloc", *records)) == is_table


@pytest.mark.parametrize(
    ("start", "perms", "is_page"),
    [
        (1 << 44, "rw-p", True), ((1 << 44) + 4096, "rw-p", False), ((1 << 46) - 256 * KIB, "r--p", True),
        (1 << 46, "rw-p", False), (1 << 44, "---p", False), (1 << 46, "---p", False),
    ],
)  # fmt: skip
def test_pages_of_v8(start: int, perms: str, is_page: bool) -> None:
    """Below 2**46, at multiples of 256 KiB, and accessible."""
    found = claimed(v8, "v8", record(start, start + 256 * KIB, perms))
    assert [kind for *_, kind in found] == (["v8"] if is_page else [])
