"""What procps-ng 4.0.2's pmap prints, byte for byte, so that scripts and eyes can move over.

The form is that of pmap(1): its columns, widths, totals and habits (``[ anon ]`` for whatever has no slash in its
name, totals of RSS that a range does not limit). One thing differs on purpose: control characters in names are
shown as escapes, so that a file's name cannot drive the terminal.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice

from procmem.model.given_text import UNKNOWN_DEVICE
from procmem.model.mapping import SmapsRecord
from procmem.model.named_tuple import NamedTuple
from procmem.model.permissions import permissions, protection_letters
from procmem.model.proc_keys import SmapsKey
from procmem.model.smaps_records import SmapsRecords
from procmem.model.vma_names import KernelName, kernel_label, mentions_sysv
from procmem.render.escaping import printable
from procmem.render.repeated import RepeatedCells

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

__all__ = ["PmapOptions", "PmapTarget", "pmap_mode", "pmap_text", "title_line"]

_STACK = kernel_label(KernelName.STACK)
_NO_FIGURES = f"{'-':>7} {'-':>7}"
"""Where maps stands in for smaps: unknown is not 0."""
_SHORT_LEAVES_OUT = frozenset(
    {
        SmapsKey.SIZE,
        SmapsKey.KERNEL_PAGE_SIZE,
        SmapsKey.MMU_PAGE_SIZE,
        SmapsKey.SHARED_CLEAN,
        SmapsKey.SHARED_DIRTY,
        SmapsKey.PRIVATE_CLEAN,
        SmapsKey.PRIVATE_DIRTY,
        SmapsKey.ANON_HUGE_PAGES,
        SmapsKey.VM_FLAGS,
    }
)
_SYSV_DEVICE = (0, 1)
_ROWS_AT_ONCE = 1024
"""Rows whose text is kept at a time."""


class PmapOptions(NamedTuple):
    """pmap's options: ``form`` is ``plain``, ``x``, ``X``, ``XX`` or ``d``; ``low``/``high`` limit the addresses."""

    form: str = "plain"
    quiet: bool = False
    show_path: bool = False
    low: int = 0
    high: int = (1 << 64) - 1


class PmapTarget(NamedTuple):
    """One process: what pmap prints above its map, and where its stack began."""

    pid: int | None
    title: bytes
    start_stack: int | None
    lines: SmapsRecords


def title_line(pid: int | None, title: bytes) -> str:
    """What stands above the map; ``?`` where a text does not say whose it is."""
    return f"{'?' if pid is None else pid}:   {printable(title)}\n"


def pmap_text(target: PmapTarget, options: PmapOptions) -> Iterator[str]:
    """One process's output, piece by piece."""
    yield title_line(target.pid, target.title)
    form: Mapping[str, Callable[[PmapTarget, PmapOptions], str]] = {"plain": _plain, "x": _extended, "d": _device}
    if options.form in form:
        yield form[options.form](target, options)
    else:
        yield from _kernel_columns(target, options)


def _device_numbers(device: str) -> tuple[int, int]:
    """Major and minor number; those of no device where a text does not tell them."""
    major, _, minor = ("00:00" if device == UNKNOWN_DEVICE else device).partition(":")
    return int(major, 16), int(minor, 16)


def _inodes(lines: SmapsRecords) -> list[str]:
    """The inodes; a text that does not tell one has a number of ours there."""
    if UNKNOWN_DEVICE not in lines.device:
        return lines.inode
    said = zip(lines.device, lines.inode, strict=True)
    return ["?" if device == UNKNOWN_DEVICE else inode for device, inode in said]


def _mapping(target: PmapTarget, line: SmapsRecord, options: PmapOptions) -> str:
    """The last column: a file's name, the id of a System V segment, the stack, or [ anon ]."""
    major, minor = _device_numbers(line.device)
    if (major, minor) == _SYSV_DEVICE and mentions_sysv(line.name):
        return f"  [ shmid=0x{int(line.inode):x} ]"
    if b"/" in line.name:
        name = line.name[line.name.index(b"/") :]
        if not options.show_path:
            name = name.rsplit(b"/", 1)[-1] or b"/"
        return printable(name)
    is_stack = line.name == _STACK  # where no stat tells where it began
    if target.start_stack is not None:
        is_stack = line.start <= target.start_stack <= line.end
    if is_stack:
        return "  [ stack ]"
    return "  [ anon ]"


