"""Processes that nobody ran: snapshots and regions from texts that a test writes or draws."""

from collections.abc import Mapping

from hypothesis import strategies as st

from procmem.classify.classifier import layout, mapped_files, regions
from procmem.model.kinds import Kind
from procmem.model.note import note
from procmem.model.owners import Owner
from procmem.model.raw import Machine, RawProcess, Refusal
from procmem.model.region import Certainty, ElfObject, Label, Regions
from procmem.model.snapshot import Snapshot
from procmem.parse.process import snapshot
from procmem.parse.smaps import parse_smaps
from tests.support.smaps_text import KEYS_6_18, Record, smaps

PERMS = ["r--p", "r-xp", "rw-p", "---p", "rw-s", "rwxp"]
NAMES = [
    b"",
    b"[heap]",
    b"[stack]",
    b"[vdso]",
    b"/lib/x.so",
    b"/memfd:a (deleted)",
    b"/dev/zero (deleted)",
]


@st.composite
def mappings(draw: st.DrawFn) -> list[Record]:
    """Mappings whose figures fit into them, as a kernel's do."""
    made = []
    at = 0x1000
    for number in range(draw(st.integers(1, 12))):
        at += 0x1000 * draw(st.integers(0, 4))
        pages = draw(st.integers(1, 300))
        rss = draw(st.integers(0, pages)) * 4
        swap = draw(st.integers(0, pages - rss // 4)) * 4
        private = draw(st.integers(0, rss // 4)) * 4
        figures = dict.fromkeys(KEYS_6_18, 0) | {
            "Rss": rss,
            "Pss": private + (rss - private) // 2,
            "Private_Dirty": private,
            "Shared_Clean": rss - private,
            "Swap": swap,
            "SwapPss": swap,
        }
        name = draw(st.sampled_from(NAMES))
        perms = draw(st.sampled_from(PERMS))
        inode = number + 1 if name.startswith(b"/") else 0
        made.append(Record(at, at + pages * 4096, perms, 0, "00:01", inode, name, tuple(figures.items())))
        at += pages * 4096
    return made


def smaps_texts() -> st.SearchStrategy[bytes]:
    """The same as a file."""
    return mappings().map(smaps)


def made(
    files: Mapping[str, bytes | Refusal], *, kernel: str | None = None, machine: str | None = "x86_64"
) -> tuple[Snapshot, Regions | None]:
    """The process of pid 7 of which only these files are known; no regions where it has no mappings."""
    raw = RawProcess(7, dict(files), {}, None, {}, Machine(page_size=4096, kernel=kernel, machine=machine))
    shot = snapshot(raw)
    if shot.mappings is None:
        return shot, None
    unread = [ElfObject(file, None, readable=False) for file in mapped_files(shot)]
    return shot, regions(shot, layout(shot, unread).judged(), Refusal.DENIED)


def record(start: int, end: int, perms: str = "rw-p", name: bytes = b"", **counters: int) -> Record:
    """One mapping; counters in kB by their names in smaps, the others 0; a path gets an inode of its own."""
    figures = dict.fromkeys(KEYS_6_18, 0) | counters
    inode = sum(name) if name.startswith(b"/") else 0
    return Record(start, end, perms, 0, "00:01" if inode else "00:00", inode, name, tuple(figures.items()))


def labelled(*rows: tuple[Record, Kind, Owner | None]) -> Regions:
    """Regions that nobody had to recognise: mappings one by one, each with its kind and whose it is."""
    table = parse_smaps(smaps([one for one, _, _ in rows]))
    return Regions(
        mappings=table,
        vma=list(range(len(rows))),
        start=list(table.start),
        end=list(table.end),
        label=[Label(kind, Certainty.CERTAIN, note("unexplained"), owner) for _, kind, owner in rows],
    )
