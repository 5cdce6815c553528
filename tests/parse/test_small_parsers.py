"""Parsers of a few lines each: what each decides, on both sides of the border."""

import struct
from typing import Any

import pytest

from procmem.errors import Misuse
from procmem.model.auxv import AT_PAGESZ
from procmem.model.program_files import LdCacheEntry
from procmem.model.raw import Machine, RawProcess, Refusal
from procmem.model.reports.system import CgroupMemory
from procmem.parse.auxv import parse_auxv
from procmem.parse.cgroup import parse_cgroup_files
from procmem.parse.cpuinfo import parse_virtual_bits
from procmem.parse.ld_cache import parse_ld_cache
from procmem.parse.mountinfo import (
    devices_alone,
    devices_of_type,
    mount_ids_of_type,
    mount_points,
    option_of_proc,
    unescaped,
)
from procmem.parse.options import address_of, limit_of, parse_growth
from procmem.parse.pmap_title import pmap_title
from procmem.parse.redact import without_arguments, without_mounts
from procmem.parse.status import parse_stat


def auxv(*pairs: tuple[int, int], form: str = "<QQ") -> bytes:
    """A vector without an end."""
    return b"".join(struct.pack(form, *pair) for pair in pairs)


END = (0, 0)


@pytest.mark.parametrize(
    ("page_size", "is_one"),
    [(1 << 11, False), (1 << 12, True), (1 << 18, True), (1 << 19, False), (0, False), (12_288, False)],
)
def test_page_sizes_of_auxv(page_size: int, is_one: bool) -> None:
    """4 KiB to 256 KiB: the bytes of other vectors make no sense in this width and order."""
    found = parse_auxv(auxv((AT_PAGESZ, page_size), END))
    assert found == (({AT_PAGESZ: page_size}, 64) if is_one else None)


@pytest.mark.parametrize(("key", "is_one"), [(1023, True), (1024, False)])
def test_keys_of_auxv(key: int, is_one: bool) -> None:
    """No kernel has higher ones."""
    assert (parse_auxv(auxv((AT_PAGESZ, 4096), (key, 1), END)) is not None) is is_one


def test_the_end_of_auxv() -> None:
    """It must be there; what stands behind it counts no more; half a pair is no vector."""
    page = (AT_PAGESZ, 4096)
    assert parse_auxv(auxv(page)) is None
    assert parse_auxv(auxv(page, END, (3, 7))) == ({AT_PAGESZ: 4096}, 64)
    assert parse_auxv(auxv(page, END) + b"\0" * 4) is None
    assert parse_auxv(b"") is None


V2 = {"memory.current": b"700\n", "memory.max": b"900\n", "memory.swap.current": b"50\n"}
V1 = {"memory.usage_in_bytes": b"700\n", "memory.limit_in_bytes": b"900\n", "memory.memsw.usage_in_bytes": b"750\n"}
KERNEL = {"memory.kmem.usage_in_bytes": b"8\n"}
STAT = {"memory.stat": b"anon 5\nfile x\nslab 7\n"}


@pytest.mark.parametrize(
    ("version", "files", "found"),
    [
        (2, V2, CgroupMemory(700, 900, 50, None, {})),
        (2, V2 | {"memory.max": b"max\n"}, CgroupMemory(700, None, 50, None, {})),
        (2, V1, CgroupMemory(None, None, None, None, {})),
        (2, STAT, CgroupMemory(None, None, None, None, {"anon": 5, "slab": 7})),
        (1, V1 | KERNEL, CgroupMemory(700, 900, 50, 8, {})),
        (1, V1 | {"memory.memsw.usage_in_bytes": b"600"}, CgroupMemory(700, 900, 0, None, {})),
        (1, {"memory.usage_in_bytes": b"700\n"}, CgroupMemory(700, None, None, None, {})),
        (1, {"memory.memsw.usage_in_bytes": b"750\n"}, CgroupMemory(None, None, None, None, {})),
        (1, {"memory.limit_in_bytes": b"%d\n" % (1 << 60)}, CgroupMemory(None, None, None, None, {})),
        (1, {"memory.limit_in_bytes": b"%d" % ((1 << 60) - 1)}, CgroupMemory(None, (1 << 60) - 1, None, None, {})),
        (1, V2, CgroupMemory(None, None, None, None, {})),
    ],
)
def test_the_files_of_a_group(version: int, files: dict[str, bytes], found: CgroupMemory) -> None:
    """Version 1 counts swap together with memory, and says "no limit" as a number beyond any memory."""
    assert parse_cgroup_files(version, files) == found