@lru_cache(maxsize=64)  # few permissions are different
def pmap_mode(perms: str) -> str:
    """The permissions as pmap shows them: five letters, of which the last says nothing any more."""
    allowed = permissions(perms)
    return protection_letters(allowed.access) + ("s-" if allowed.shared else "--")


def _inside(line: SmapsRecord, options: PmapOptions) -> bool:
    return line.end - 1 >= options.low and line.start <= options.high


def _chosen(target: PmapTarget, options: PmapOptions) -> SmapsRecords:
    """The lines inside of the limits."""
    lines = target.lines
    if max(lines.start) <= options.high and min(lines.end) > options.low:
        return lines
    return SmapsRecords.of(line for line in lines if _inside(line, options))


def _kernel_name(name: bytes, options: PmapOptions) -> str:
    """The name as the kernel has it; a file's without its folders."""
    return printable(name.rsplit(b"/", 1)[-1] if not options.show_path and name.startswith(b"/") else name)


def _kib(line: SmapsRecord) -> int:
    return (line.end - line.start) // 1024


def _plain(target: PmapTarget, options: PmapOptions) -> str:
    chosen = [line for line in target.lines if _inside(line, options)]
    out = [
        f"{line.start:016x} {_kib(line):6}K {pmap_mode(line.perms)} {_mapping(target, line, options)}\n"
        for line in chosen
    ]
    if not options.quiet:
        out.append(f" total {sum(map(_kib, chosen)):16}K\n")
    return "".join(out)


_Values = tuple[tuple[str, str], ...]


class _LineCounters(dict[_Values, dict[str, int]]):
    """The counters of lines: asked for by what a line says, since of many thousand lines most say the same."""

    def __missing__(self, values: _Values) -> dict[str, int]:
        found = self[values] = {}
        for name, text in values:
            found[name] = found.get(name, 0) + _number(text)
        return found


def _extended(target: PmapTarget, options: PmapOptions) -> str:
    out = []
    if not options.quiet:
        out.append(f"{'Address':<16}  Kbytes     RSS   Dirty Mode  Mapping\n")
    total = rss_total = dirty_total = 0
    counters = _LineCounters()
    known = not target.lines or any(line.values for line in target.lines)
    for line in target.lines:
        if line.start > options.high:
            break  # what lies below a range still counts in the totals of RSS, what lies above does not
        figures = counters[line.values]
        rss, dirty = (
            figures.get(SmapsKey.RSS, 0),
            figures.get(SmapsKey.PRIVATE_DIRTY, 0) + figures.get(SmapsKey.SHARED_DIRTY, 0),
        )
        rss_total += rss
        dirty_total += dirty
        if not _inside(line, options):
            continue
        total += _kib(line)
        mapping = _mapping(target, line, options)
        figures_text = f"{rss:7} {dirty:7}" if known else _NO_FIGURES
        out.append(f"{line.start:016x} {_kib(line):7} {figures_text} {pmap_mode(line.perms)} {mapping}\n")
    if not options.quiet:
        out.append(f"{'-' * 16} ------- ------- ------- \n")
        sums = f"{rss_total:7} {dirty_total:7}" if known else _NO_FIGURES
        out.append(f"{'total kB':<16} {total:7} {sums}\n")
    return "".join(out)


def _device(target: PmapTarget, options: PmapOptions) -> str:
    out = []
    if not options.quiet:
        out.append(f"{'Address':<16}  Kbytes Mode  Offset           Device    Mapping\n")
    mapped = private = shared = 0
    for line in target.lines:
        size = _kib(line)
        if not _inside(line, options):
            continue
        mapped += size
        if permissions(line.perms).shared:
            shared += size
        elif permissions(line.perms).writable:
            private += size
        major, minor = _device_numbers(line.device)
        out.append(
            f"{line.start:016x} {size:7} {pmap_mode(line.perms)} {int(line.offset, 16):016x}"
            f" {major:03x}:{minor:05x} {_mapping(target, line, options)}\n"
        )
    if not options.quiet:
        out.append(f"mapped: {mapped}K    writeable/private: {private}K    shared: {shared}K\n")
    return "".join(out)


