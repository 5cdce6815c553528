"""Where runtimes have their memory by design: each border from both sides, and what is said of each part."""

from types import ModuleType

import pytest

from procmem.classify.partition import Rank
from procmem.classify.runtimes import dotnet, ghc, go, innodb, native_image, partition_alloc, qemu, sanitizers, v8, wine
from procmem.classify.runtimes.detect import Detection, Runtimes
from procmem.model import kinds, owners
from procmem.model.kinds import Kind, Part, Role, object_kind
from procmem.model.note import note
from procmem.model.region import Certainty, Claim, Label
from tests.support.made_processes import made, record
from tests.support.smaps_text import Record, smaps

PAGE, MIB, GIB, TIB = 4096, 1 << 20, 1 << 30, 1 << 40
LIKELY, GUESS, CERTAIN = Certainty.LIKELY, Certainty.GUESS, Certainty.CERTAIN
AT = 5 * GIB
SURE, UNSURE = (Detection(note("unexplained"), sure) for sure in (CERTAIN, GUESS))


def claims(
    module: ModuleType, name: str, *rows: Record, seen: Detection = SURE, static: bool = False, cmdline: bytes = b""
) -> list[Claim]:
    """What a runtime's rule claims in these mappings."""
    shot, _ = made({"smaps": smaps(list(rows)), "cmdline": cmdline})
    assert shot.mappings is not None
    return list(module.claims(shot.mappings, Runtimes({name: seen}, static), shot))


def part(start: int, size: int, perms: str = "rw-p", name: bytes = b"", flags: str = "rd wr mr mw me ac") -> Record:
    """A mapping by its size."""
    return record(start, start + size, perms, name)._replace(flags=flags)


def places(found: list[Claim]) -> list[tuple[int, int, Kind]]:
    """Where, and what."""
    return [(one.start, one.end, one.label.kind) for one in found]


def labels(found: list[Claim]) -> list[tuple[int, Label]]:
    """With how much weight, and all that is said."""
    return [(one.rank, one.label) for one in found]


# Sanitizers

SHADOWS = [
    ("asan", 0x7FFF_7000, 0x1000_7FFF_8000),
    ("msan", 0x0800_0000_0000, 0x6000_0000_0000),
    ("tsan", 0x0100_0000_0000, 0x3800_0000_0000),
    ("tsan", 0x6000_0000_0000, 0x6200_0000_0000),
]
ALLOCATORS = [
    ("asan", 0x6000_0000_0000, 0x6500_0000_0000),
    ("asan", 0x5000_0000_0000, 0x5400_0000_0000),
    ("msan", 0x7000_0000_0000, 0x7200_0000_0000),
    ("tsan", 0x7B00_0000_0000, 0x7C00_0000_0000),
    ("tsan", 0x7200_0000_0000, 0x7400_0000_0000),
]


@pytest.mark.parametrize(("tool", "low", "high"), SHADOWS)
def test_shadow_memory(tool: str, low: int, high: int) -> None:
    """All of a mapping lies in the tool's range; what is closed is kept for it."""
    shadow, reserve = kinds.SANITIZER_SHADOW, kinds.SANITIZER_RESERVE
    first, last = part(low, MIB), part(high - MIB, MIB, "---p")
    owner, seen = owners.Allocator(tool.encode()), note("sanitizer-shadow", tool=tool)
    found = claims(sanitizers, tool, first, last)
    assert places(found) == [(low, low + MIB, shadow), (high - MIB, high, reserve)]
    assert labels(found)[0] == (Rank.RUNTIME, Label(shadow, LIKELY, seen, owner))
    for row in (part(low - PAGE, MIB), part(high - MIB, MIB + PAGE)):
        assert claims(sanitizers, tool, row) == []


@pytest.mark.parametrize(("tool", "low", "high"), ALLOCATORS)
def test_the_allocator_of_a_sanitizer(tool: str, low: int, high: int) -> None:
    """A mapping that begins in the tool's range is the allocator's as far as that goes."""
    heap = kinds.SANITIZER_HEAP
    owner, seen = owners.Allocator(tool.encode()), note("sanitizer-allocator", tool=tool)
    found = claims(sanitizers, tool, part(low, MIB), part(high - PAGE, MIB), seen=UNSURE)
    assert places(found) == [(low, low + MIB, heap), (high - PAGE, high, heap)]
    assert labels(found)[0] == (Rank.RUNTIME, Label(heap, GUESS, seen, owner))
    for row in (part(low - PAGE, MIB), part(high, MIB)):
        assert [one for one in claims(sanitizers, tool, row) if one.label.kind is heap] == []


