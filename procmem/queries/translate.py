"""Translations: an address of a real process, or of the simulated machine."""

from __future__ import annotations

import os

from procmem.analyse.translation import levels_of, mapped_by_huge_entry, pagemap_bits, swap_place, walk_steps
from procmem.errors import AccessRefused, BadInput, Misuse
from procmem.model.note import note
from procmem.model.proc_keys import SmapsKey
from procmem.model.raw import PageState, Refusal, said_or_nothing
from procmem.model.reports.translation import RealTranslation, Translation
from procmem.parse.cpuinfo import parse_virtual_bits
from procmem.parse.process import snapshot
from procmem.parse.system import parse_swaps
from procmem.queries.page import page_facts
from procmem.queries.read import take

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.mapping import Vma
    from procmem.model.ports import Target
    from procmem.model.simulation import KernelFacts, KernelKind

__all__ = ["real_translation", "simulated_accesses", "simulated_translations"]

_USER_BITS = {4: 47, 5: 56}
_PAGE = 4096
"""That of x86, the only machine whose levels are told."""
_GIB = 1 << 30


def real_translation(target: Target, address: int) -> RealTranslation:
    """What may be known of one address of a process.

    Raises:
        ProcessGone, AccessRefused: as :func:`procmem.queries.read.take`.
    """
    raw, mappings = take(target, ("maps",), ("cpuinfo", "swaps"), thread_files=())
    shot = snapshot(raw, keys=None, mappings_read=mappings)
    if raw.files.get("maps") is Refusal.UNRECORDED:
        raise AccessRefused(target.pid, "no-mappings")
    size = shot.page_size
    levels = levels_of(
        shot.machine.machine, parse_virtual_bits(said_or_nothing(raw.system.get("cpuinfo", Refusal.ABSENT)))
    )
    reasons = []
    steps = walk_steps(address, levels) if levels is not None else ()
    if levels is None:
        reasons.append(note("levels"))
    if shot.mappings is None:
        reasons.append(note("maps", right=shot.missing_right))
    vma = next((vma for vma in shot.mappings or () if vma.start <= address < vma.end), None)
    area = None if vma is None else f"{vma.start:x}-{vma.end:x} {vma.perms} {os.fsdecode(vma.name)}".rstrip()
    word: int | Refusal = target.page_word(address, size)
    facts = page_facts(target, shot, address)
    huge = bool((facts.state or 0) & PageState.HUGE)
    mapped_bytes = size
    if huge and steps:
        level, mapped_bytes = _huge_entry(target, vma)
        steps = mapped_by_huge_entry(steps, level)
    if levels is not None and address >> _USER_BITS[levels]:
        word = Refusal.ABSENT
        kernels = address >> _USER_BITS[levels] == (1 << 64 - _USER_BITS[levels]) - 1
        reasons.append(note("kernel space" if kernels else "not canonical"))
    elif isinstance(word, Refusal):
        reasons.append(note("pagemap", refusal=word))
    elif word >> 63 and facts.frame is None:
        reasons.append(note("frame"))
    if facts.frame is not None and facts.flags is None:
        reasons.append(note("kpageflags"))
    known = word if isinstance(word, int) else None
    areas = parse_swaps(said_or_nothing(raw.system.get("swaps", Refusal.ABSENT)))
    return RealTranslation(
        target.pid,
        address,
        size,
        levels,
        steps,
        None if shot.known_page_size is None else address % mapped_bytes,
        area,
        known,
        pagemap_bits(known) if known is not None else (),
        facts.frame,
        facts.flags,
        facts.maps,
        tuple(reasons),
        huge,
        None if known is None else swap_place(known, areas),
        shot.notes,
    )