@pytest.mark.parametrize(
    ("cpuinfo", "bits"),
    [
        (b"processor: 0\naddress sizes\t: 46 bits physical, 48 bits virtual\n", 48),
        (b"address sizes : 46 bits physical, 57 bits virtual\naddress sizes : 36 bits physical, 48 bits virtual\n", 57),
        (b"x address sizes : 48 bits virtual\n", None),
        (b"", None),
    ],
)
def test_bits_of_an_address(cpuinfo: bytes, bits: int | None) -> None:
    """By the first processor."""
    assert parse_virtual_bits(cpuinfo) == bits


def ld_cache(count: int, *entries: tuple[int, int, int, int], strings: bytes) -> bytes:
    """A cache in the newer form; an entry is flags, where its two strings are, and what hardware it needs."""
    head = b"glibc-ld.so.cache1.1" + struct.pack("<II", count, len(strings)) + bytes(20)
    rows = b"".join(struct.pack("<iIIIQ", flags, key, value, 9, hwcap) for flags, key, value, hwcap in entries)
    return head + rows + strings


@pytest.mark.parametrize("before", [b"", b"ld.so-1.7.0\0" + bytes(20)])
def test_the_cache_of_the_dynamic_linker(before: bytes) -> None:
    """Places count from where the newer form begins, which may be behind the older one."""
    at = 48 + 2 * 24
    data = ld_cache(2, (3, at, at + 5, 7), (4, at + 5, at, 0), strings=b"a.so\0/a/b\0")
    entries = (LdCacheEntry(b"a.so", b"/a/b", 3, 7), LdCacheEntry(b"/a/b", b"a.so", 4, 0))
    assert parse_ld_cache(before + data) == entries
    assert (
        parse_ld_cache(before + ld_cache(1, (3, at, at + 5, 7), (4, 0, 0, 0), strings=b"a.so\0/a/b\0")) == entries[:1]
    )


def test_a_cache_that_is_cut_off() -> None:
    """Entries that are whole count, as many as it says at most; a string without its end is none."""
    data = ld_cache(2, (3, 48, 49, 7), (4, 48, 96, 0), strings=b"a.so")
    assert [entry.path for entry in parse_ld_cache(data)] == [parse_ld_cache(data)[0].path, b""]
    assert [len(parse_ld_cache(data[:length])) for length in (47, 48, 71, 72, 95, 96)] == [0, 0, 0, 1, 1, 2]
    assert parse_ld_cache(b"glibc-ld.so.cache1.0" + data[20:]) == ()


TMPFS = b"30 22 0:26 / /a\\040b rw - tmpfs none rw,size=4k"