def test_what_is_no_sanitizers() -> None:
    """Files, and what has a name of its own; of what lies behind them all is looked at."""
    low = 0x6000_0000_0000
    rows = [part(low, MIB, name=b"/x"), part(low + MIB, MIB, name=b"[heap]"), part(low + 2 * MIB, MIB)]
    assert places(claims(sanitizers, "asan", *rows)) == [(low + 2 * MIB, low + 3 * MIB, kinds.SANITIZER_HEAP)]
    named = part(low, MIB, name=b"[anon:whatever]")
    assert len(claims(sanitizers, "asan", named)) == 1
    assert claims(sanitizers, "msan", part(low + TIB, MIB)) == []


# .NET

SEGMENT = 256 * MIB


def test_parts_of_the_heap_of_dotnet() -> None:
    """What is accessible, and what is kept for it; each reservation is looked at."""
    rows = [part(AT, MIB), part(AT + MIB, SEGMENT - MIB, "---p"), part(AT + GIB, MIB), part(AT + 2 * GIB, MIB, "---p")]
    rows += [part(AT + 3 * GIB, MIB), part(AT + 3 * GIB + MIB, SEGMENT - MIB, "---p")]
    found = claims(dotnet, "dotnet", *rows)
    assert [one.start for one in found] == [rows[at].start for at in (0, 1, 4, 5)]
    seen, owner = note("dotnet-space", size=SEGMENT), owners.Allocator(b".NET")
    assert labels(found)[:2] == [
        (Rank.RUNTIME, Label(kinds.DOTNET, LIKELY, seen, owner)),
        (Rank.RUNTIME, Label(kinds.DOTNET_RESERVE, LIKELY, seen, owner)),
    ]


@pytest.mark.parametrize(
    ("used", "closed", "is_heap"),
    [
        (16 * GIB + PAGE, PAGE, False),
        (16 * GIB + PAGE, 0, False),
        (8 * GIB + PAGE, 8 * GIB + PAGE, True),
        (10 * GIB, 10 * GIB - PAGE, False),
        (4 * GIB, SEGMENT, False),
        (PAGE, 16 * GIB, True),
    ],
)
def test_which_reservations_are_dotnets(used: int, closed: int, is_heap: bool) -> None:
    """Large ones of which no more is used than is kept, or segments."""
    rows = [part(AT, used), *([part(AT + used, closed, "---p")] if closed else [])]
    assert bool(claims(dotnet, "dotnet", *rows)) is is_heap


def test_code_that_dotnet_maps_twice() -> None:
    """A claim on that very file."""
    row = part(AT, MIB, "rw-s", b"/memfd:doublemapper (deleted)")
    label = Label(kinds.JIT, GUESS, note("dotnet-double-mapped"), owners.Allocator(b".NET"))
    assert claims(dotnet, "dotnet", row, seen=UNSURE) == [
        Claim(AT, AT + MIB, Rank.RUNTIME, label, file=("00:01", row.inode))
    ]


# Images that GraalVM made


def test_parts_of_the_heap_of_a_native_image() -> None:
    """Behind the file, whatever other reservations there are before it and behind it."""
    alone = [part(AT - GIB, MIB), part(AT - GIB + MIB, MIB, "---p")]
    image = part(AT, MIB, "r--p", b"/usr/bin/app")
    heap = [part(AT + MIB, MIB), part(AT + 2 * MIB, GIB, "---p")]
    small = [part(AT + 2 * GIB, MIB, "r--p", b"/usr/bin/app"), part(AT + 2 * GIB + MIB, MIB)]
    again = [part(AT + 3 * GIB, MIB, "r--p", b"/usr/bin/app"), part(AT + 3 * GIB + MIB, GIB)]
    found = claims(native_image, "native-image", *alone, image, *heap, *small, *again)
    assert [one.start for one in found] == [heap[0].start, heap[1].start, again[1].start]
    seen, owner = note("native-image-space", size=GIB + MIB), owners.Allocator(b"GraalVM native image")
    assert labels(found)[:2] == [
        (Rank.RUNTIME, Label(kinds.NATIVE_IMAGE, LIKELY, seen, owner)),
        (Rank.RUNTIME, Label(kinds.NATIVE_IMAGE_RESERVE, LIKELY, seen, owner)),
    ]


