"""What programs that nobody here wrote look like in a bare maps text: no figures, no files, no memory to look into.

Lines are patterns seen in public reports, with the names shortened. Nothing in such a text is certain but the kernel's
own names; what is only likely or a guess still has to be the right story.
"""

import pytest

from procmem.model.region import Certainty, Regions
from tests.support.made_processes import made

GLIBC = "7f32ce000000-7f32ce17a000 r-xp 00000000 08:01 1401 /lib64/libc-2.12.so"
STACK = "7fff6b1c1000-7fff6b1d6000 rw-p 00000000 00:00 0 [stack]"
CHROME = "55d010000000-55d018000000 r-xp 00000000 08:01 1500 /opt/google/chrome/chrome"
LIBJVM = "7f32cd000000-7f32cd900000 r-xp 00000000 08:01 1400 /usr/java/jre/lib/amd64/server/libjvm.so"


def regions_of(*lines: str) -> Regions:
    """The regions of a process of which only maps is known."""
    _, regions = made({"maps": "".join(f"{line}\n" for line in lines).encode()}, machine=None)
    assert regions is not None
    return regions


def said(*lines: str) -> dict[str, str]:
    """Class, kind and certainty of each region, by its first address."""
    regions = regions_of(*lines)
    return {
        f"{start:x}": f"{label.cls.value}/{label.kind} {label.certainty.value}"
        for start, label in zip(regions.start, regions.label, strict=True)
    }


def test_where_everything_is_executable_x_says_nothing() -> None:
    """READ_IMPLIES_EXEC: arenas, stacks and data are what they would be without x."""
    found = said(
        "00400000-00401000 r-xp 00000000 08:01 1311 /usr/bin/thing",
        "00601000-00602000 rwxp 00001000 08:01 1311 /usr/bin/thing",
        "01f05000-01f26000 rwxp 00000000 00:00 0 [heap]",
        "7f3268000000-7f326bffb000 rwxp 00000000 00:00 0",
        "7f326bffb000-7f326c000000 ---p 00000000 00:00 0",
        "7f32c0000000-7f32c0021000 rwxp 00000000 00:00 0",
        "7f32c0021000-7f32c4000000 ---p 00000000 00:00 0",
        GLIBC,
        STACK.replace("rw-p", "rwxp"),
    )
    assert found["601000"] == "data/exe-data likely"
    assert found["7f3268000000"] == found["7f32c0000000"] == "heap/glibc-arena likely"
    assert "jit" not in "".join(found.values())


def test_a_code_cache_beside_other_memory_is_code() -> None:
    """There x says something."""
    found = said(
        "01f05000-01f26000 rw-p 00000000 00:00 0 [heap]",
        "7f32b0000000-7f32b1000000 rw-p 00000000 00:00 0",
        "7f32b2000000-7f32b2100000 rwxp 00000000 00:00 0",
        "7f32b3000000-7f32b3100000 rwxp 00000000 00:00 0",
        GLIBC,
        STACK,
    )
    assert found["7f32b2000000"] == found["7f32b3000000"] == "jit/jit guess"  # it could be a heap as well


def test_code_on_reserved_huge_pages() -> None:
    """As PHP has its JIT buffer; what is private may be the program's own code, moved there."""
    name = "00:0f 78 /anon_hugepage (deleted)"
    found = said(
        f"7fffad600000-7fffed600000 rw-s 00000000 {name}",
        f"7fffed600000-7ffff5600000 r-xs 40000000 {name}",
        "7ffff5600000-7ffff5800000 r-xp 00000000 00:0f 79 /anon_hugepage (deleted)",
        "7ffff5800000-7ffff5a00000 rw-p 00000000 00:0f 80 /anon_hugepage (deleted)",
        GLIBC,
    )
    assert found["7fffad600000"] == "shm/hugetlb certain"
    assert found["7fffed600000"] == "jit/jit likely"
    assert found["7ffff5600000"] == "jit/jit guess"
    assert found["7ffff5800000"] == "mmap/hugetlb likely"


@pytest.mark.parametrize(
    ("used", "rest", "expected"),
    [
        ("7f1c3c000000-7f1c3c021000", "7f1c3c021000-7f1c40000000", "heap/glibc-arena likely"),
        # the inaccessible part goes on beyond the block: somebody else's reservation
        ("7f1c3c000000-7f1c3c800000", "7f1c3c800000-7f1d00000000", "heap/allocator-unknown guess"),
    ],
)
def test_an_arena_ends_where_its_block_does(used: str, rest: str, expected: str) -> None:
    """Glibc's new_heap() maps just 64 MiB."""
    found = said(f"{used} rw-p 00000000 00:00 0", f"{rest} ---p 00000000 00:00 0", GLIBC, STACK)
    assert found[used.split("-", maxsplit=1)[0]] == expected