@pytest.mark.parametrize(
    ("line", "devices", "ids", "points"),
    [
        (TMPFS, {"00:1a"}, {30}, ((b"/a b", b"rw,size=4k"),)),
        (TMPFS.replace(b"0:26", b"259:3"), {"103:03"}, {30}, ((b"/a b", b"rw,size=4k"),)),
        (TMPFS.replace(b"0:26", b"0:x"), set(), {30}, ((b"/a b", b"rw,size=4k"),)),
        (TMPFS.replace(b"0:26", b"x:26"), set(), {30}, ((b"/a b", b"rw,size=4k"),)),
        (TMPFS.replace(b"30", b"x", 1), {"00:1a"}, set(), ((b"/a b", b"rw,size=4k"),)),
        (TMPFS.replace(b"tmpfs", b"ext4"), set(), set(), ()),
        (b"30 22 0:26 - tmpfs none rw", {"00:1a"}, {30}, ()),
        (b"30 22 0:26 / - tmpfs none rw", {"00:1a"}, {30}, ()),
        (b"30 22 0:26 / /a - tmpfs none rw", {"00:1a"}, {30}, ((b"/a", b"rw"),)),
        (b"30 22 - tmpfs none rw", set(), set(), ()),
        (b"", set(), set(), ()),
    ],
)
def test_a_line_of_mountinfo(
    line: bytes, devices: set[str], ids: set[int], points: tuple[tuple[bytes, bytes], ...]
) -> None:
    """Device, id, mount point and options; a line that lacks a word is used as far as it goes."""
    data = line + b"\n1 0 8:1 / / rw - ext3 /dev/sda1 rw\n"
    assert devices_of_type(data, (b"tmpfs",)) == devices
    assert mount_ids_of_type(data, (b"tmpfs",)) == ids
    assert mount_points(data, (b"tmpfs",)) == points


def test_mounts_without_what_is_private() -> None:
    """Ids, device and type are kept; a reader finds the same devices in them."""
    kept = devices_alone(TMPFS + b"\n1 0 8:1 / /secret rw - ext4 /dev/sda1 rw\n", (b"tmpfs",))
    assert kept == b"30 22 0:26 / / rw - tmpfs none rw\n"
    assert devices_of_type(kept, (b"tmpfs",)) == {"00:1a"}


@pytest.mark.parametrize(
    ("path", "plain"),
    [(b"a\\040b", b"a b"), (b"\\011\\012", b"\t\n"), (b"\\134040", b"\\040"), (b"\\041", b"\\041"), (b"a", b"a")],
)
def test_octal_escapes(path: bytes, plain: bytes) -> None:
    """Those four that the kernel writes; a backslash is undone last."""
    assert unescaped(path) == plain


PROC = b"%d 1 0:5 / %s rw - proc proc rw%s\n"


@pytest.mark.parametrize(
    ("mounts", "value"),
    [
        (PROC % (1, b"/proc", b",hidepid=2"), "2"),
        (PROC % (1, b"/proc", b",gid=7,hidepid=invisible,x=1"), "invisible"),
        (PROC % (1, b"/proc", b",hidepid=1,hidepid=2"), "2"),
        (PROC % (1, b"/proc", b",hidepid=a=b"), "a=b"),
        (PROC % (1, b"/proc", b",xhidepid=2"), None),
        (PROC % (1, b"/proc", b",hidepid"), None),
        (PROC % (1, b"/proc", b""), None),
        (PROC % (1, b"/proc", b",hidepid=1") + PROC % (2, b"/proc", b",hidepid=2"), "2"),
        (PROC % (1, b"/proc", b",hidepid=1") + PROC % (2, b"/proc", b""), None),
        (PROC % (1, b"/proc", b"") + PROC % (2, b"/a/proc", b",hidepid=2"), None),
        (PROC % (1, b"/proc", b"") + PROC % (2, b"/x", b",hidepid=2"), None),
        (b"", None),
    ],
)
def test_an_option_of_proc(mounts: bytes, value: str | None) -> None:
    """Of the last mount at /proc, which is on top; of an option given twice the last."""
    assert option_of_proc(mounts, "hidepid") == value


@pytest.mark.parametrize(
    ("text", "address"), [("0x1F", 0x1F), ("0X1f", 0x1F), (" 1f ", 0x1F), ("0", 0), ("f" * 16, (1 << 64) - 1)]
)
def test_an_address(text: str, address: int) -> None:
    """In hexadecimal, whether it says so or not."""
    assert address_of(text) == address