def test_a_reservation_behind_something_else_is_no_native_images() -> None:
    """The heap that brk made, or nothing."""
    heap = [part(AT + MIB, MIB), part(AT + 2 * MIB, GIB, "---p")]
    assert claims(native_image, "native-image", part(AT, MIB, name=b"[heap]"), *heap) == []
    last = part(AT + 4 * GIB, MIB, "r--p", b"/usr/bin/app")
    last = last._replace(start=heap[0].start - MIB, end=heap[0].start)
    assert claims(native_image, "native-image", *heap, last) == []


# InnoDB

SPACE = 8 * TIB


def innodb_rows(used: int, closed: int, *, below: int = 0, gap: int = 0) -> list[Record]:
    """What merged from below, the pool in use, and what is left of its space."""
    start = AT + below + used
    return [part(AT, below + used), part(start + gap, closed, "---p")]


@pytest.mark.parametrize(
    ("used", "closed", "below", "gap", "is_pool"),
    [
        (MIB, SPACE - MIB, 0, 0, True),
        (MIB, SPACE - MIB, PAGE, 0, True),
        (MIB, SPACE - MIB - PAGE, 0, 0, False),
        (MIB, SPACE - MIB, PAGE, PAGE, False),
        (MIB, SPACE, 0, 0, False),
        (MIB, SPACE - PAGE, 0, 0, True),
        (MIB, SPACE + PAGE, 0, 0, False),
    ],
)
def test_the_pool_of_innodb(used: int, closed: int, below: int, gap: int, is_pool: bool) -> None:
    """Its space is told by its size, from its end down; some of it is in use."""
    rows = innodb_rows(used, closed, below=below, gap=gap)
    found = claims(innodb, "innodb", *rows)
    first = rows[1].end - SPACE
    expected = [(first, rows[1].start, kinds.INNODB), (rows[1].start, rows[1].end, kinds.INNODB_RESERVE)]
    assert places(found) == (expected if is_pool else [])
    if is_pool:
        owner, seen = owners.Allocator(b"InnoDB"), note("innodb-space", size=SPACE)
        assert labels(found)[0] == (Rank.RUNTIME, Label(kinds.INNODB, LIKELY, seen, owner))


@pytest.mark.parametrize(
    ("at", "change"),
    [
        (0, {"perms": "r--p"}),
        (0, {"perms": "rw-s"}),
        (0, {"name": b"[heap]"}),
        (0, {"inode": 3}),
        (1, {"perms": "r--p"}),
        (1, {"perms": "---s"}),
        (1, {"inode": 3}),
    ],
)
def test_what_is_no_pool_of_innodb(at: int, change: dict[str, object]) -> None:
    """Another sort of memory; a pool behind it is found all the same."""
    rows = innodb_rows(MIB, SPACE - MIB)
    rows[at] = rows[at]._replace(**change)  # type: ignore[arg-type]
    other = [
        one._replace(start=one.start + 2 * SPACE, end=one.end + 2 * SPACE) for one in innodb_rows(MIB, SPACE - MIB)
    ]
    found = claims(innodb, "innodb", *rows, *other)
    assert [one.start for one in found] == [other[0].start, other[1].start]


# Go, Haskell

GO = 0xC0_0000_0000


