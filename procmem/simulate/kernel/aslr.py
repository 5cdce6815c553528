"""Address-space randomisation: what is drawn, from how many values, and how to read the draws off a map.

Five values are drawn at each exec, independent of one another: the mapping area (all of it moves
together), a position-independent program, the stack's end, the stack pointer inside the stack, and the
start of the heap. Given them, every address is certain; a map in which they were filled in is called
fitted, never predicted.

Sources: arch/x86/mm/mmap.c, arch_rnd(); mm/util.c, randomize_stack_top(), randomize_page(); arch/x86/
kernel/process.c, arch_align_stack(), arch_randomize_brk(); fs/exec.c, setup_arg_pages().
"""

from procmem.model.elf import ET_DYN
from procmem.model.program_files import ProgramFiles
from procmem.model.reports.crosscheck import RealSpace
from procmem.model.simulation import PAGE, Abi, Base, Draws, Prediction, Range, Settings, SimSpace
from procmem.model.vma_names import KernelName, is_label, kernel_label
from procmem.simulate.arch.abis import abi_of
from procmem.simulate.arch.layout import layout_for
from procmem.simulate.kernel.execve import largest_align

__all__ = ["by_the_border", "drawn_within", "fit", "moving_bases", "ranges", "refine"]

_ESP_BYTES = 8192
"""arch_align_stack() draws from so many bytes, then rounds down to 16."""


def _stack_steps(abi: Abi) -> int:
    """The most pages that the stack's end can lie below STACK_TOP.

    Two more than the mask: up to 8191 bytes are taken off before rounding up to a page, and rounding to 16
    bytes can cross the page's border.
    """
    return abi.layout.stack_draw + 2


def _brk_places(abi: Abi) -> int:
    """From how many pages the kernel draws the start of the heap (arch_randomize_brk())."""
    return abi.layout.brk_draw // PAGE


def moving_bases(files: ProgramFiles, settings: Settings) -> frozenset[Base]:
    """The bases that move at each run under these settings."""
    if not settings.randomize:
        return frozenset()
    bases = {Base.MMAP, Base.STACK}
    own_place = files.interpreter is not None and files.program.image.type == ET_DYN
    if own_place:
        bases.add(Base.PROGRAM)
    if settings.randomize > 1 or own_place:
        bases.add(Base.BRK)
    return frozenset(bases)