def _huge_entry(target: Target, vma: Vma | None) -> tuple[str, int]:
    """The level whose entry maps a huge page, and the bytes that it maps: 1 GiB only where hugetlb has such pages."""
    if vma is not None and not vma.start % _GIB and not vma.end % _GIB:
        _, mappings = take(target, ("smaps",), (), keys=(SmapsKey.KERNEL_PAGE_SIZE,), thread_files=())
        sizes = [] if mappings is None else mappings.usage.get(SmapsKey.KERNEL_PAGE_SIZE, [])
        starts = [] if mappings is None else mappings.start
        if any(start == vma.start and size == _GIB for start, size in zip(starts, sizes, strict=False)):
            return "PUD", _GIB
    return "PMD", 512 * _PAGE


def simulated_translations(
    addresses: tuple[int, ...],
    *,
    script: str | None,
    access: str,
    user_mode: bool,
    levels: int = 2,
    thp: bool = False,
    facts: KernelFacts,
) -> tuple[Translation, ...]:
    """Accesses, one after another, of the textbook program: of 32 bits with two and three levels, else of 64.

    Raises:
        BadInput: a script that cannot be played.
        Misuse: an address that is longer than the machine's.
    """
    from procmem.model.simulated_memory import MemorySettings, Paging  # noqa: PLC0415
    from procmem.model.simulation import Settings, Stage  # noqa: PLC0415  # only for --sim
    from procmem.simulate.arch.mmu import translate  # noqa: PLC0415
    from procmem.simulate.arch.tlb import Tlb  # noqa: PLC0415
    from procmem.simulate.programs import textbook  # noqa: PLC0415
    from procmem.simulate.programs.predict import start  # noqa: PLC0415
    from procmem.simulate.script.run import parse_script, run_script  # noqa: PLC0415

    paging = {2: Paging.TWO_LEVEL, 3: Paging.PAE, 4: Paging.FOUR_LEVEL, 5: Paging.FIVE_LEVEL}[levels]
    bits = 64 if paging.middle_levels else 32
    settings = Settings(kernel=_kernel_of(levels), facts=facts, exec_path=textbook.EXEC_PATH, argv=textbook.ARGV)
    running = start(textbook.files(bits), settings, Stage.MAIN)
    machine = MemorySettings(ram=1 << 31, paging=paging, thp=thp)
    memory, tlb = None, Tlb()
    steps = parse_script(textbook.BODY if script is None else script)
    for moment in run_script(running, steps, cpus=facts.cpus, memory=machine, keeps_moments=False):
        memory = moment.memory
    if memory is None:
        raise BadInput("no-steps")
    if not memory.processes:
        raise BadInput("all-ended")
    told = []
    for address in addresses:
        if not 0 <= address < 1 << bits:
            raise Misuse("not-32-bit", address=address)
        pid = min(memory.processes)
        one, memory, tlb = translate(memory, pid, address, access=access, user_mode=user_mode, tlb=tlb)
        told.append(one)
        if pid not in memory.processes:
            break
    return tuple(told)


def _kernel_of(levels: int) -> KernelKind:
    """Two and three levels are those of an i386 kernel, four and five those of x86-64."""
    from procmem.model.simulation import KernelKind  # noqa: PLC0415  # only for --sim

    return KernelKind.X86_64 if levels >= 4 else KernelKind.NATIVE


def simulated_accesses(
    addresses: tuple[int, ...], *, script: str | None, access: str, user_mode: bool, levels: int, thp: bool = False
) -> tuple[Translation, ...]:
    """The same on a kernel of today, with the steps of a script file where one is named.

    Raises:
        BadInput, Misuse: as :func:`simulated_translations`, or no such file.
    """
    from procmem.simulate.kernel.versions import table_facts  # noqa: PLC0415
    from procmem.sources.script_file import read_script  # noqa: PLC0415

    return simulated_translations(
        addresses,
        script=None if script is None else read_script(script),
        access=access,
        user_mode=user_mode,
        levels=levels,
        thp=thp,
        facts=table_facts(_kernel_of(levels)),
    )