@pytest.mark.parametrize(
    ("lines", "start", "expected"),
    [
        (
            ("4200000000-4200800000 rw-p 00000000 00:00 0", "4200800000-14200000000 ---p 00000000 00:00 0", GLIBC),
            "4200000000",
            "heap/ghc likely",
        ),
        (("c000000000-c000400000 rw-p 00000000 00:00 0", GLIBC), "c000000000", "heap/go-heap guess"),
        (
            (
                "7fff7000-8fff7000 rw-p 00000000 00:00 0",
                "8fff7000-2008fff7000 ---p 00000000 00:00 0",
                "2008fff7000-10007fff8000 rw-p 00000000 00:00 0",
                GLIBC,
            ),
            "2008fff7000",
            "mmap/sanitizer-shadow guess",
        ),
        (
            (
                "7bc000000-7c0000000 rw-p 00000000 00:00 0",
                "7c0000000-7c0820000 rw-p 00000000 00:00 0",
                "7c0820000-800000000 ---p 00000000 00:00 0",
                LIBJVM,
            ),
            "7c0000000",
            "heap/jvm-metaspace likely",
        ),
        (
            (
                "f0000000-f6400000 rw-p 00000000 00:00 0",
                "f6400000-100000000 ---p 00000000 00:00 0",
                "100000000-100060000 rw-p 00000000 00:00 0",
                "100060000-140000000 ---p 00000000 00:00 0",
                LIBJVM,
            ),
            "100000000",
            "heap/jvm-metaspace likely",
        ),
        *[
            (
                (
                    "770656000000-770668000000 rw-p 00000000 00:00 0",
                    "770668000000-7f0658000000 ---p 00000000 00:00 0",
                    "55d010000000-55d018000000 r-xp 00000000 08:01 1500 /usr/sbin/mariadbd",
                    GLIBC,
                ),
                start,
                expected,
            )
            for start, expected in (
                ("770656000000", "heap/glibc-main-mmap guess"),
                ("770658000000", "heap/innodb likely"),
                ("770668000000", "reserved/innodb-reserve likely"),
            )
        ],
        (("7f2000000000-7f2000401000 rw-p 00000000 00:00 0", LIBJVM, GLIBC), "7f2000000000",
         "heap/glibc-mmap-chunk guess"),
        (("7f2000000000-7f2000800000 rw-p 00000000 00:00 0", LIBJVM, GLIBC), "7f2000000000", "heap/jvm-gc guess"),
        (("7f0000000000-7f0100000000 rw-s 00000000 00:0f 12 /memfd:java_heap (deleted)", LIBJVM), "7f0000000000",
         "heap/jvm-heap likely"),
        *[
            (
                (
                    "230000000000-230400002000 ---p 00000000 00:00 0",
                    "230400002000-230400003000 rw-p 00000000 00:00 0",
                    "230400003000-230400004000 ---p 00000000 00:00 0",
                    "230400004000-2304001fc000 rw-p 00000000 00:00 0",
                    "2304001fc000-230800000000 ---p 00000000 00:00 0",
                    "2c00cce10000-2c00cce12000 ---p 00000000 00:00 0",
                    "2c00cce12000-2c00cce13000 rw-p 00000000 00:00 0",
                    "2c00cce13000-2c04cce10000 ---p 00000000 00:00 0",
                    CHROME,
                ),
                start,
                expected,
            )
            for start, expected in (
                ("230400004000", "heap/partition-alloc likely"),
                ("2304001fc000", "reserved/partition-alloc-reserve likely"),
                ("2c00cce12000", "heap/partition-alloc likely"),
                ("2c00cce13000", "reserved/partition-alloc-reserve likely"),
            )
        ],
        (("9a000000-9c000000 r--p 00000000 00:01 12 /memfd:jit-zygote-cache (deleted)", GLIBC), "9a000000",
         "jit/jit likely"),
        (("b0000000-c0000000 ---p 00000000 00:00 0 [anon:scudo:primary_reserve]", GLIBC), "b0000000",
         "reserved/scudo-reserve likely"),
        (("12c00000-12c95000 rw-p 00000000 00:04 77 /dev/ashmem/dalvik-main space (deleted)", GLIBC), "12c00000",
         "heap/jvm-heap likely"),
        (("b4001000-b4041000 r-xp 00000000 00:04 78 /dev/ashmem/dalvik-jit-code-cache (deleted)", GLIBC), "b4001000",
         "jit/jvm-code likely"),
        (("100000000-140000000 rw-s 00000000 00:11 9 /dev/hugepages/rtemap_0", GLIBC), "100000000",
         "shm/hugetlb likely"),
        (("7fff72600000-7fff72604000 rw-s 00000000 00:12 8 /sys/devices/pci0000:00/0000:00:1f.0/resource0", GLIBC),
         "7fff72600000", "device/device likely"),
        (("7ffff7000000-7ffff7020000 r--s 00000000 00:13 8 /dev/__properties__/u:object_r:x:s0", GLIBC),
         "7ffff7000000", "mmap/file-shared certain"),
    ],
)  # fmt: skip
def test_memory_of_runtimes_is_known_by_its_place(lines: tuple[str, ...], start: str, expected: str) -> None:
    """And by what is mapped beside it, and what it is called."""
    assert said(*lines, STACK)[start] == expected