def ranges(files: ProgramFiles, settings: Settings, lowest: SimSpace) -> tuple[Range, ...]:
    """Where each moving base can lie, given the space of the zero draw.

    The address meant is mmap_base (or the legacy base), the program's bias, the stack's end, start_brk.
    """
    bases = moving_bases(files, settings)
    found = []
    values = 1 << settings.facts.mmap_rnd_bits
    reach = (values - 1) * PAGE
    if Base.MMAP in bases:
        zero = layout_for(settings._replace(draws=None), read_implies_exec=False)
        if zero.top_down:
            found.append(Range(Base.MMAP, zero.mmap_base - reach, zero.mmap_base, PAGE, values))
        else:
            found.append(Range(Base.MMAP, zero.legacy_base, zero.legacy_base + reach, PAGE, values))
    program_places = 1
    if Base.PROGRAM in bases:
        step = largest_align(files.program.image)
        first = lowest.layout.program_base & -step
        last = (lowest.layout.program_base + reach) & -step
        shift = lowest.program_bias - first
        program_places = (last - first) // step + 1
        found.append(Range(Base.PROGRAM, first + shift, last + shift, step, program_places))
    if Base.STACK in bases:
        top = lowest.layout.task_size
        steps = _stack_steps(lowest.layout.abi)
        found.append(Range(Base.STACK, top - steps * PAGE, top, PAGE, steps + 1))
    if Base.BRK in bases:
        start = lowest.start_brk
        last = start + (found_reach(found, Base.PROGRAM) if program_places > 1 else 0)
        if settings.randomize > 1:
            last += (_brk_places(lowest.layout.abi) - 1) * PAGE
        found.append(Range(Base.BRK, start, last, PAGE, (last - start) // PAGE + 1))
    return tuple(found)


def found_reach(found: list[Range], base: Base) -> int:
    """Bytes from the first to the last place of a base."""
    return next((r.last - r.first for r in found if r.base is base), 0)


def fit(files: ProgramFiles, prediction: Prediction, real: RealSpace) -> Draws:
    """Read the drawn values off a real map, given the prediction with the zero draw.

    What cannot be read (no such area there) is left at zero.
    """
    space = prediction.space
    if space is None or not real.lines:
        return Draws()
    stack = _stack_draw(space, real)
    esp = 0
    if real.esp is not None:
        esp = space.registers.esp - stack * PAGE - real.esp
    moved = _moved(prediction, real, Base.PROGRAM)
    # a large alignment hides most draws; the least that leads here is as good as any
    hidden = space.layout.program_base % largest_align(files.program.image)
    mapped = _moved(prediction, real, Base.MMAP) // PAGE
    brk = 0
    if real.start_brk is not None:
        brk = (real.start_brk - space.start_brk - moved) // PAGE
    downwards = -1 if space.layout.top_down else 1
    return Draws(
        mmap=downwards * mapped,
        program=-(-max(moved - hidden, 0) // PAGE) if moved > 0 else moved // PAGE,
        stack=stack,
        brk=brk,
        esp_bytes=min(max(esp, 0), _ESP_BYTES - 1),
    )


def refine(draws: Draws, prediction: Prediction, real: RealSpace, *, by_files: bool = False) -> Draws:
    """Correct the draw of the mapping area by what a prediction with ``draws`` still lies beside the real map.

    Needed where the zero draw puts areas into another order than the real one. ``by_files`` goes by what was mapped
    first, and not by the kernel's own pages, which may have found a hole or not.
    """
    space = prediction.space
    if space is None:
        return draws
    moved = _moved(prediction, real, Base.MMAP, by_files=by_files) // PAGE
    return draws._replace(mmap=draws.mmap + (-moved if space.layout.top_down else moved))


def by_the_border(draws: Draws, prediction: Prediction, real: RealSpace) -> tuple[Draws, ...]:
    """The draws with which the kernel's own pages, or else a file, lie at the very border of the mapping area.

    So they do where a program that loads itself lies at a border of huge pages: the kernel's pages fit into the hole
    beside it, or there is hardly a hole. ``prediction`` is that of the zero draw.
    """
    space = prediction.space
    if space is None:
        return ()
    layout, found = space.layout, []
    mapped = {vma.name for vma in prediction.vmas if vma.base is Base.MMAP and not is_label(vma.name)}
    for names in (_KERNEL_PAGES, mapped):
        lines = [line for line in real.lines if line[4] in names and line[1] <= layout.task_size - layout.guard_gap]
        if not lines:
            continue
        away = layout.mmap_base - lines[-1][1] if layout.top_down else lines[0][0] - layout.legacy_base
        found.append(draws._replace(mmap=away // PAGE))
    return tuple(found)


_KERNEL_PAGES = frozenset(map(kernel_label, (KernelName.VVAR, KernelName.VVAR_VCLOCK, KernelName.VDSO)))


def _stack_draw(space: SimSpace, real: RealSpace) -> int:
    ends = [end for _start, end, _perms, _offset, name in real.lines if name == kernel_label(KernelName.STACK)]
    return (space.layout.task_size - ends[-1]) // PAGE if ends else 0


def _moved(prediction: Prediction, real: RealSpace, base: Base, *, by_files: bool = False) -> int:
    """How far the first line of a base that is recognised by its name lies from its prediction.

    The kernel's own pages come first: alignment never hides part of their draw.
    """
    candidates = [vma for vma in prediction.vmas if vma.base is base and vma.name]
    for vma in sorted(candidates, key=lambda vma: is_label(vma.name) is by_files):
        for start, _end, _perms, offset, name in real.lines:
            if name == vma.name and offset == vma.offset:
                return start - vma.start
    return 0


def drawn_within(draws: Draws, settings: Settings) -> dict[Base, bool]:
    """Say of each drawn value whether the kernel could have drawn it."""
    values, abi = 1 << settings.facts.mmap_rnd_bits, abi_of(settings.kernel)
    return {
        Base.MMAP: 0 <= draws.mmap < values,
        Base.PROGRAM: 0 <= draws.program < values,
        Base.STACK: 0 <= draws.stack <= _stack_steps(abi),
        Base.BRK: 0 <= draws.brk < _brk_places(abi),
    }