def _columns(lines: SmapsRecords, keys: Sequence[str]) -> list[list[int]]:
    """The counters of lines by key, in kB; 0 where a line has no such number."""
    order = lines.keys
    if order is not None and lines.said is not None and len(set(order)) == len(order):
        by_key = {}
        for key, said in zip(order, lines.said, strict=True):
            if key in keys:
                known = {pair: _number(pair[1]) for pair in set(said)}
                by_key[key] = list(map(known.__getitem__, said))
        return [by_key.get(key) or [0] * len(lines) for key in keys]
    counters = _LineCounters()  # lines that have other keys, or in another order
    found = [counters[values] for values in lines.values]
    return [[figures.get(key, 0) for figures in found] for key in keys]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0


def _flags(lines: SmapsRecords) -> list[str]:
    """The flags of each line; empty where it says none."""
    if lines.keys is not None and lines.said is not None and SmapsKey.VM_FLAGS in lines.keys:
        return [text for _, text in lines.said[lines.keys.index(SmapsKey.VM_FLAGS)]]
    return [next((text for key, text in values if key == SmapsKey.VM_FLAGS), "") for values in lines.values]


def _kernel_columns(target: PmapTarget, options: PmapOptions) -> Iterator[str]:
    """-X and -XX: the kernel's own keys as columns, each as wide as its widest text."""
    if not target.lines:
        return
    lines = _chosen(target, options)
    said = target.lines[0].values
    everything = options.form == "XX"
    keys = [
        key
        for key, _ in said
        if (everything or key not in _SHORT_LEAVES_OUT or key == SmapsKey.SIZE) and key != SmapsKey.VM_FLAGS
    ]
    columns = _columns(lines, keys)
    totals = [str(sum(column)) for column in columns]
    shown = not options.quiet
    texts: list[tuple[str, Sequence[str]]] = [
        ("Address", list(map("%08x".__mod__, lines.start))),
        ("Perm", lines.perms),
        ("Offset", lines.offset),
        ("Device", lines.device),
        ("Inode", _inodes(lines)),
    ]
    front_widths = [max(map(len, [head if shown else "", *column])) for head, column in texts]
    widths = [
        max([len(key) if shown else 0, len(total) if shown else 0, len(str(max(column, default=0)))])
        for key, total, column in zip(keys, totals, columns, strict=True)
    ]
    cells = RepeatedCells()
    for (_, column), width in zip(texts, front_widths, strict=True):
        cells.add(column, f"%{width}s ".__mod__)
    for figures, width in zip(columns, widths, strict=True):
        cells.add(figures, f"%{width}d ".__mod__)
    heads = [*(head for head, _ in texts), *keys]
    all_widths = [*front_widths, *widths]
    if everything and any(key == SmapsKey.VM_FLAGS for key, _ in said):
        flags = _flags(lines)
        all_widths.append(max(map(len, [SmapsKey.VM_FLAGS if shown else "", *flags])))
        heads.append(SmapsKey.VM_FLAGS)
        cells.add(flags, f"%{all_widths[-1]}s ".__mod__)
    cells.add(lines.name, lambda name: f"{_kernel_name(name, options)}\n")
    if shown:
        yield " ".join([*(head.rjust(width) for head, width in zip(heads, all_widths, strict=True)), "Mapping"]) + "\n"
    rows = cells.rows()
    while some := "".join(islice(rows, _ROWS_AT_ONCE)):
        yield some
    if shown:
        blank = " " * (sum(front_widths) + len(front_widths) - 1)
        yield " ".join([blank, *("=" * width for width in widths)]) + " \n"
        yield " ".join([blank, *(text.rjust(width) for text, width in zip(totals, widths, strict=True))]) + " KB \n"
