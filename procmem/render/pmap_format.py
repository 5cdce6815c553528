"""What procps-ng 4.0.2's pmap prints, byte for byte, so that scripts and eyes can move over.

The form is that of pmap(1): its columns, widths, totals and habits (``[ anon ]`` for whatever has no slash in its
name, totals of RSS that a range does not limit). One thing differs on purpose: control characters in names are
shown as escapes, so that a file's name cannot drive the terminal.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from procmem.model.given_text import UNKNOWN_DEVICE
from procmem.model.mapping import SmapsRecord
from procmem.model.named_tuple import NamedTuple
from procmem.model.permissions import permissions, protection_letters
from procmem.model.proc_keys import SmapsKey
from procmem.model.vma_names import KernelName, kernel_label, mentions_sysv
from procmem.render.escaping import printable

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
    lines: Sequence[SmapsRecord]


def title_line(pid: int | None, title: bytes) -> str:
    """What stands above the map; ``?`` where a text does not say whose it is."""
    return f"{'?' if pid is None else pid}:   {printable(title)}\n"


def pmap_text(target: PmapTarget, options: PmapOptions) -> str:
    """One process's output."""
    title = title_line(target.pid, target.title)
    form: Mapping[str, Callable[[PmapTarget, PmapOptions], str]] = {"plain": _plain, "x": _extended, "d": _device}
    if options.form in form:
        return title + form[options.form](target, options)
    return title + _kernel_columns(target, options)


def _device_numbers(device: str) -> tuple[int, int]:
    """Major and minor number; those of no device where a text does not tell them."""
    major, _, minor = ("00:00" if device == UNKNOWN_DEVICE else device).partition(":")
    return int(major, 16), int(minor, 16)


def _inode(line: SmapsRecord) -> str:
    """The inode; a text that does not tell it has a number of ours there."""
    return "?" if line.device == UNKNOWN_DEVICE else line.inode


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


def _columns(lines: Sequence[SmapsRecord], keys: Sequence[str]) -> list[list[int]]:
    """The counters of lines by key, in kB; 0 where a line has no such number."""
    order = [key for key, _ in lines[0].values] if lines else []
    places = list(zip(*(line.values for line in lines), strict=False))
    if len(set(order)) == len(order) and all(len(line.values) == len(order) for line in lines):
        by_key: dict[str, list[int]] = {}
        for key, said in zip(order, places, strict=True):
            known = {pair: _number(pair[1]) for pair in set(said)}
            if any(other != key for other, _ in known):
                break
            by_key[key] = list(map(known.__getitem__, said))
        else:
            return [by_key[key] for key in keys]
    counters = _LineCounters()  # lines that have other keys, or in another order
    found = [counters[line.values] for line in lines]
    return [[figures.get(key, 0) for figures in found] for key in keys]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0


def _kernel_columns(target: PmapTarget, options: PmapOptions) -> str:
    """-X and -XX: the kernel's own keys as columns, each as wide as its widest text."""
    lines = [line for line in target.lines if _inside(line, options)]
    if not target.lines:
        return ""
    everything = options.form == "XX"
    keys = [
        key
        for key, _ in target.lines[0].values
        if (everything or key not in _SHORT_LEAVES_OUT or key == SmapsKey.SIZE) and key != SmapsKey.VM_FLAGS
    ]
    has_flags = everything and any(key == SmapsKey.VM_FLAGS for key, _ in target.lines[0].values)
    heads = ["Address", "Perm", "Offset", "Device", "Inode"]
    front = [[f"{line.start:08x}", line.perms, line.offset, line.device, _inode(line)] for line in lines]
    columns = _columns(lines, keys)
    flags = [next((text for key, text in line.values if key == SmapsKey.VM_FLAGS), "") for line in lines]
    totals = [str(sum(column)) for column in columns]
    shown = not options.quiet
    front_widths = [max([len(head) if shown else 0, *(len(row[at]) for row in front)]) for at, head in enumerate(heads)]
    widths = [
        max([len(key) if shown else 0, len(total) if shown else 0, len(str(max(column, default=0)))])
        for key, total, column in zip(keys, totals, columns, strict=True)
    ]
    flag_width = max([len(SmapsKey.VM_FLAGS) if shown else 0, *map(len, flags)]) if has_flags else 0
    out = []
    if shown:
        cells = [head.rjust(width) for head, width in zip(heads, front_widths, strict=True)]
        cells += [key.rjust(width) for key, width in zip(keys, widths, strict=True)]
        cells += [SmapsKey.VM_FLAGS.rjust(flag_width)] if has_flags else []
        out.append(" ".join([*cells, "Mapping"]) + "\n")
    first_form = " ".join(f"%{width}s" for width in front_widths)
    figures_form = " ".join(f"%{width}d" for width in widths)
    rows = zip(*columns, strict=True) if columns else [()] * len(lines)
    for line, first, figures, words in zip(lines, front, rows, flags, strict=True):
        cells = [first_form % tuple(first), *([figures_form % figures] if figures else [])]
        cells += [words.rjust(flag_width)] if has_flags else []
        name = line.name
        if not options.show_path and name.startswith(b"/"):
            name = name.rsplit(b"/", 1)[-1]
        out.append(" ".join([*cells, printable(name)]) + "\n")
    if shown:
        blank = " " * (sum(front_widths) + len(front_widths) - 1)
        out.append(" ".join([blank, *("=" * width for width in widths)]) + " \n")
        out.append(
            " ".join([blank, *(text.rjust(width) for text, width in zip(totals, widths, strict=True))]) + " KB \n"
        )
    return "".join(out)