def test_stacks_of_java_before_the_kernel_marked_them() -> None:
    """HotSpot's guard zones of 12 or 16 KiB, 1 MiB or a page more with them."""
    found = said(
        "7f3d75054000-7f3d75057000 ---p 00000000 00:00 0",
        "7f3d75057000-7f3d75155000 rw-p 00000000 00:00 0",
        "7f3d75255000-7f3d75259000 ---p 00000000 00:00 0",
        "7f3d75259000-7f3d75355000 rw-p 00000000 00:00 0",
        LIBJVM,
        STACK,
    )
    assert found["7f3d75057000"] == found["7f3d75259000"] == "stack/thread likely"
    assert found["7f3d75054000"] == "guard/stack-guard likely"


def test_what_rests_on_a_guess_is_a_guess() -> None:
    """A stack known by its size alone, and the thread-local storage at its top."""
    regions = regions_of(
        "7f1c43800000-7f1c43801000 ---p 00000000 00:00 0", "7f1c43801000-7f1c44001000 rw-p 00000000 00:00 0", GLIBC
    )
    found = {label.cls.value: label.certainty for label in regions.label}
    assert (found["stack"], found["tls"], found["guard"]) == (Certainty.GUESS,) * 3


def test_the_program_is_no_library() -> None:
    """Without auxv and exe: the lowest object that is none by its name."""
    found = said(
        "00400000-00555000 r-xp 00000000 fd:00 11 /usr/bin/redis-server",
        "00755000-0075a000 rw-p 00155000 fd:00 11 /usr/bin/redis-server",
        "0125c000-0127d000 rw-p 00000000 00:00 0 [heap]",
        GLIBC,
    )
    assert found["400000"] == "text/exe-text likely"
    assert found["755000"] == "data/exe-data likely"
    assert found["7f32ce000000"] == "text/lib-text likely"


def test_a_label_on_a_huge_mapping_is_no_stack() -> None:
    """Linux 3.4 to 4.4 name whatever a stack pointer lies in."""
    found = said(
        "6397c000-6397d000 ---p 00000000 00:00 0",
        "6397d000-6417c000 rw-p 00000000 00:00 0 [stack:476]",
        "6d70e000-74cdc000 rw-p 00000000 00:00 0 [stack:474]",
        "76bde000-76bf6000 r-xp 00000000 00:0c 935 /lib/libgcc_s.so.1",
    )
    assert found["6397d000"] == "stack/thread likely"
    assert found["6d70e000"] == "mmap/anon-private guess"


def test_names_that_programs_give_come_before_guesses_on_malloc() -> None:
    """A stack that is called so and lies behind a guard; a heap; a name that says nothing."""
    found = said(
        "7ffff57ff000-7ffff5800000 ---p 00000000 00:00 0",
        "7ffff5800000-7ffff6000000 rw-p 00000000 00:00 0 [anon:some_stack]",
        "7ffff6001000-7ffff6041000 rw-p 00000000 00:00 0 [anon:kj_fiber_stack]",
        "7ffff6100000-7ffff6200000 rw-p 00000000 00:00 0 [anon:Heap Layer]",
        "7ffff6300000-7ffff6400000 rw-p 00000000 00:00 0 [anon:page cache]",
        GLIBC,
    )
    assert found["7ffff5800000"].startswith("stack/thread")
    assert found["7ffff6001000"] == "stack/coroutine guess"
    assert found["7ffff6100000"] == "heap/allocator-unknown guess"
    assert found["7ffff6300000"] == "mmap/named guess"


def test_sections_of_windows_programs() -> None:
    """Anonymous memory between pieces of one image, where Wine is; elsewhere such files are data."""
    image = (
        "00400000-00401000 r--p 00000000 103:04 5001 /home/user/game.exe",
        "00401000-00a10000 r-xp 00000000 00:00 0",
        "00a10000-00b90000 rw-p 00000000 00:00 0",
    )
    wine = "7bc00000-7bc04000 r-xp 00000000 103:04 8260004 /usr/lib/wine/ntdll.dll.so"
    found = said(*image, wine, GLIBC)
    assert (found["401000"], found["a10000"]) == ("text/exe-text guess", "data/exe-data guess")
    assert said(*image, GLIBC)["401000"] == "jit/jit likely"


def test_a_single_block_of_gibibytes_is_no_main_arena() -> None:
    """sysmalloc() takes a mebibyte, or what is asked for, where brk() fails."""
    found = said("7f0000000000-7f0e00000000 rw-p 00000000 00:00 0", GLIBC)
    assert found["7f0000000000"] == "heap/glibc-mmap-chunk guess"


def test_a_shadow_stack_is_certain() -> None:
    """VmFlags ss is set by the kernel alone."""
    from tests.support.made_processes import record  # noqa: PLC0415
    from tests.support.smaps_text import smaps  # noqa: PLC0415

    stack = record(0x7FFF_F580_0000, 0x7FFF_F600_0000, Rss=4)._replace(flags="rd wr mr mw me ss sd")
    _, regions = made({"smaps": smaps([stack])})
    assert regions is not None
    assert (regions.label[0].kind, regions.label[0].certainty) == ("shadow", Certainty.CERTAIN)
