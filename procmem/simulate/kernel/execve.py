"""What the kernel does between execve and the first user instruction.

The order is stack, program, interpreter, vdso, stack tables, brk; it matters, because each step takes
the highest free place that the ones before it left.

Source: fs/binfmt_elf.c, load_elf_binary(), elf_load(), load_elf_interp(); for 32-bit programs on
x86-64 the same file is compiled through fs/compat_binfmt_elf.c. Of READ_IMPLIES_EXEC: arch/x86/include/asm/elf.h,
elf_read_implies_exec(); arch/x86/kernel/process_64.c, set_personality_64bit().
"""

from procmem.model.elf import ET_DYN, ET_EXEC, PF_W, PF_X, PT_GNU_STACK, ElfImage, Segment
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.model.permissions import READ_EXECUTE, READ_ONLY, protection_letters
from procmem.model.program_files import ProgramFiles, ProgramObject
from procmem.model.simulation import PAGE, Abi, AreaRole, Base, Draws, Registers, Settings, SimSpace, VmBit
from procmem.model.vma_names import KernelName, kernel_label
from procmem.simulate.arch.abis import abi_of
from procmem.simulate.arch.layout import layout_for, page_down, page_up
from procmem.simulate.kernel.events import ExecFailed, Map, Unmap
from procmem.simulate.kernel.machine import failed, grow_stack, kernel_map_anonymous, step
from procmem.simulate.kernel.search import find_free
from procmem.simulate.kernel.stack import FirstStack, first_stack

__all__ = [
    "executable_stack",
    "execute",
    "largest_align",
    "needs_read_implies_exec",
    "segment_perms",
    "span",
]


def execute(files: ProgramFiles, settings: Settings) -> SimSpace:
    """Make the space that the program's first instruction will see.

    Raises:
        ExecFailed: the kernel would refuse the file or kill the process on the way.
    """
    image = files.program.image
    _check_image(image, abi_of(settings.kernel))
    implies = settings.read_implies_exec or needs_read_implies_exec(image)
    layout = layout_for(settings, read_implies_exec=implies)
    stack = first_stack(settings, layout, executable=executable_stack(image, layout.read_implies_exec))
    space = SimSpace(layout, (stack.vma,))
    space, bias = _load_program(space, files, settings)
    entry = image.entry + bias
    eip = entry
    interpreter_base = 0
    if files.interpreter is not None:
        space, interpreter_base = _load_interpreter(space, files.interpreter)
        eip = interpreter_base + files.interpreter.image.entry
    space = _map_vdso(space, settings)
    space = _grow_to_tables(space, stack.esp)
    space = _with_numbers(space, image, bias, stack)
    space = _place_brk(space, image, bias, settings, moved=files.interpreter is None and image.type == ET_DYN)
    return space._replace(
        registers=Registers(eip=eip, esp=stack.esp),
        entry=entry,
        program_bias=bias,
        interpreter_base=interpreter_base,
    )


def _check_image(image: ElfImage, abi: Abi) -> None:
    if image.bits != abi.bits or image.machine != abi.elf_machine or not image.little_endian:
        raise ExecFailed("exec-not-x86", bits=abi.bits)
    if image.type not in (ET_EXEC, ET_DYN):
        raise ExecFailed("exec-type")
    if not image.loads:
        raise ExecFailed("exec-no-load")


def needs_read_implies_exec(image: ElfImage) -> bool:
    """Whether the kernel makes every readable mapping executable for this file (elf_read_implies_exec())."""
    return image.first(PT_GNU_STACK) is None


def executable_stack(image: ElfImage, implies: bool) -> bool:
    """Whether the stack gets x (setup_arg_pages()): the file's own word counts, else the personality."""
    header = image.first(PT_GNU_STACK)
    return bool(header.flags & PF_X) if header is not None else implies


def largest_align(image: ElfImage) -> int:
    """The largest power-of-two alignment of the segments, at least a page (maximum_alignment())."""
    wanted = [s.align for s in image.loads if s.align > 0 and not s.align & (s.align - 1)]
    return page_up(max(wanted, default=PAGE))


def segment_perms(segment: Segment) -> str:
    """The rights that a program header asks for."""
    return protection_letters(segment.flags)