@pytest.mark.parametrize(
    ("start", "static", "kind"),
    [
        (GO, False, kinds.GO_HEAP),
        (GO - PAGE, False, None),
        (GO + TIB - PAGE, False, kinds.GO_HEAP),
        (GO + TIB, False, None),
        (GO, True, kinds.GO_HEAP),
        (GO - PAGE, True, kinds.GO_RUNTIME),
    ],
)
def test_the_heap_of_go(start: int, static: bool, kind: Kind | None) -> None:
    """A tebibyte of addresses; elsewhere a static program has nothing but Go's."""
    found = claims(go, "go", part(start, PAGE), static=static)
    assert places(found) == ([] if kind is None else [(start, start + PAGE, kind)])
    closed = claims(go, "go", part(start, PAGE, "---p"), static=static)
    reserves = {kinds.GO_HEAP: kinds.GO_HEAP_RESERVE, kinds.GO_RUNTIME: kinds.GO_RUNTIME_RESERVE}
    assert [one.label.kind for one in closed] == ([] if kind is None else [reserves[kind]])


@pytest.mark.parametrize(
    ("row", "is_gos"),
    [
        (part(GO, PAGE, "r-xp"), False),
        (part(GO, PAGE, "rwxp"), True),
        (part(GO, PAGE, "r--p"), True),
        (part(GO, PAGE, flags="rd wr gd"), False),
        (part(GO, PAGE, name=b"/x"), False),
        (part(GO, PAGE, "rw-s"), False),
    ],
)
def test_what_is_no_memory_of_go(row: Record, is_gos: bool) -> None:
    """Code, a stack that grows, a file; what lies behind is looked at too."""
    found = claims(go, "go", row, part(GO + MIB, PAGE))
    assert [one.start for one in found] == ([GO] if is_gos else []) + [GO + MIB]


HASKELL = 0x42_0000_0000


@pytest.mark.parametrize(
    ("start", "size", "sure"),
    [
        (HASKELL, 64 * GIB, LIKELY),
        (HASKELL, 64 * GIB - PAGE, GUESS),
        (HASKELL + PAGE, 64 * GIB, None),
        (HASKELL - PAGE, 64 * GIB, None),
    ],
)
def test_the_heap_of_haskell(start: int, size: int, sure: Certainty | None) -> None:
    """At its place; with the usual size that is likely whatever is known of the runtime."""
    rows = [part(GIB, MIB), part(start, MIB), part(start + MIB, size - MIB, "---p")]
    found = claims(ghc, "ghc", *rows, seen=UNSURE)
    seen, owner = note("ghc-space", start=start, size=size), owners.Allocator(b"Haskell runtime")
    assert labels(found) == (
        []
        if sure is None
        else [
            (Rank.RUNTIME, Label(kinds.GHC, sure, seen, owner)),
            (Rank.RUNTIME, Label(kinds.GHC_RESERVE, sure, seen, owner)),
        ]
    )


# PartitionAlloc


def test_pools_of_partition_alloc_behind_what_is_none() -> None:
    """A small reservation, and one that is used too much."""
    pool = [part(4 * GIB, PAGE, "---p"), part(4 * GIB + PAGE, MIB), part(4 * GIB + PAGE + MIB, GIB, "---p")]
    found = claims(partition_alloc, "partition-alloc", part(GIB, MIB), part(2 * GIB, GIB), *pool)
    seen = note("partition-pool", size=GIB + MIB + PAGE)
    owner = owners.Allocator(b"PartitionAlloc")
    rest = (Rank.RUNTIME, Label(kinds.PARTITION_ALLOC_RESERVE, LIKELY, seen, owner))
    assert labels(found) == [rest, (Rank.RUNTIME, Label(kinds.PARTITION_ALLOC, LIKELY, seen, owner)), rest]
    code = [pool[0], pool[1]._replace(perms="rwxp"), pool[2]]
    assert claims(partition_alloc, "partition-alloc", *code) == []


# V8

V8_PAGE = 256 << 10


def test_pages_and_code_of_v8() -> None:
    """Each by itself, whatever lies before it."""
    rows = [part(AT, MIB, name=b"/x"), part(AT + MIB, PAGE, "rwxp"), part(AT + 2 * MIB, V8_PAGE)]
    owner = owners.Allocator(b"V8")
    assert labels(claims(v8, "v8", *rows)) == [
        (Rank.RUNTIME, Label(kinds.V8_CODE, LIKELY, note("v8-executable"), owner)),
        (Rank.RUNTIME, Label(kinds.V8, LIKELY, note("v8-page"), owner)),
    ]
    assert claims(v8, "v8", part(AT + PAGE, V8_PAGE)) == []


