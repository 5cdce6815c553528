"""The kernel's laws of layout, held against a real map: each holds, is broken, or does not apply.

These are the rules by which the simulator predicts a 32-bit program, in the form in which they are true of every
x86 process: order of areas, distance of the borders, the heap above BSS, the gap below the stack, what merges, and
what page tables cost. A process may break some of them on purpose (MAP_FIXED, PR_SET_MM); then it says so.

The first ones ask only for a few addresses, and are checked by ``inspect`` too; the last ones walk over all
mappings.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from operator import gt

from procmem.model.auxv import AT_BASE, AT_ENTRY, AT_EXECFN, AT_SYSINFO_EHDR
from procmem.model.elf import ET_EXEC, PT_INTERP, ElfImage
from procmem.model.laws import GUARD_GAP, MMAP_BASE_LAW, Borders, Law, Outcome
from procmem.model.machine import architecture_of
from procmem.model.mapping import Mappings
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.model.permissions import permissions
from procmem.model.proc_keys import SmapsKey, StatusKey
from procmem.model.raw import MappedFile
from procmem.model.region import ElfObject
from procmem.model.snapshot import LimitName, Snapshot
from procmem.model.vm_flags import MemoryFlag
from procmem.model.vma_names import KernelName

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Check = tuple[Callable[["_Case"], Iterator[Law]], bool]
    """One group of laws: what it yields of a process, and whether it looks at each mapping."""

__all__ = ["CHECKS", "laws_of"]

_PAGE = 4096
_NEVER_MERGED = frozenset({MemoryFlag.IO, MemoryFlag.PFNMAP, MemoryFlag.MIXEDMAP, MemoryFlag.DONTDUMP})
_SPECIAL = (KernelName.VVAR, KernelName.VVAR_VCLOCK, KernelName.VDSO)


class _Case(NamedTuple):
    """One process, as the laws look at it. ``rows`` are its mappings by address, gate areas left out."""

    snapshot: Snapshot
    table: Mappings
    rows: list[int]
    borders: Borders
    program: ElfImage | None
    bias: int
    interpreter: MappedFile | None
    stack: tuple[int, int] | None
    """From where to where the main stack reaches, its parts of other rights among it."""
    stack_limit: int | None

    @property
    def word(self) -> int:
        """Bytes of a pointer."""
        return 8 if self.snapshot.bits == 64 else 4


def laws_of(snapshot: Snapshot, objects: Sequence[ElfObject], borders: Borders, *, walk: bool) -> tuple[Law, ...]:
    """Check every law; ``walk`` also those that look at each mapping. Empty for a process without mappings."""
    case = _case(snapshot, objects, borders)
    if case is None:
        return ()
    laws = [law for laws_of_case, walks in CHECKS if walk or not walks for law in laws_of_case(case)]
    if snapshot.unstable is not None:
        return tuple(map(_undecided, laws))
    return tuple(laws)


def _undecided(law: Law) -> Law:
    """Of a process that changed while it was read, what seems broken may be two moments side by side."""
    if law.outcome is not Outcome.BROKEN:
        return law
    return law._replace(outcome=Outcome.NOT_APPLICABLE, moved=True)


def _case(snapshot: Snapshot, objects: Sequence[ElfObject], borders: Borders) -> _Case | None:
    table = snapshot.mappings
    if table is None or not len(table):
        return None
    rows = list(range(len(table)))
    for row in reversed(table.gates()):
        del rows[row]
    if any(map(gt, table.start, table.start[1:])):
        rows.sort(key=table.start.__getitem__)
    auxv = snapshot.auxv or {}
    own = (item for item in objects if item.file.is_program)
    program = next((item for item in own if item.image is not None and item.image.loads), None)
    image = program.image if program is not None else None
    bias = auxv[AT_ENTRY] - image.entry if image is not None and AT_ENTRY in auxv else 0
    base = auxv.get(AT_BASE)
    linker = next((item.file for item in objects if base and item.file.holds(base)), None)
    stack = _stack_of(table, rows)
    limit = (snapshot.limits or {}).get(LimitName.STACK)
    known = image if AT_ENTRY in auxv else None
    return _Case(snapshot, table, rows, borders, known, bias, linker, stack, limit.soft if limit else None)


def _stack_of(table: Mappings, rows: Sequence[int]) -> tuple[int, int] | None:
    """The main stack: mprotect() cuts it, and the kernel names the part alone in which the stack began."""
    named = next(reversed(table.rows_labelled(KernelName.STACK)), None)
    if named is None:
        return None
    at = rows.index(named)
    first = last = at
    while (
        first and _is_part_of_stack(table, rows[first - 1]) and table.end[rows[first - 1]] == table.start[rows[first]]
    ):
        first -= 1
    while (
        last + 1 < len(rows)
        and _is_part_of_stack(table, rows[last + 1])
        and table.end[rows[last]] == table.start[rows[last + 1]]
    ):
        last += 1
    return table.start[rows[first]], table.end[rows[last]]


def _is_part_of_stack(table: Mappings, row: int) -> bool:
    """Whether what adjoins the stack grows down as it does; where flags are not shown, any anonymous memory may."""
    if table.inode[row] or table.named(row).named not in (KernelName.NONE, KernelName.STACK):
        return False
    grows = table.has_flag(row, MemoryFlag.GROWSDOWN)
    return permissions(table.perms[row]).private if grows is None else grows


def _law(name: str, row: str, source: str, verdict: bool | None, figures: Note, *, says: str = "") -> Law:
    outcome = Outcome.NOT_APPLICABLE if verdict is None else Outcome.HOLDS if verdict else Outcome.BROKEN
    return Law(name, row, says or name, outcome, figures, source)


def _within(value: int, interval: tuple[int, int]) -> bool:
    return interval[0] <= value <= interval[1]


def _space_laws(case: _Case) -> Iterator[Law]:
    """The space as a whole."""
    table, rows = case.table, case.rows
    apart = all(table.end[a] <= table.start[b] for a, b in pairwise(rows))
    page = case.snapshot.known_page_size
    aligned = page is None or all(table.start[row] % page == 0 and table.end[row] % page == 0 for row in rows)
    yield _law(
        "pages-apart", "M1", "mm/vma.c, vma_link()", apart and aligned, note("mappings", count=len(rows)),
        says="pages-apart" if page is not None else "pages-apart-unknown-size",
    )  # fmt: skip
    top = table.end[rows[-1]] if rows else 0
    border = case.borders.task_size
    yield _law(
        "below-border", "M10", "arch/x86/include/asm/processor.h, TASK_SIZE", top <= border,
        note("border", top=top, border=border),
    )  # fmt: skip
    lowest = table.start[rows[0]] if rows else 0
    yield _law(
        "page-zero",
        "M12",
        "security/min_addr.c, mmap_min_addr",
        lowest >= (page or _PAGE),
        note("lowest", lowest=lowest),
    )
    size, sums = case.snapshot.size(StatusKey.VM_SIZE), case.snapshot.virt
    yield _law(
        "virt-sum", "M8", "mm/mmap.c, vm_stat_account()", None if size is None else size == sums,
        note("virt", size=size, sum=sums),
    )  # fmt: skip


def _mapped_at(case: _Case, address: int) -> int | None:
    """The mapping that holds an address."""
    starts = case.table.start
    at = bisect_right(case.rows, address, key=starts.__getitem__) - 1
    return case.rows[at] if at >= 0 and address < case.table.end[case.rows[at]] else None


def _program_laws(case: _Case) -> Iterator[Law]:
    """Text, data and BSS."""
    source = "fs/binfmt_elf.c, load_elf_binary()"
    image = case.program
    if image is None:
        yield _law("program-place", "M13", source, None, note("no headers"), says="program-place-unread")
        return
    loads = image.loads
    missing = [s for s in loads if _mapped_at(case, (case.bias + s.vaddr) & -_PAGE) is None]
    yield _law(
        "program-place", "M13", "fs/binfmt_elf.c, elf_load()", not missing,
        note("segments", found=len(loads) - len(missing), segments=len(loads), bias=case.bias),
    )  # fmt: skip
    ordered = all(a.vaddr + a.memsz <= b.vaddr for a, b in pairwise(loads))
    first, last = case.bias + loads[0].vaddr, case.bias + loads[-1].vaddr + loads[-1].memsz
    yield _law("segment-order", "M14", "gABI, Program Header: PT_LOAD", ordered, note("range", start=first, end=last))
    if image.type == ET_EXEC:
        yield _law(
            "program-base", "M14", source, case.bias == 0, note("bias", bias=case.bias), says="program-base-fixed"
        )
    elif image.first(PT_INTERP) is None:
        yield _law("program-base", "M14", source, None, note("bias", bias=case.bias), says="program-base-static")
    else:
        # the kernel places the first page, wherever the linker put it (--image-base); alignment may take it below the
        # base, at most by its own size
        align = max((s.align for s in loads), default=_PAGE)
        low, high = case.borders.program_base
        place = (case.bias + loads[0].vaddr) & -_PAGE
        yield _law(
            "program-base", "M14", "arch/x86/include/asm/elf.h, ELF_ET_DYN_BASE",
            _within(place, (low - max(align, _PAGE), high)),
            note("first page range", place=place, least=low, most=high),
        )  # fmt: skip


def _heap_laws(case: _Case) -> Iterator[Law]:
    """The heap lies just above the BSS, and grows up."""
    source = "fs/binfmt_elf.c, load_elf_binary(); arch/x86/kernel/process.c, arch_randomize_brk()"
    stat, image = case.snapshot.stat, case.program
    start_brk = stat.start_brk if stat is not None else None
    if start_brk is None or image is None:
        yield _law("heap-base", "M14", source, None, note("heap base unread"))
    elif image.type != ET_EXEC and image.first(PT_INTERP) is None:
        base = case.borders.program_base
        least, most = base[0] & -_PAGE, base[1] + case.borders.brk_reach
        yield _law(
            "heap-base", "M14", source, _within(start_brk, (least, most)),
            note("start_brk range", start_brk=start_brk, least=least, most=most), says="heap-base-static",
        )  # fmt: skip
    else:
        end = max(-(-(case.bias + s.vaddr + s.memsz) // _PAGE) * _PAGE for s in image.loads)
        yield _law("heap-base", "M14", source, _within(start_brk, (end, end + case.borders.brk_reach)),
                   note("bss end", end=end, start_brk=start_brk))  # fmt: skip
    rows = case.table.rows_labelled(KernelName.HEAP)
    where = "mm/mmap.c, brk()"
    if not rows or start_brk is None:
        yield _law("heap-start", "M14", where, None, note("no brk") if not rows else note("start_brk unread"))
    else:
        first = min(case.table.start[row] for row in rows)
        yield _law("heap-start", "M14", where, first == start_brk,
                   note("first heap", first=first, start_brk=start_brk))  # fmt: skip


def _mapping_laws(case: _Case) -> Iterator[Law]:
    """The mapping area hangs below the stack, with a gap."""
    source = "arch/x86/mm/mmap.c, mmap_base()"
    linker = case.interpreter
    if linker is None:
        yield _law(MMAP_BASE_LAW, "M17", source, None, note("no linker"))
    else:
        start, end = min(s for s, _ in linker.ranges), max(e for _, e in linker.ranges)
        row = _mapped_at(case, end)
        while row is not None and not case.table.name[row]:
            end = case.table.end[row]  # the anonymous end of its data segment
            row = _mapped_at(case, end)
        held = _within(end, case.borders.mmap_base)
        # the limit that counts is the one at exec: setrlimit(2) and prlimit(1) may have changed it since
        possible: bool | None = True if held else None if _within(end, case.borders.mmap_base_any_limit) else False
        if not held and _within(start, case.borders.legacy_base):
            least, most = case.borders.legacy_base
            yield _law(MMAP_BASE_LAW, "M17", source, True, note("legacy", start=start, least=least, most=most),
                       says="mmap-base-legacy")  # fmt: skip
        else:
            least, most = case.borders.mmap_base
            code = "mmap_base, another limit" if possible is None else "mmap_base"
            yield _law(MMAP_BASE_LAW, "M17", source, possible, note(code, end=end, least=least, most=most))
    rows = sorted(case.table.rows_labelled(*_SPECIAL), key=case.table.start.__getitem__)
    base = (case.snapshot.auxv or {}).get(AT_SYSINFO_EHDR)
    source = "arch/x86/entry/vdso/vma.c, map_vdso()"
    vdso = next((row for row in rows if case.table.named(row).named is KernelName.VDSO), None)
    if vdso is None or base is None:
        yield _law("vdso", "M18", source, None, note("no vdso"))
    else:
        # [vvar] lies below the code since 3.18 or so, above it before
        ends, starts = [case.table.end[row] for row in rows[:-1]], [case.table.start[row] for row in rows[1:]]
        at = case.table.start[vdso]
        yield _law("vdso", "M18", source, ends == starts and at == base, note("vdso", at=at, base=base))


def _stack_laws(case: _Case) -> Iterator[Law]:
    """The main stack: on top, limited, with a gap below it."""
    table, stat = case.table, case.snapshot.stat
    if case.stack is None:
        yield _law("stack-top", "M16", "fs/exec.c, setup_arg_pages()", None, note("no stack"))
        return
    start, end = case.stack
    least, most = case.borders.stack_end
    yield _law(
        "stack-top", "M16", "fs/exec.c, setup_arg_pages()", _within(end, (least, most)),
        note("stack end", end=end, least=least, most=most),
    )  # fmt: skip
    limit = case.stack_limit
    # a stack above its limit is no contradiction: what grew stays when the limit is lowered (setrlimit, prlimit)
    within = limit is not None and end - start <= max(limit, 128 << 10)
    code = "stack size, no limit" if limit is None else "stack size" if within else "stack size, lowered limit"
    yield _law(
        "stack-limit", "M16", "mm/mmap.c, acct_stack_growth()", within or None,
        note(code, size=end - start, limit=limit),
    )  # fmt: skip
    source = "fs/binfmt_elf.c, create_elf_tables()"
    places = [] if stat is None else [stat.startstack, stat.arg_start, stat.arg_end, stat.env_start, stat.env_end]
    name = (case.snapshot.auxv or {}).get(AT_EXECFN)
    if None in places or not places:
        yield _law("stack-strings", "M16", source, None, note("stat unread"))
    elif any(place is not None and not start <= place <= end for place in places):
        # prctl(2), PR_SET_MM: setproctitle() of some programs, and processes that were restored
        yield _law(
            "stack-strings", "M16", source, None, note("strings moved", arguments=places[1], environment=places[3])
        )
    else:
        steps = [place for place in (*places, name, end - case.word) if place is not None]
        held = not any(map(gt, steps, steps[1:])) and steps[0] % 16 == 0
        yield _law("stack-strings", "M16", source, held,
                   note("strings", start_stack=steps[0], arguments=steps[1], environment=steps[3]))  # fmt: skip
    at = bisect_right(case.rows, start, key=table.start.__getitem__) - 1
    below = table.end[case.rows[at - 1]] if at else 0
    yield _law(
        "stack-gap", "M16", "mm/mmap.c, stack_guard_gap",
        start - below >= GUARD_GAP or permissions(table.perms[case.rows[at - 1]]).inaccessible,
        note("gap", gap=start - below),
    )  # fmt: skip


def _merging(case: _Case) -> Iterator[Law]:
    """Anonymous neighbours that are alike in all that smaps shows would be one, unless each was written by itself."""
    table = case.table
    written = table.column(SmapsKey.ANONYMOUS)
    adjoining = alike = 0
    for low, high in pairwise(case.rows):
        if table.end[low] != table.start[high]:
            continue
        adjoining += 1
        if table.perms[low] != table.perms[high] or table.name[low] != table.name[high]:
            continue
        if table.flags[low] != table.flags[high]:
            continue
        if table.inode[low] or table.inode[high]:
            continue  # two mappings of one file merge only if one open(2) gave both, and nothing shows that
        flags = (table.flags[low] or "").split()
        if _NEVER_MERGED & set(flags) or table.named(low).named in _SPECIAL:
            continue
        if written is not None and (written[low] or written[high] or MemoryFlag.ACCOUNT in flags):
            continue
        # memory that is not accounted for (MAP_NORESERVE) shows no trace of having been written, once it is given back
        if permissions(table.perms[low]).private and MemoryFlag.NORESERVE in flags:
            continue
        alike += 1
    known = any(flags is not None for flags in table.flags)
    figures = note("pairs", adjoining=adjoining, alike=alike)
    yield _law("merging", "M12", "mm/vma.c, can_vma_merge_before()", alike == 0 if known else None, figures)


def _page_tables(case: _Case) -> Iterator[Law]:
    """VmPTE: a table of 4 KiB for each region of each level in which a page was ever used."""
    cost = case.snapshot.size(StatusKey.VM_PTE)
    table, rss = case.table, case.table.column(SmapsKey.RSS)
    source = "mm/memory.c, __pte_alloc(); mm_inc_nr_ptes()"
    layout = architecture_of(case.snapshot.machine.machine, case.snapshot.bits).layout
    levels = layout.table_reach if layout is not None else ()
    if cost is None or rss is None or not levels:
        yield _law("page-tables", "M18", source, None, note("tables", size=cost))
        return
    most = sum(_regions_of([(table.start[row], table.end[row]) for row in case.rows], reach) for reach in levels)
    used = [(table.start[row], table.end[row]) for row in case.rows if rss[row]]
    # where in its mapping a page lies is not known, but for mappings inside one block; and a block that is one huge
    # page of a file needs no table
    block = levels[0]
    inside = {start // block for start, end in used if start // block == (end - 1) // block and end - start < block}
    least = len(inside) + len({at * block // levels[1] for at in inside}) + 1
    yield _law(
        "page-tables", "M18", source, least * _PAGE <= cost <= (most + 1) * _PAGE,
        note("tables range", size=cost, least_kib=least * 4, most_kib=(most + 1) * 4),
    )  # fmt: skip


def _regions_of(ranges: Sequence[tuple[int, int]], reach: int) -> int:
    """How many aligned blocks of a size the ranges touch; they are in the order of addresses."""
    count, last = 0, -1
    for start, end in ranges:
        first = max(start // reach, last + 1)
        until = (end - 1) // reach
        if until >= first:
            count += until - first + 1
            last = until
    return count


CHECKS: tuple[Check, ...] = (
    (_space_laws, True),
    (_program_laws, False),
    (_heap_laws, False),
    (_mapping_laws, False),
    (_stack_laws, False),
    (_merging, True),
    (_page_tables, True),
)
"""All laws, in the order in which they are told; a new one is a row here and its words in ``text.laws``."""
