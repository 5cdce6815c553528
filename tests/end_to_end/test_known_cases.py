"""Texts as people send them in reports, with what is right for each: four commands say it, and none says what is wrong.

A case is a text of our own with the pattern of such a report: a few lines that decide, and no more. ``regions`` are the
ranges that matter by their first address; ``told`` must stand in the explanation, ``never`` must not; ``account`` are
totals in kB (None where the text does not tell); ``held`` says whether laws of the layout can be checked at all (they
can where the text proves x86), and None that the text has no mapping. No law is ever broken here.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from tests.support.running import procmem

KB = 1024
COUNTERS = ("Rss", "Pss", "Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty", "Anonymous", "Swap")


class Case(NamedTuple):
    """One text, and what is right."""

    name: str
    text: str
    regions: Mapping[str, str] = MappingProxyType({})
    told: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    account: Mapping[str, int | None] = MappingProxyType({})
    held: bool | None = False


def smaps(line: str, flags: str = "", **figures: int) -> str:
    """One entry of smaps; what is not given is 0."""
    start, end = (int(text, 16) for text in line.split(" ", maxsplit=1)[0].split("-"))
    known = dict.fromkeys(COUNTERS, 0) | figures
    rows = [f"Size: {(end - start) // KB} kB", *(f"{key}: {figure} kB" for key, figure in known.items())]
    return "\n".join([line, *rows, *([f"VmFlags: {flags}"] if flags else [])])


def text_of(*lines: str) -> str:
    """A text of these lines."""
    return "".join(f"{line}\n" for line in lines)


GLIBC = "7f32ce000000-7f32ce17a000 r-xp 00000000 08:01 1401 /lib/x86_64-linux-gnu/libc-2.31.so"
HEAP = "01f05000-01f26000 rw-p 00000000 00:00 0 [heap]"
STACK = "7ffd3f6c0000-7ffd3f6e1000 rw-p 00000000 00:00 0 [stack]"
VDSO = "7ffd3f6e9000-7ffd3f6eb000 r-xp 00000000 00:00 0 [vdso]"
JVM = "7f32cd000000-7f32cd900000 r-xp 00000000 08:01 1400 /opt/jdk/lib/server/libjvm.so"
SERVER = (
    "00400000-00555000 r-xp 00000000 08:01 1311 /usr/local/bin/keyserver",
    "00755000-0075a000 rw-p 00155000 08:01 1311 /usr/local/bin/keyserver",
    HEAP,
    GLIBC,
    STACK,
)
SERVER_REGIONS = {
    "400000": "text/exe-text likely",
    "755000": "data/exe-data likely",
    "1f05000": "heap/brk likely",
    "7f32ce000000": "text/lib-text likely",
    "7ffd3f6c0000": "stack/main likely",
}
BARE: dict[str, int | None] = {"rss": None, "pss": None, "swap": None}
ARM_STACK = "ffffd6ae1000-ffffd6b02000 rw-p 00000000 00:00 0 [stack]"


def thrice(offset: int) -> list[str]:
    """One memory file at three places."""
    flags = "rd wr sh mr mw me ms sd"
    return [
        smaps(
            f"7f{place}07b0000-7f{place}47b0000 rw-s {offset:08x} 00:01 77 /memfd:heap (deleted)",
            flags, Rss=65536, Pss=21845, Shared_Dirty=65536,
        )
        for place in ("e40", "e50", "e60")
    ]  # fmt: skip


CASES = [
    Case(
        "rollup alone",
        text_of(
            "ff000000-7ffc4e1d6000 ---p 00000000 00:00 0 [rollup]",
            "Rss: 12843604 kB", "Pss: 4451825 kB", "Shared_Clean: 100 kB", "Shared_Dirty: 12586044 kB",
            "Private_Clean: 14416 kB", "Private_Dirty: 243044 kB", "Anonymous: 243048 kB", "Swap: 0 kB",
        ),
        told=("VIRT ?", "RES 12.2 GiB"),
        never=("TiB", "costs no memory", "inaccessible"),
        account={"virt": None, "rss": 12843604, "pss": 4451825, "uss": 257460, "swap": 0},
        held=None,
    ),
    Case(
        "rollup whose label is lost",
        text_of("ff000000-7ffc4e1d6000 ---p 00000000 00:00 0", "Rss: 300 kB", "Pss: 200 kB", "Private_Dirty: 100 kB",
                "Private_Clean: 0 kB", "Anonymous: 100 kB", "Swap: 0 kB"),
        told=("VIRT ?",),
        never=("TiB", "costs no memory"),
        account={"virt": None, "rss": 300, "pss": 200},
        held=None,
    ),
    Case(
        "one object mapped three times",
        text_of(*thrice(0), smaps(STACK, "rd wr mr mw me gd ac", Rss=16, Pss=16, Private_Dirty=16, Anonymous=16)),
        {"7fe4007b0000": "shm/memfd certain"},
        ("RES counts 128 MiB more than once", "64.0 MiB would be freed"),
        ("others who map", "0 of that private"),
        {"rss": 3 * 65536 + 16, "uss": 16},
    ),
    Case(
        "ZGC's heap in bare maps",
        text_of(
            "07fff9a00000-07fff9c00000 rw-s 00000000 00:25 9 /mnt/tmpfs/java_heap.7 (deleted)",
            "0bfff9a00000-0bfff9c00000 rw-s 00000000 00:25 9 /mnt/tmpfs/java_heap.7 (deleted)",
            "13fff9a00000-13fff9c00000 rw-s 00000000 00:25 9 /mnt/tmpfs/java_heap.7 (deleted)",
            JVM, GLIBC, STACK,
        ),
        {"7fff9a00000": "heap/jvm-heap likely"},
        ("They show the same 2 MiB of one object", "1 data file that was unlinked"),
        ("old version", "after an upgrade"),
        BARE,
        True,
    ),
    Case(
        "written, then made inaccessible",
        text_of(
            smaps("7fe405600000-7fe407600000 ---p 00000000 00:00 0", "mr mw me ac sd", Rss=32768, Pss=32768,
                  Private_Dirty=32768, Anonymous=32768),
            smaps(STACK, "rd wr mr mw me gd ac", Rss=24, Pss=24, Private_Dirty=24, Anonymous=24),
        ),
        {"7fe405600000": "reserved/reserved likely"},
        ("inaccessible now, but was written before", "32.0 MiB would be freed", "memory made inaccessible"),
        ("costs no memory", "nothing is stored there", "reservations"),
        {"rss": 32792, "uss": 32792},
    ),
    Case(
        "a program at 0x400000",
        text_of(*SERVER), SERVER_REGIONS, ("The program keyserver",), ("The library keyserver",), BARE, True,
    ),
    Case(
        "Go on MIPS with 16 KiB pages",
        text_of(
            "00010000-00164000 r-xp 00000000 08:01 2 /home/u/test.out",
            "00170000-0018c000 rwxp 00150000 08:01 2 /home/u/test.out",
            "c000000000-c004000000 rwxp 00000000 00:00 0",
            "fffbf10000-fffbf34000 rw-p 00000000 00:00 0 [stack]",
            "fffbff4000-fffbff8000 r-xp 00000000 00:00 0",
            "ffffc78000-ffffc80000 r--p 00000000 00:00 0 [vvar]",
            "ffffc80000-ffffc84000 r-xp 00000000 00:00 0 [vdso]",
        ),
        {"c000000000": "heap/go-heap guess", "fffbff4000": "kernel/special likely", "170000": "data/exe-data likely"},
        ("Data that is executable",),
        ("Just-in-time", "broken"),
        BARE,
    ),
    Case(
        "arm64 with 48 bits",
        text_of(
            "aaaacdf49000-aaaacdf52000 r-xp 00000000 103:02 5 /home/app/corerun",
            "aaaacdf62000-aaaacdf63000 r--p 00009000 103:02 5 /home/app/corerun",
            "aaaacdf63000-aaaacdf64000 rw-p 0000a000 103:02 5 /home/app/corerun",
            "ffff0c000000-ffff0ce0d000 rw-p 00000000 00:00 0",
            "ffff0ce0d000-ffff10000000 ---p 00000000 00:00 0",
            "ffff8f500000-ffff8f640000 r-xp 00000000 103:02 7 /lib/aarch64-linux-gnu/libc-2.31.so",
            ARM_STACK,
        ),
        {"aaaacdf62000": "data/exe-relro likely", "ffff0c000000": "heap/glibc-arena likely"},
        ("RELRO 4 KiB",),
        ("broken",),
        BARE,
    ),
    Case(
        "arm64 with 39 bits, Android",
        text_of(
            "5555550000-5555552000 r-xp 00000000 fd:00 5 /system/bin/app_process64",
            "7fb7000000-7fb70c0000 r-xp 00000000 fd:00 6 /system/lib64/libc.so",
            "7fd31f1000-7fd3a0f000 rw-p 00000000 00:00 0 [stack]",
        ),
        {"7fd31f1000": "stack/main likely"}, (), ("broken",), BARE,
    ),
    Case(
        "ARM with 2 GiB of user space",
        text_of(
            "00010000-0011c000 r-xp 00000000 b3:02 5 /usr/bin/game",
            "76d00000-76e2a000 r-xp 00000000 b3:02 6 /lib/arm-linux-gnueabihf/libc-2.24.so",
            "7ed1a000-7ed3b000 rwxp 00000000 00:00 0 [stack]",
            "7eebd000-7eebe000 r-xp 00000000 00:00 0 [sigpage]",
            "ffff0000-ffff1000 r-xp 00000000 00:00 0 [vectors]",
        ),
        {"7eebd000": "kernel/sigpage certain", "ffff0000": "kernel/sigpage certain"},
        ("exception vectors",), ("broken",), {"virt": (0x10C + 0x12A + 0x21 + 1) * 4},
    ),
    Case(
        "everything executable",
        text_of(
            "40000000-40009000 r-xp 00000000 08:01 3 /usr/java/bin/java",
            "40108000-4010a000 rwxp 00008000 08:01 3 /usr/java/bin/java",
            "41f05000-41f26000 rwxp 00000000 00:00 0 [heap]",
            "7f3268000000-7f326bffb000 rwxp 00000000 00:00 0",
            "7f326bffb000-7f326c000000 ---p 00000000 00:00 0",
            "7f32c0000000-7f32c0021000 rwxp 00000000 00:00 0",
            "7f32c0021000-7f32c4000000 ---p 00000000 00:00 0",
            JVM, GLIBC, STACK.replace("rw-p", "rwxp"), VDSO,
        ),
        {"40108000": "data/exe-data likely", "7f3268000000": "heap/glibc-arena likely",
         "7f32c0000000": "heap/glibc-arena likely"},
        ("Data that is executable", "-z noexecstack"),
        ("Just-in-time", "code cache", "generator"),
        BARE,
        True,
    ),
    Case(
        "an executable heap beside a stack that is not (SPARC)",
        text_of(
            "00010000-0001a000 r-xp 00000000 08:01 4 /bin/tool", "0002a000-0002c000 rwxp 0000a000 08:01 4 /bin/tool",
            "0002c000-0004e000 rwxp 00000000 00:00 0 [heap]", "f7c00000-f7c40000 rwxp 00000000 00:00 0",
            "f7d00000-f7e80000 r-xp 00000000 08:01 5 /lib/libc-2.24.so",
            "ffc00000-ffc22000 rw-p 00000000 00:00 0 [stack]",
        ),
        {"2a000": "data/exe-data likely", "2c000": "heap/brk likely", "f7c00000": "heap/glibc-mmap-chunk guess"},
        ("Data that is executable",), ("generator", "Just-in-time"), BARE,
    ),
    Case(
        "everything executable, 32 bit",
        text_of(
            smaps("565cb000-565ce000 r-xp 00000000 08:01 3 /srv/prog", "rd ex mr mw me", Rss=12, Pss=12),
            smaps("565cf000-565d0000 rwxp 00003000 08:01 3 /srv/prog", "rd wr ex mr mw me ac", Rss=4, Pss=4,
                  Private_Dirty=4, Anonymous=4),
            smaps("57a92000-57ab4000 rwxp 00000000 00:00 0 [heap]", "rd wr ex mr mw me ac", Rss=8, Pss=8,
                  Private_Dirty=8, Anonymous=8),
            smaps("f5a00000-f5aed000 rwxp 00000000 00:00 0", "rd wr ex mr mw me nr", Rss=948, Pss=948,
                  Private_Dirty=948, Anonymous=948),
            smaps("f5aed000-f5b00000 ---p 00000000 00:00 0", "mr mw me nr"),
            smaps("f7cfc000-f7f17000 r-xp 00000000 08:01 4 /usr/lib32/libc.so.6", "rd ex mr mw me", Rss=100, Pss=50),
            smaps("ff8e4000-ff905000 rwxp 00000000 00:00 0 [stack]", "rd wr ex mr mw me gd ac", Rss=8, Pss=8,
                  Private_Dirty=8, Anonymous=8),
        ),
        {"f5a00000": "heap/glibc-arena likely", "565cf000": "data/exe-data likely"},
        ("Data that is executable",), ("Just-in-time", "generator"), {"rss": 1080},
    ),
    Case(
        "GHC's heap below a reservation of 1 TiB",
        text_of(
            "00400000-01a20000 r-xp 00000000 08:01 3 /usr/bin/hs-tool",
            "4200000000-4200800000 rw-p 00000000 00:00 0",
            "4200800000-14200000000 ---p 00000000 00:00 0",
            "7f1c3c000000-7f1c3c021000 rw-p 00000000 00:00 0",
            "7f1c3c021000-7f1c40000000 ---p 00000000 00:00 0",
            GLIBC, STACK,
        ),
        {"4200000000": "heap/ghc likely", "4200800000": "reserved/ghc-reserve likely",
         "7f1c3c000000": "heap/glibc-arena likely"},
        ("Haskell's heap",), ("(block 4200000000)", "arena 4200000000"), BARE, True,
    ),
    Case(
        "Java's heap and class space are no arenas",
        text_of(
            "f0000000-f6400000 rw-p 00000000 00:00 0", "f6400000-100000000 ---p 00000000 00:00 0",
            "100000000-100060000 rw-p 00000000 00:00 0", "100060000-140000000 ---p 00000000 00:00 0",
            JVM, GLIBC, STACK,
        ),
        {"f0000000": "heap/jvm-heap likely", "100000000": "heap/jvm-metaspace likely"},
        ("The Java heap", "Java metaspace"), ("malloc arena",), BARE, True,
    ),
    Case(
        "the shadow of AddressSanitizer is no arena",
        text_of(
            smaps("7fff7000-8fff7000 rw-p 00000000 00:00 0", "rd wr mr mw me nr dd nh"),
            smaps("8fff7000-2008fff7000 ---p 00000000 00:00 0", "mr mw me nr nh"),
            smaps("2008fff7000-10007fff8000 rw-p 00000000 00:00 0", "rd wr mr mw me nr dd nh", Rss=1272, Pss=1272,
                  Private_Dirty=1272, Anonymous=1272),
            smaps("7fd8e0224000-7fd8e0301000 r-xp 00024000 08:01 8 /usr/lib/x86_64-linux-gnu/libasan.so.8.0.0",
                  "rd ex mr mw me", Rss=756, Pss=756),
            smaps(GLIBC, "rd ex mr mw me", Rss=1000, Pss=20),
            smaps(STACK, "rd wr mr mw me gd ac", Rss=16, Pss=16, Private_Dirty=16, Anonymous=16),
        ),
        {"7fff7000": "mmap/sanitizer-shadow likely", "8fff7000": "reserved/sanitizer-reserve likely",
         "2008fff7000": "mmap/sanitizer-shadow likely"},
        ("Shadow memory of a sanitizer",), ("arena",), {"rss": 3044}, True,
    ),
    Case(
        "stacks of Java threads on kernels that do not mark them",
        text_of(
            "7f3d75054000-7f3d75057000 ---p 00000000 00:00 0", "7f3d75057000-7f3d75155000 rw-p 00000000 00:00 0",
            "7f3d75155000-7f3d75158000 ---p 00000000 00:00 0", "7f3d75158000-7f3d75256000 rw-p 00000000 00:00 0",
            "7f3d75c61000-7f3d75c65000 ---p 00000000 00:00 0", "7f3d75c65000-7f3d75d62000 rw-p 00000000 00:00 0",
            JVM.replace("7f32cd", "7f3d60"), GLIBC.replace("7f32ce", "7f3d70"), STACK,
        ),
        {"7f3d75057000": "stack/thread likely", "7f3d75054000": "guard/stack-guard likely",
         "7f3d75c65000": "stack/thread likely"},
        (), ("garbage collector's tables",), BARE, True,
    ),
    Case(
        "the class space of Java 8",
        text_of(
            smaps("703700000-7af300000 rw-p 00000000 00:00 0", "rd wr mr mw me nr", Rss=2637384, Pss=2637384,
                  Private_Dirty=2637384, Anonymous=2637384, Swap=176568),
            smaps("7af300000-7c0000000 ---p 00000000 00:00 0", "mr mw me nr"),
            smaps("7c0000000-7c0820000 rw-p 00000000 00:00 0", "rd wr mr mw me nr", Rss=8276, Pss=8276,
                  Private_Dirty=8276, Anonymous=8276),
            smaps("7c0820000-800000000 ---p 00000000 00:00 0", "mr mw me nr"),
            smaps(JVM, "rd ex mr mw me", Rss=9000, Pss=9000, Private_Clean=9000),
            smaps(GLIBC, "rd ex mr mw me", Rss=1000, Pss=60, Shared_Clean=1000),
        ),
        {"703700000": "heap/jvm-heap likely", "7c0000000": "heap/jvm-metaspace likely",
         "7c0820000": "reserved/jvm-metaspace-reserve likely"},
        ("Java metaspace", "172 MiB are swapped out"), ("arena",), {"rss": 2655660, "swap": 176568}, True,
    ),
    Case(
        "ASan on Android, by the names that it gives",
        text_of(
            "7fff7000-8fff7000 rw-p 00000000 00:00 0 [anon:low shadow]",
            "8fff7000-2008fff7000 ---p 00000000 00:00 0 [anon:shadow gap]",
            "2008fff7000-10007fff8000 rw-p 00000000 00:00 0 [anon:high shadow]",
            "7c87de000000-7c87de100000 r-xp 00000000 fd:00 9 /system/lib64/libclang_rt.asan-x86_64-android.so",
            STACK,
        ),
        {"7fff7000": "mmap/sanitizer-shadow likely", "8fff7000": "reserved/sanitizer-reserve likely",
         "2008fff7000": "mmap/sanitizer-shadow likely"},
        ("Shadow memory of a sanitizer",), ("that the program mapped",), BARE,
    ),
    Case(
        "huge pages, a PCI device and Android's properties, by their paths",
        text_of(
            "100000000-140000000 rw-s 00000000 00:2a 3 /dev/hugepages/rtemap_0",
            "2aaaaac00000-2aaaaae00000 rw-s 00000000 00:0f 4 /mnt/huge/dpdkmap_1",
            "7fff72600000-7fff72604000 rw-s f7d00000 00:12 5 /sys/devices/pci0000:00/0000:00:1d.0/resource0",
            "7fff72700000-7fff72720000 r--s 00000000 00:13 6 /dev/__properties__/u:object_r:x:s0",
            GLIBC, STACK,
        ),
        {"100000000": "shm/hugetlb likely", "2aaaaac00000": "shm/hugetlb likely",
         "7fff72600000": "device/device likely", "7fff72700000": "mmap/file-shared certain"},
        ("Memory in huge pages",), ("what is written goes to the file",), BARE, True,
    ),
    Case(
        "hugetlbfs is no guess where smaps tells",
        text_of(
            smaps("2aaaaac00000-2aaaaae00000 rw-s 00000000 00:0f 4 /mnt/huge/map_1", "rd wr sh mr mw me ms ht",
                  Private_Hugetlb=2048),
            smaps("2aaaab000000-2aaaab001000 rw-s 00000000 08:01 7 /mnt/huge/notes.txt", "rd wr sh mr mw me ms", Rss=4,
                  Pss=4, Private_Dirty=4),
            smaps(STACK, "rd wr mr mw me gd ac", Rss=16, Pss=16, Private_Dirty=16, Anonymous=16),
        ),
        {"2aaaaac00000": "shm/hugetlb certain", "2aaaab000000": "mmap/file-shared certain"}, account={"rss": 20},
    ),
    Case(
        "sections of Windows programs under Wine",
        text_of(
            "00400000-00401000 r--p 00000000 08:01 5 /home/u/game/game.exe", "00401000-00a10000 r-xp 00000000 00:00 0",
            "00a10000-00b90000 rw-p 00000000 00:00 0",
            "6c2c0000-6c2c1000 r-xp 00000000 08:01 6 /usr/lib/wine/kernel32.dll",
            "6c2c1000-6c2c5000 r-xp 00000000 00:00 0",
            "6c2c5000-6c2c8000 rwxp 00000000 00:00 0",
            "6c2c8000-6c2ca000 r-xp 00006000 08:01 6 /usr/lib/wine/kernel32.dll",
            "f7c00000-f7de0000 r-xp 00000000 08:01 7 /usr/lib32/libc-2.31.so",
            "ffd40000-ffd61000 rw-p 00000000 00:00 0 [stack]",
        ),
        {"401000": "text/exe-text guess", "a10000": "data/exe-data guess", "6c2c1000": "text/lib-text guess",
         "6c2c5000": "text/lib-text guess"},
        ("Probably: The program game.exe",), ("just-in-time compiler",), BARE,
    ),
    Case(
        "Android before 10: ashmem of ART",
        text_of(
            "12c00000-12c95000 rw-p 00000000 00:04 7 /dev/ashmem/dalvik-main space (deleted)",
            "12c95000-22c00000 ---p 00095000 00:04 7 /dev/ashmem/dalvik-main space (deleted)",
            "ac1a7000-ac1a8000 ---p 00000000 00:00 0", "ac1a8000-ac2ab000 rw-p 00000000 00:00 0 [stack:11202]",
            "b4001000-b4041000 r-xp 00000000 00:04 8 /dev/ashmem/dalvik-jit-code-cache (deleted)",
            "b6c80000-b6cf0000 r-xp 00000000 b3:19 9 /system/lib/libc.so",
            "be44d000-be46e000 rw-p 00000000 00:00 0 [stack]", "ffff0000-ffff1000 r-xp 00000000 00:00 0 [vectors]",
        ),
        {"12c00000": "heap/jvm-heap likely", "12c95000": "reserved/reserved likely", "b4001000": "jit/jvm-code likely",
         "ac1a8000": "stack/thread likely", "ac1a7000": "guard/stack-guard likely"},
        ("The stack of thread 11202.",), ("deleted or replaced", "unlinked", "[stack:11202]."), BARE,
    ),
    Case(
        "files without a name: one replaced library, data unlinked on purpose",
        text_of(
            "55d0c0000000-55d0c0010000 r-xp 00000000 08:01 2 /usr/bin/desktop",
            "7fda597ff000-7fda59803000 rw-s 00000000 00:01 3 /i915 (deleted)",
            "7fda59810000-7fda59814000 rw-s 00000000 00:01 4 /SYSV00000000 (deleted)",
            "7fda59820000-7fda59824000 rw-s 00000000 00:01 5 /memfd:sound (deleted)",
            "7fda59850000-7fda59854000 rw-s 00000000 00:2c 6 /run/user/1000/cursor (deleted)",
            "7fda59860000-7fda59864000 rw-s 00000000 08:01 7 /var/lib/db/#temp (deleted)",
            f"{GLIBC} (deleted)", STACK,
        ),
        {"7fda597ff000": "device/dri likely", "7fda59820000": "shm/memfd certain"},
        ("1 program or library that was deleted or replaced", "libc-2.31.so", "2 data files that were unlinked"),
        (), BARE, True,
    ),
    Case(
        "private copies of a memory file",
        text_of(
            smaps("fa3870400000-fa38b0000000 rw-p 00000000 00:01 9 /memfd:guest_ram (deleted)", "rd wr mr mw me ac sd",
                  Rss=966064, Pss=966064, Private_Dirty=966064, Anonymous=966064),
            smaps(ARM_STACK, "rd wr mr mw me gd ac", Rss=12, Pss=12, Private_Dirty=12, Anonymous=12),
        ),
        {"fa3870400000": "shm/memfd certain"},
        ("Private copies of a memory file", "nearly all private copies of shared memory"),
        ("whoever is given its descriptor", "nearly all shared memory."), {"rss": 966076, "uss": 966076},
    ),
    Case(
        "Go's heap in bare maps",
        text_of(
            "00400000-0158c000 r-xp 00000000 08:01 2 /usr/lib/boxd", "c000000000-c000004000 rw-p 00000000 00:00 0",
            "c420200000-c420b00000 rw-p 00000000 00:00 0", GLIBC, STACK,
        ),
        {"c000000000": "heap/go-heap guess", "c420200000": "heap/go-heap guess"},
        ("Probably: Go's heap. 2 of the same sort",), ("could not grow it", "malloc arena"), BARE, True,
    ),
    Case(
        "a prompt, indentation, quotation, CR LF and a byte order mark",
        "\ufeff" + text_of("user@host:~$ cat /proc/1956/maps", *(f"> {line}\r" for line in SERVER)),
        SERVER_REGIONS, ("The program keyserver",), ("kernel/special",), BARE, True,
    ),
    Case("no last newline", "\n".join(SERVER), SERVER_REGIONS, (), (), BARE, True),
    Case(
        "what gdb prints",
        text_of(
            "process 14915", "Mapped address spaces:", "",
            "          Start Addr           End Addr       Size     Offset  Perms  objfile",
            "      0x555555554000     0x555555604000    0xb0000        0x0  r-xp   /home/u/fuzzer",
            "      0x7ffffffde000     0x7ffffffff000    0x21000        0x0  rw-p   [stack]",
        ),
        {"555555554000": "text/exe-text likely", "7ffffffde000": "stack/main likely"}, (), (), BARE,
    ),
    Case(
        "the libraries of a crash report of Java, cut off before libjvm.so",
        text_of(
            "#", "# A fatal error has been detected by the Java Runtime Environment:", "#", "Dynamic libraries:",
            "00400000-00401000 r-xp 00000000 08:03 4 /usr/java/jdk1.7.0_67/bin/java",
            "00600000-00601000 rw-p 00000000 08:03 4 /usr/java/jdk1.7.0_67/bin/java",
            "778000000-800000000 rw-p 00000000 00:00 0", "", "VM Arguments:",
        ),
        {"778000000": "heap/jvm-heap likely"}, ("The Java heap",), ("that the program mapped",), BARE,
    ),
    Case(
        "OpenJ9 has a launcher of the same name",
        text_of(
            "00400000-00401000 r-xp 00000000 08:03 4 /opt/java/bin/java", "80000000-90000000 rw-p 00000000 00:00 0",
            "7f32cd000000-7f32cd900000 r-xp 00000000 08:01 5 /opt/java/lib/default/libj9vm29.so", GLIBC, STACK,
        ),
        {"400000": "text/exe-text likely"}, (), ("Very likely: The Java heap",), BARE, True,
    ),
    Case(
        "pmap -x, cut off",
        text_of(
            "26091:   postgres: postgres [local] COMMIT", "Address           Kbytes     RSS   Dirty Mode  Mapping",
            "0000000000400000    6408    2412       0 r-x-- postgres",
            "0000000000c41000       4       4       4 r---- postgres",
            "total kB          227280    5544    3020",
        ),
        {"400000": "text/exe-text likely"}, ("0000000000400000",), (), {"rss": 2416},
    ),
    Case(
        "status alone",
        text_of("Name:\tbuild",
                "VmPeak:\t15000000 kB", "VmSize:\t14663924 kB", "VmRSS:\t 6708500 kB", "VmSwap:\t      0 kB"),
        told=("VIRT 14.0 GiB", "RES 6.4 GiB"), account={"virt": 14663924, "rss": 6708500, "pss": None}, held=None,
    ),
    Case(
        "what rests on a guess is a guess",
        text_of(
            "7f1c43800000-7f1c43801000 ---p 00000000 00:00 0", "7f1c43801000-7f1c44001000 rw-p 00000000 00:00 0",
            GLIBC, STACK,
        ),
        {"7f1c43800000": "guard/stack-guard guess", "7f1c43801000": "stack/thread guess",
         "7f1c44000040": "tls/tls guess"},
        ("Probably: The stack of a thread.",), (), BARE, True,
    ),
    Case(
        "the zygote's compiled code, and what an allocator reserves",
        text_of(
            "9a000000-9c000000 r--p 00000000 00:01 12 /memfd:jit-zygote-cache (deleted)",
            "9c000000-9e000000 r-xp 02000000 00:01 12 /memfd:jit-zygote-cache (deleted)",
            "b0000000-c0000000 ---p 00000000 00:00 0 [anon:scudo:primary_reserve]",
            "7fd31f1000-7fd3a0f000 rw-p 00000000 00:00 0 [stack]",
        ),
        {"9a000000": "jit/jit likely", "9c000000": "jit/jit likely", "b0000000": "reserved/scudo-reserve likely"},
        (), ("The library",), BARE,
    ),
    Case(
        "a child of redis: jemalloc's, and no morecore of 56 GiB",
        text_of(
            smaps("00400000-005ee000 r-xp 00000000 08:01 2 /usr/local/bin/redis-server", "", Rss=1300, Pss=650),
            smaps("7f6aa5600000-7f78c5600000 rw-p 00000000 00:00 0", "", Rss=58000000, Pss=29400000,
                  Private_Dirty=800000, Shared_Dirty=57200000, Anonymous=58000000),
            smaps(GLIBC.replace("7f32ce", "7f78c8"), "", Rss=1000, Pss=50),
        ),
        {"7f6aa5600000": "heap/jemalloc guess"},
        ("Probably: Memory that the allocator jemalloc manages",), ("could not grow it",), {"rss": 58002300}, True,
    ),
    Case(
        "a guess is heard",
        text_of("7f6aa5600000-7f6aa5700000 rw-p 00000000 00:00 0", GLIBC, STACK),
        {"7f6aa5600000": "heap/glibc-main-mmap guess"}, ("Probably: ",), (), BARE, True,
    ),
    Case(
        "64 KiB pages",
        text_of(
            "b626bf20000-b626bf30000 r-xp 00000000 fd:01 4 /bin/cat",
            "b626bf30000-b626bf40000 r--p 00000000 fd:01 4 /bin/cat",
            "b626bf40000-b626bf50000 rw-p 00010000 fd:01 4 /bin/cat",
            "7fff8d5f0000-7fff8d800000 r-xp 00000000 fd:01 5 /lib/powerpc64le-linux-gnu/libc-2.31.so",
            "7fff8d840000-7fff8d860000 r-xp 00000000 00:00 0 [vdso]",
            "7ffff42a0000-7ffff42d0000 rw-p 00000000 00:00 0 [stack]",
        ),
        {"b626bf30000": "data/exe-relro likely"}, (), ("broken",), BARE,
    ),
    Case(
        "memory that the program named",
        text_of(
            smaps("7ffff57ff000-7ffff5800000 ---p 00000000 00:00 0", "mr mw me"),
            smaps("7ffff5800000-7ffff6000000 rw-p 00000000 00:00 0 [anon:server_stack]", "rd wr mr mw me ac nh", Rss=40,
                  Pss=40, Private_Dirty=40, Anonymous=40),
            smaps("7ffff6000000-7ffff6001000 ---p 00000000 00:00 0", "mr mw me"),
            smaps("7ffff6001000-7ffff6041000 rw-p 00000000 00:00 0 [anon:my_fiber_stack]", "rd wr mr mw me ac", Rss=8,
                  Pss=8, Private_Dirty=8, Anonymous=8),
            smaps("7ffff6100000-7ffff6200000 rw-p 00000000 00:00 0 [anon:My Heap]", "rd wr mr mw me ac", Rss=400,
                  Pss=400, Private_Dirty=400, Anonymous=400),
            smaps(GLIBC.replace("7f32ce", "7ffff7"), "rd ex mr mw me", Rss=900, Pss=20),
        ),
        {"7ffff5800000": "stack/thread likely", "7ffff6001000": "stack/coroutine guess",
         "7ffff6000000": "guard/stack-guard guess", "7ffff6100000": "heap/allocator-unknown guess"},
        ('The program calls it "My Heap".', 'The program calls it "server_stack".'), ("could not grow it",),
        {"rss": 1348}, True,
    ),
    Case(
        "[stack:TID] on 118 MiB of Go's",
        text_of(
            "00010000-0011c000 r-xp 00000000 00:0c 2 /root/prog",
            "6397c000-6397d000 ---p 00000000 00:00 0", "6397d000-6417c000 rw-p 00000000 00:00 0 [stack:476]",
            "64ac6000-6d70e000 ---p 00000000 00:00 0", "6d70e000-74cdc000 rw-p 00000000 00:00 0 [stack:474]",
            "76bde000-76bf6000 r-xp 00000000 00:0c 9 /lib/libgcc_s.so.1",
            "7ed1a000-7ed3b000 rw-p 00000000 00:00 0 [stack]", "ffff0000-ffff1000 r-xp 00000000 00:00 0 [vectors]",
        ),
        {"6397d000": "stack/thread likely", "6397c000": "guard/stack-guard likely",
         "6d70e000": "mmap/anon-private guess"},
        ("The stack of thread 476.",), ("The stack of thread 474",), BARE,
    ),
    Case(
        "what VmFlags say",
        text_of(
            smaps("7ffff5800000-7ffff6000000 rw-p 00000000 00:00 0", "rd wr mr mw me ss sd", Rss=4, Pss=4),
            smaps("7ffff6100000-7ffff6200000 rw-p 00000000 00:00 0", "rd wr mr mw me ac um uw sd", Rss=4, Pss=4),
            smaps("7ffff6300000-7ffff6400000 rw-p 00000000 00:00 0", "rd wr mr mw me ac sl", Rss=4, Pss=4),
            smaps("7ffff6500000-7ffff6600000 rw-p 00000000 00:00 0", "rd wr mr mw me ac dp wf lo lf", Rss=4, Pss=4),
            smaps(GLIBC.replace("7f32ce", "7ffff7"), "rd ex mr mw me", Rss=900, Pss=20),
        ),
        {"7ffff5800000": "stack/shadow certain", "7ffff6100000": "mmap/anon-private guess",
         "7ffff6300000": "mmap/anon-private guess", "7ffff6500000": "mmap/anon-private guess"},
        ("A shadow stack",), ("could not grow it",), {"rss": 916}, True,
    ),
]  # fmt: skip


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    """Each of the table."""
    found = request.param
    assert isinstance(found, Case)
    return found


@pytest.fixture
def file(case: Case, tmp_path: Path) -> str:
    """Its text as a file."""
    path = tmp_path / "text"
    path.write_bytes(case.text.encode())
    return str(path)


def asked(*words: str, text: bytes = b"") -> Any:
    """A document; it has an answer, and no note on stderr is an error."""
    run = procmem(*words, "--json", text=text)
    assert run.status == 0, run
    return run.json


def test_inspect_says_what_each_range_is(case: Case, file: str) -> None:
    """Class, kind and certainty; from a file, by --from, and from standard input."""
    document = asked("inspect", file, "--regions")
    assert document == asked("inspect", "--from", "-", "--regions", text=case.text.encode())
    regions = document["regions"] or ()
    found = {item["start"][2:]: f"{item['class']}/{item['kind']} {item['certainty']}" for item in regions}
    assert {start: found.get(start) for start in case.regions} == case.regions
    if case.held is None:
        assert document["regions"] is None
    totals = {key: None if size is None else size * KB for key, size in case.account.items()}
    assert {key: document["totals"][key] for key in totals} == totals


def test_explain_says_it_in_words(case: Case, file: str) -> None:
    """With how sure it is; in Chinese no English sentence is left over."""
    page = " ".join(procmem("explain", file, "--width", "1000").out.split())
    for words in case.told:
        assert words in page
    for words in case.never:
        assert words not in page
    chinese = procmem("explain", file, "--width", "1000", "--lang", "zh")
    assert chinese.status == 0
    prose = [line for line in chinese.out.splitlines() if line.startswith("    ")]
    assert not [line for line in prose if not re.search(r"[\u4e00-\u9fff]", line)]


def test_account_adds_up(case: Case, file: str) -> None:
    """To what the text says; what it does not say is null, and no part of it is 0 instead."""
    document = asked("account", file)
    totals = {key: None if size is None else size * KB for key, size in case.account.items()}
    assert {key: document["totals"][key] for key in totals} == totals
    for of in ("virt", "rss", "pss"):
        parts = [leaf["bytes"] for leaf in document["leaves"] or () if leaf["of"] == of and leaf["bytes"] is not None]
        if parts and case.held is not None:
            assert sum(parts) == document["totals"][of]
    assert not document["unexplained"]


def test_crosscheck_breaks_no_law(case: Case, file: str) -> None:
    """Laws of x86 are held against texts that prove x86, and none against others."""
    run = procmem("crosscheck", file, "--json")
    if case.held is None:
        assert run.status == 4
        return
    assert run.status == 0
    outcomes = [law["outcome"] for law in run.json["laws"]]
    assert "broken" not in outcomes
    assert ("holds" in outcomes) == case.held, outcomes