@pytest.mark.parametrize(
    ("page", "other", "starts"),
    [
        ("rd wr mr mw me dc nr", "rd wr mr mw me nr hg", [AT]),
        ("rd wr mr mw me dc nr", "rd wr mr mw me dc nr", [AT, AT + 2 * GIB]),
        ("rd wr mr mw me nr", "rd wr mr mw me nr hg", [AT, AT + 2 * GIB]),
    ],
)
def test_unmarked_memory_among_marked_pages_is_not_v8s(page: str, other: str, starts: list[int]) -> None:
    """Node keeps all that V8 maps from children; an extension's allocator (mimalloc) asks for low addresses as well."""
    found = claims(v8, "v8", part(AT, V8_PAGE, flags=page), part(AT + 2 * GIB, GIB, flags=other))
    assert [one.start for one in found] == starts


FAR = (1 << 46) + 12 * GIB
"""Where no page of V8 is looked for."""


@pytest.mark.parametrize(
    ("start", "closed", "used", "marked", "kind"),
    [
        (FAR + PAGE, 4 * GIB, 1, True, kinds.WASM_MEMORY),
        (FAR + PAGE, 4 * GIB - PAGE, 1, True, None),
        (FAR + PAGE, 4 * GIB, 2, True, kinds.WASM_MEMORY),
        (FAR + PAGE, 4 * GIB, 3, True, None),
        (FAR, 4 * GIB, 1, True, kinds.WASM_MEMORY),
        (FAR, 4 * GIB, 1, False, kinds.V8),
        (FAR, 4 * GIB, 3, False, kinds.V8),
        (FAR, GIB - 64 * 1024, 1, False, kinds.V8),
        (FAR, GIB - 64 * 1024 - PAGE, 1, False, None),
        (FAR + 512 * MIB, 4 * GIB, 1, False, kinds.WASM_MEMORY),
        (FAR, 4 * GIB, 0, False, kinds.WASM_MEMORY),
    ],
)
def test_reservations_of_v8(start: int, closed: int, used: int, marked: bool, kind: Kind | None) -> None:
    """Memories of WebAssembly, of one or two pieces, in 4 GiB; cages at multiples of 1 GiB that are not marked."""
    flags = "rd wr dc" if marked else "rd wr"
    size = 64 * 1024
    rows = [
        part(start + at * size, size, "rw-p" if at % 2 == 0 else "rwxp"[:2] + "-p", flags=flags) for at in range(used)
    ]
    rows = [one._replace(flags=f"{flags} {'hg' * (at % 2)}".strip()) for at, one in enumerate(rows)]
    rows.append(part(start + used * size, closed, "---p", flags=flags))
    found = claims(v8, "v8", *rows)
    assert {one.label.kind for one in found} == (
        set() if kind is None else {kind, kinds.V8_RESERVE} - ({kind} if not used else set())
    )
    if kind is not None:
        assert places(found)[-1] == (rows[-1].start, rows[-1].end, kinds.V8_RESERVE)
        assert len(found) == len(rows)


@pytest.mark.parametrize(
    ("used", "closed", "kind"),
    [("rd wr", "mr dc", kinds.V8), ("rd wr dc", "mr", kinds.WASM_MEMORY), ("", "mr dc", kinds.V8)],
)
def test_marks_count_on_what_is_in_use(used: str, closed: str, kind: Kind) -> None:
    """A cage has a part that is not marked."""
    rows = [part(FAR, MIB, flags=used), part(FAR + MIB, 4 * GIB, "---p", flags=closed)]
    open_before = part(FAR - GIB, MIB)
    assert claims(v8, "v8", open_before, *rows)[0].label.kind is kind


# Wine