@pytest.mark.parametrize(
    ("text", "bits", "code"),
    [
        ("", 64, "bad-address"),
        ("0x", 64, "bad-address"),
        ("1g", 64, "bad-address"),
        ("-1", 64, "bad-address"),
        ("1" + "0" * 16, 64, "address-too-large"),
        ("1" + "0" * 8, 32, "address-too-large"),
    ],
)
def test_what_is_no_address(text: str, bits: int, code: str) -> None:
    """Other letters, or more bits than the process has."""
    with pytest.raises(Misuse) as raised:
        address_of(text, bits)
    assert raised.value.code == code
    assert address_of("f" * 8, 32) == (1 << 32) - 1


def test_a_limit() -> None:
    """A size, or none at all."""
    assert (limit_of(" Unlimited ", "--x"), limit_of("4K", "--x")) == (None, 4096)
    with pytest.raises(Misuse):
        limit_of("much", "--x")


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("heap>4K", ("heap", 4096, None)),
        (" heap > 12.5% ", ("heap", None, 12.5)),
        ("heap>0%", ("heap", None, 0.0)),
        ("stack>1", None),
        ("heap>x%", None),
        ("heap>x", None),
        ("heap<4K", None),
        ("heap", None),
    ],
)
def test_a_condition_of_growth(text: str, condition: tuple[str, int | None, float | None] | None) -> None:
    """A known class, and a size or per cent."""
    if condition is not None:
        assert parse_growth(text, ("heap", "total")) == condition
        return
    with pytest.raises(Misuse):
        parse_growth(text, ("heap", "total"))


def raw(**files: Any) -> RawProcess:
    """A process of which these files were read; ``task_7_x`` is ``task/7/x``."""
    found = {name.replace("_", "/"): content for name, content in files.items()}
    return RawProcess(7, found, {}, None, {}, Machine(page_size=4096))


@pytest.mark.parametrize(
    ("cmdline", "kept"),
    [
        (b"a\0b\0c\0", b"a\0<redacted>\0<redacted>\0"),
        (b"a\0", b"a\0"),
        (b"a", b"a\0"),
        (b"a\0\0", b"a\0<redacted>\0"),
        (b"", b""),
        (Refusal.DENIED, Refusal.DENIED),
    ],
)
def test_arguments_are_left_out(cmdline: bytes | Refusal, kept: bytes | Refusal) -> None:
    """How many there were is kept; each thread's file too, and no other."""
    found = without_arguments(raw(cmdline=cmdline, task_7_cmdline=cmdline, comm=b"a\0b\0")).files
    assert found == {"cmdline": kept, "task/7/cmdline": kept, "comm": b"a\0b\0"}


def test_mounts_are_left_out() -> None:
    """But for the devices that are shared memory."""
    found = without_mounts(raw(mountinfo=TMPFS, task_7_mountinfo=Refusal.DENIED, comm=TMPFS)).files
    assert found == {
        "mountinfo": b"30 22 0:26 / / rw - tmpfs none rw\n", "task/7/mountinfo": Refusal.DENIED, "comm": TMPFS,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("cmdline", "state", "title"),
    [
        (b"a\0b c\0", "S", b"a b c"),
        (b"a\0b\0\0", "S", b"a b"),
        (b"a\0", "Z", b"a"),
        (b"", "S", b"[x y]"),
        (None, "S", b"[x y]"),
        (b"\0", "Z", b"[x y] <defunct>"),
        (b"", "T", b"[x y]"),
        (b"", None, b"[?]"),
    ],
)
def test_the_title_that_pmap_prints(cmdline: bytes | None, state: str | None, title: bytes) -> None:
    """The command line, else the name in brackets."""
    line = b"7 (x y) %s 1 7 7 0 -1 4194304" + b" 0" * 50 + b"\n"
    assert pmap_title(cmdline, None if state is None else parse_stat(line % state.encode())) == title