def _role(segment: Segment) -> AreaRole:
    if segment.flags & PF_X:
        return AreaRole.TEXT
    return AreaRole.DATA if segment.flags & PF_W else AreaRole.RODATA


class _SegmentFile(NamedTuple):
    """Whose segments are mapped, by which rule, and with which base they move."""

    name: bytes
    rule: Note
    base: Base


def _place_for(space: SimSpace, loaded: ProgramObject) -> int | None:
    """Room for all segments of a file that names no place; it is searched for with the offset of the first."""
    first = loaded.image.loads[0]
    huge_at = first.offset - first.vaddr % PAGE if loaded.huge_aligned else None
    return find_free(space, page_up(span(loaded.image)), huge_at=huge_at)


def span(image: ElfImage) -> int:
    """Bytes from the lowest page to the highest end in memory (total_mapping_size())."""
    low = min(page_down(s.vaddr) for s in image.loads)
    return max(s.vaddr + s.memsz for s in image.loads) - low


def _load_program(space: SimSpace, files: ProgramFiles, settings: Settings) -> tuple[SimSpace, int]:
    image, name = files.program.image, files.program.real
    first = image.loads[0]
    if image.type == ET_EXEC:
        target = _SegmentFile(name, note("exec-fixed"), Base.FIXED)
        space = _load_segment(space, first, 0, target, no_replace=True)
        bias = 0
    else:
        space, bias, target = _load_first_of_pie(space, files, settings)
    for segment in image.loads[1:]:
        space = _load_segment(space, segment, bias, target)
    return space, bias


def _load_first_of_pie(space: SimSpace, files: ProgramFiles, settings: Settings) -> tuple[SimSpace, int, _SegmentFile]:
    image, name = files.program.image, files.program.real
    first, align = image.loads[0], largest_align(image)
    whole = page_up(span(image))
    if files.interpreter is not None:
        draws = settings.draws if settings.draws and settings.randomize else Draws()
        place = (space.layout.program_base + draws.program * PAGE) & -align
        target = _SegmentFile(name, note("exec-pie", place=place), Base.PROGRAM)
    else:
        found = _place_for(space, files.program)
        if found is None:
            raise ExecFailed("exec-no-room-program")
        # only a large alignment makes the kernel choose the address itself
        place = found & -align if align > PAGE else found + first.vaddr % PAGE
        target = _SegmentFile(name, note("exec-static", place=_where(space)), Base.MMAP)
    bias = page_down(place - first.vaddr)
    space = _load_segment(space, first, bias, target, no_replace=True, span=whole)
    return space, bias, target


def _where(space: SimSpace) -> Note:
    """The rule of a free search."""
    layout = space.layout
    if layout.top_down:
        return note("highest-free", base=layout.mmap_base)
    return note("lowest-free", base=layout.legacy_base)


def _load_interpreter(space: SimSpace, interpreter: ProgramObject) -> tuple[SimSpace, int]:
    image, name = interpreter.image, interpreter.real
    if not image.loads:
        raise ExecFailed("exec-no-load")
    first = image.loads[0]
    if image.type == ET_EXEC:
        bias = 0
    else:
        found = _place_for(space, interpreter)
        if found is None:
            raise ExecFailed("exec-no-room-interpreter")
        bias = found - page_down(first.vaddr)
    target = _SegmentFile(name, note("exec-interpreter", place=_where(space)), Base.MMAP)
    space = _load_segment(space, first, bias, target, no_replace=True, span=page_up(span(image)))
    for segment in image.loads[1:]:
        space = _load_segment(space, segment, bias, target)
    return space, bias