def test_images_of_wine() -> None:
    """The file's parts, and anonymous memory that adjoins them from above; up to the next name or gap."""
    program, library = b"/c/app.EXE", b"/c/x.dll"
    rows = [
        part(AT, PAGE, "r--p", program),
        part(AT + PAGE, PAGE, "r-xp"),
        part(AT + 2 * PAGE, PAGE, "rw-p"),
        part(AT + 4 * PAGE, PAGE, "rw-p"),
        part(AT + MIB, PAGE, "r--p", library),
        part(AT + MIB + PAGE, PAGE, "r-xp"),
        part(AT + MIB + 2 * PAGE, PAGE, "rw-p", b"[heap]"),
        part(AT + MIB + 3 * PAGE, PAGE, "rw-p"),
        part(AT + 2 * MIB, PAGE, "r--p", library),
        part(AT + 2 * MIB + PAGE, PAGE, "r--p", b"/lib/x.so"),
        part(AT + 2 * MIB + 2 * PAGE, PAGE, "rw-p"),
    ]
    found = claims(wine, "wine", *rows)
    exe, lib = Role.EXE, Role.LIB
    assert places(found) == [
        (rows[at].start, rows[at].end, object_kind(role, what))
        for at, role, what in (
            (0, exe, Part.RODATA),
            (1, exe, Part.TEXT),
            (2, exe, Part.DATA),
            (4, lib, Part.RODATA),
            (5, lib, Part.TEXT),
            (8, lib, Part.RODATA),
        )
    ]
    seen = note("pe-section", object=program)
    assert [one.file for one in found[:2]] == [("00:01", rows[0].inode), None]
    assert labels(found)[:2] == [
        (Rank.RUNTIME, Label(object_kind(exe, what), sure, seen, owners.ObjectFile(program)))
        for what, sure in ((Part.RODATA, LIKELY), (Part.TEXT, GUESS))
    ]


# qemu


@pytest.mark.parametrize(
    ("size", "cmdline", "is_guests"),
    [
        (128 * MIB, b"qemu\0", True),
        (128 * MIB - PAGE, b"qemu\0", False),
        (160 * MIB, b"qemu\0", True),
        (160 * MIB + PAGE, b"qemu\0", False),
        (128 * MIB, b"qemu\0-m\x00128\0", True),
    ],
)
def test_the_memory_of_a_guest(size: int, cmdline: bytes, is_guests: bool) -> None:
    """128 MiB where nothing is asked for; an eighth and 16 MiB more may lie in it."""
    rows = [part(AT + PAGE, size), part(AT + GIB, MIB, "r--p"), part(AT + GIB + MIB, size, name=b"/x")]
    found = claims(qemu, "qemu", *rows, cmdline=cmdline)
    label = Label(kinds.GUEST_RAM, LIKELY, note("qemu-memory", size=128 * MIB), owners.Allocator(b"virtual machine"))
    assert found == ([Claim(rows[0].start, rows[0].end, Rank.RUNTIME, label)] if is_guests else [])


def test_of_several_runs_the_nearest_in_size_is_the_guests() -> None:
    """The first of those that are equal; a run ends where it has enough."""
    larger, fitting, other = (
        part(AT + PAGE, 130 * MIB),
        part(AT + GIB + PAGE, 129 * MIB),
        part(AT + 2 * GIB + PAGE, 129 * MIB),
    )
    assert [one.start for one in claims(qemu, "qemu", larger, fitting, other)] == [fitting.start]
    behind = part(fitting.end, MIB)
    assert [one.start for one in claims(qemu, "qemu", fitting, behind)] == [fitting.start]
    before = part(fitting.start - MIB, MIB, flags="rd wr hg")
    assert [one.start for one in claims(qemu, "qemu", before, fitting)] == [before.start, fitting.start]


def test_memory_of_qemu_that_is_not_the_guests_own() -> None:
    """Of devices, which yields to other claims; and translated code."""
    rows = [part(AT, MIB), part(AT + MIB, PAGE, "---p"), part(AT + GIB, MIB, "rwxp"), part(AT + 2 * GIB, MIB, "r-xp")]
    owner = owners.Allocator(b"virtual machine")
    assert labels(claims(qemu, "qemu", *rows)) == [
        (Rank.ALLOCATOR, Label(kinds.GUEST_RAM, GUESS, note("qemu-device-memory"), owner)),
        (Rank.RUNTIME, Label(kinds.JIT, LIKELY, note("qemu-translated"), owner)),
    ]
    for behind in (
        part(AT + MIB, PAGE, "r--p"),
        part(AT + MIB, PAGE, "---p", b"/x"),
        part(AT + MIB + PAGE, PAGE, "---p"),
    ):
        assert claims(qemu, "qemu", rows[0], behind) == []
