"""Writing maps and smaps as kernels write them, for tests that read them back."""

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import strategies as st

KEYS_6_18 = (
    *("KernelPageSize", "MMUPageSize", "Rss", "Pss", "Pss_Dirty", "Shared_Clean", "Shared_Dirty"),
    *("Private_Clean", "Private_Dirty", "Referenced", "Anonymous", "KSM", "LazyFree", "AnonHugePages"),
    *("ShmemPmdMapped", "FilePmdMapped", "Shared_Hugetlb", "Private_Hugetlb", "Swap", "SwapPss", "Locked"),
)
KEYS_4_4 = (
    *("Rss", "Pss", "Shared_Clean", "Shared_Dirty", "Private_Clean", "Private_Dirty", "Referenced", "Anonymous"),
    *("AnonHugePages", "Shared_Hugetlb", "Private_Hugetlb", "Swap", "SwapPss", "KernelPageSize", "MMUPageSize"),
    "Locked",
)
"""With Size and VmFlags the 18 lines of Linux 4.4."""


class Record(NamedTuple):
    """One VMA as a test wants it written; sizes in kB; ``flags`` None leaves the VmFlags line out."""

    start: int
    end: int
    perms: str = "rw-p"
    offset: int = 0
    device: str = "00:00"
    inode: int = 0
    name: bytes = b""
    counters: tuple[tuple[str, int], ...] = ()
    flags: str | None = "rd wr mr mw me ac"
    eligible: int | None = 0
    key: int | None = None

    def header(self, *, bits: int = 64) -> bytes:
        """The maps line, padded as seq_pad() pads it: the name begins in column 73 (49 on 32 bit)."""
        digits = 8
        text = (
            f"{self.start:0{digits}x}-{self.end:0{digits}x} {self.perms} {self.offset:08x} {self.device} {self.inode}"
        )
        line = text.encode("ascii") + b" "
        if self.name:
            line = line.ljust(25 + (8 if bits == 64 else 4) * 6) + self.name
        return line + b"\n"

    def block(self) -> bytes:
        """The record of smaps."""
        lines = [self.header(), b"Size:           %8d kB\n" % ((self.end - self.start) // 1024)]
        lines += [_counter(key, value) for key, value in self.counters]
        if self.eligible is not None:
            lines.append(b"THPeligible:    %8d\n" % self.eligible)
        if self.key is not None:
            lines.append(b"ProtectionKey:  %8d\n" % self.key)
        if self.flags is not None:
            lines.append(f"VmFlags: {self.flags} \n".encode("ascii") if self.flags else b"VmFlags: \n")
        return b"".join(lines)


def _counter(key: str, value: int) -> bytes:
    """One line; the longest keys take a blank from the number's width, as in __show_smap()."""
    return f"{key + ': ':<16}".encode("ascii") + b"%*d kB\n" % (24 - max(16, len(key) + 2), value)


def smaps(records: Sequence[Record]) -> bytes:
    """A whole smaps."""
    return b"".join(record.block() for record in records)


def maps(records: Sequence[Record]) -> bytes:
    """A whole maps."""
    return b"".join(record.header() for record in records)


_NASTY_NAMES = (
    *(b"", b"[heap]", b"[stack]", b"[vsyscall]", b"/usr/lib/libc.so.6", b"/tmp/a b  ", b"/tmp/x (deleted)"),
    *(b"/7f00-7f01 rw-p 00000000 00:00 0", b"/Rss:                4 kB", b"/VmFlags: rd", b"/Size: 4 kB"),
    *(b"/a\\012Size:   4 kB", b"/\x1b[31mred", b"/\xff\xfe", b"/tab\there\r", b"/" + b"long/" * 4000, b"[anon: a b]"),
    *("/\u202eevil".encode(), b"/=1+1", b"/|x|", b"anon_inode:[perf_event]", b"/SYSV00000000 (deleted)"),
)

names = st.one_of(
    st.sampled_from(_NASTY_NAMES), st.binary(max_size=40).map(lambda data: b"/" + data.replace(b"\n", b"").strip(b" "))
)


@st.composite
def records(draw: st.DrawFn, *, keys: Sequence[str] = KEYS_6_18, max_size: int = 14) -> list[Record]:
    """VMAs of one kernel, in address order; sizes that the kernel's field holds, and some that burst it."""
    made = []
    at = 4096
    sizes = st.one_of(st.integers(0, 9_999_999), st.sampled_from([0, 4, 99_999_999, 100_000_000, (1 << 54) - 1]))
    blocks = draw(st.lists(st.tuples(*(sizes for _ in keys)), min_size=1, max_size=2))
    for _ in range(draw(st.integers(0, max_size))):
        at += 4096 * draw(st.integers(0, 1 << 20))
        end = at + 4096 * draw(st.integers(1, 1 << 30))
        inode = draw(st.sampled_from([0, 1, 4711, (1 << 64) - 1]))
        made.append(
            Record(
                at,
                end,
                draw(st.sampled_from(["r--p", "r-xp", "rw-p", "---p", "rw-s", "rwxp"])),
                draw(st.sampled_from([0, 4096, 0xFFFF_F000, 1 << 40])),
                draw(st.sampled_from(["00:00", "fe:00", "103:02", "00:1f"])),
                inode,
                draw(names),
                tuple(zip(keys, draw(st.sampled_from(blocks)), strict=True)),
                draw(st.sampled_from(["rd mr", "rd wr mr mw me ac", "", "de"])),
            )
        )
        at = end
    return made