def _load_segment(
    space: SimSpace,
    segment: Segment,
    bias: int,
    target: _SegmentFile,
    *,
    no_replace: bool = False,
    span: int = 0,
) -> SimSpace:
    """Map one PT_LOAD (elf_load()): the file part, then fresh memory up to the end of its BSS.

    With ``span`` the whole span is mapped first and the rest of it freed again (elf_map()); that frees
    nothing which was there before, but joins are made and unmade.
    """
    in_page = segment.vaddr % PAGE
    start = page_down(bias + segment.vaddr)
    space = _check_range(space, segment, bias)
    perms = segment_perms(segment)
    fresh = start
    if segment.filesz:
        if segment.offset % PAGE != in_page:  # vm_mmap() wants an offset of whole pages
            raise ExecFailed("exec-misaligned")
        length = page_up(segment.filesz + in_page)
        rule = note("segment", of=target.rule, perms=perms)
        space = step(
            space,
            Map(
                max(span, length),
                perms,
                start,
                fixed=True,
                no_replace=no_replace,
                name=target.name,
                offset=segment.offset - in_page,
                role=_role(segment),
                base=target.base,
                rule=rule,
            ),
        )
        if failed(space):
            raise ExecFailed("exec-overlap")
        if span > length:
            space = step(space, Unmap(start + length, span - length))
        fresh = page_up(start + in_page + segment.filesz)
    if segment.memsz > segment.filesz:
        space = kernel_map_anonymous(
            space,
            fresh,
            page_up(start + in_page + segment.memsz),
            executable=bool(segment.flags & PF_X),
            role=AreaRole.BSS,
            base=target.base,
            rule=note("segment-bss", of=target.rule),
        )
        if failed(space):
            raise ExecFailed("exec-no-room-bss")
    return space


def _check_range(space: SimSpace, segment: Segment, bias: int) -> SimSpace:
    if not 0 <= bias + segment.vaddr <= space.layout.task_size - segment.memsz:
        raise ExecFailed("exec-beyond")
    return space


def _map_vdso(space: SimSpace, settings: Settings) -> SimSpace:
    """Place the kernel's own pages with one search for all (arch/x86/entry/vdso/vma.c, map_vdso())."""
    facts = settings.facts
    parts = (
        (kernel_label(KernelName.VVAR), facts.vvar_pages, READ_ONLY),
        (kernel_label(KernelName.VVAR_VCLOCK), facts.vclock_pages, READ_ONLY),
        (kernel_label(KernelName.VDSO), facts.vdso_pages, READ_EXECUTE),
    )
    if not facts.vdso_pages:
        return space
    length = sum(pages for _name, pages, _perms in parts) * PAGE
    place = find_free(space, length)
    if place is None:
        raise ExecFailed("exec-no-room-vdso")
    for name, pages, perms in parts:
        if pages:
            rule = note("exec-vdso")
            vma_event = Map(
                pages * PAGE,
                perms,
                place,
                fixed=True,
                name=name,
                flags=VmBit.SPECIAL,
                role=AreaRole.KERNEL,
                rule=rule,
            )
            implied = space.layout.read_implies_exec
            # special mappings are made by the kernel itself, which does not look at the personality
            plain = space._replace(layout=space.layout._replace(read_implies_exec=False))
            space = step(plain, vma_event)
            space = space._replace(layout=space.layout._replace(read_implies_exec=implied))
        place += pages * PAGE
    return space


def _grow_to_tables(space: SimSpace, esp: int) -> SimSpace:
    """Make room for the pointers to very many arguments (create_elf_tables(), find_extend_vma_locked())."""
    stack = next(vma for vma in reversed(space.vmas) if vma.grows_down)
    if esp >= stack.start:
        return space
    grown = grow_stack(space, stack, page_down(esp))
    if grown is None:
        raise ExecFailed("exec-no-room-tables")
    return grown[0]


def _with_numbers(space: SimSpace, image: ElfImage, bias: int, stack: FirstStack) -> SimSpace:
    """Fill in the fields that ``/proc/PID/stat`` shows."""
    loads = image.loads
    code = [s for s in loads if s.flags & PF_X]
    return space._replace(
        start_code=bias + min((s.vaddr for s in code), default=0),
        start_data=bias + max(s.vaddr for s in loads),
        end_data=bias + max(s.vaddr + s.filesz for s in loads),
        start_stack=stack.esp,
        arg_start=stack.arg_start,
        arg_end=stack.arg_end,
        env_start=stack.env_start,
        env_end=stack.env_end,
    )


def _place_brk(space: SimSpace, image: ElfImage, bias: int, settings: Settings, *, moved: bool) -> SimSpace:
    """Say where the heap will begin; there is none until the program asks for it."""
    end = page_up(bias + max(s.vaddr + s.memsz for s in image.loads))
    # a program that loads itself would else have its heap in the mapping area
    start = page_up(space.layout.program_base) if moved else end
    if settings.randomize >= 2:
        draws = settings.draws or Draws()
        start += (0 if moved else PAGE) + draws.brk * PAGE
    return space._replace(start_brk=start, brk=start)
