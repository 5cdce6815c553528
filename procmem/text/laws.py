"""The words of the laws of the layout: name, what each says, and the figures by which it holds or not."""

from procmem.model.laws import Law
from procmem.text import N_, gettext, say

__all__ = ["law_figures", "law_name", "law_says", "textbook_place"]

NAMES = {
    "pages-apart": N_("whole pages, apart"),
    "below-border": N_("below the border"),
    "page-zero": N_("page zero is empty"),
    "virt-sum": N_("VIRT is the sum"),
    "program-place": N_("program in place"),
    "segment-order": N_("text, data, BSS in order"),
    "program-base": N_("place of the program"),
    "heap-base": N_("heap above BSS"),
    "heap-start": N_("heap from start_brk"),
    "mmap-base": N_("mapping area below the stack"),
    "vdso": N_("vdso beside vvar"),
    "stack-top": N_("stack on top"),
    "stack-limit": N_("stack within its limit"),
    "stack-strings": N_("strings on the stack"),
    "stack-gap": N_("gap below the stack"),
    "merging": N_("neighbours merge"),
    "page-tables": N_("cost of page tables"),
}

SAYS = {
    "pages-apart": N_("mappings are whole pages and never overlap"),
    "pages-apart-unknown-size": N_("mappings never overlap (how large a page is, nothing says)"),
    "below-border": N_("all of user space lies below TASK_SIZE, the kernel above"),
    "page-zero": N_("nothing is mapped at address 0, so that a null pointer faults"),
    "virt-sum": N_("VmSize is the sum of all mappings but gates"),
    "program-place": N_("every PT_LOAD is mapped at its p_vaddr plus one bias"),
    "program-place-unread": N_("the program lies where its headers say"),
    "segment-order": N_("segments follow one another upwards; the BSS ends the last one"),
    "program-base": N_("a PIE lies above ELF_ET_DYN_BASE, by at most its draw"),
    "program-base-fixed": N_("a fixed program (ET_EXEC) is not moved"),
    "program-base-static": N_("a program without interpreter goes to the mapping area"),
    "heap-base": N_("the heap begins above the BSS, by at most its draw"),
    "heap-base-static": N_("without an interpreter the heap begins where PIEs do, far from the program"),
    "heap-start": N_("[heap] grows up from start_brk"),
    "mmap-base": N_("the first thing mapped (the dynamic linker) ends at mmap_base, below the stack's room"),
    "mmap-base-legacy": N_("the old layout: bottom-up from a third of user space"),
    "vdso": N_("[vvar] and [vdso] adjoin, and AT_SYSINFO_EHDR points to the vdso"),
    "stack-top": N_("the stack ends at STACK_TOP, minus its draw"),
    "stack-limit": N_("the stack is no larger than RLIMIT_STACK"),
    "stack-strings": N_("above start_stack lie arguments, environment and the program's name, in this order"),
    "stack-gap": N_("256 pages below the stack stay free, so that it cannot grow into a mapping"),
    "merging": N_("adjoining anonymous mappings differ in rights, flags or name, or were written apart (anon_vma)"),
    "page-tables": N_(
        "VmPTE is 4 kB for each 2 MiB, 1 GiB and 512 GiB in use: at least for what is resident, at most for all"
    ),
}
"""What a law says, in the form in which it applies to the process."""

FIGURES = {
    "mappings": N_("{count} mappings"),
    "border": N_("highest end {top:#x}, border {border:#x}"),
    "lowest": N_("lowest mapping {lowest:#x}"),
    "virt": N_("VmSize {size:kB}, sum {sum:kB}"),
    "no headers": N_("its headers or auxv may not be read"),
    "segments": N_("{found} of {segments} segments, bias {bias:#x}"),
    "range": N_("{start:#x} to {end:#x}"),
    "bias": N_("bias {bias:#x}"),
    "first page range": N_("first page {place:#x}, possible {least:#x} to {most:#x}"),
    "heap base unread": N_("start_brk or the program's headers may not be read"),
    "start_brk range": N_("start_brk {start_brk:#x}, possible {least:#x} to {most:#x}"),
    "bss end": N_("BSS ends {end:#x}, start_brk {start_brk:#x}"),
    "no brk": N_("no brk yet"),
    "start_brk unread": N_("start_brk may not be read"),
    "first heap": N_("first [heap] {first:#x}, start_brk {start_brk:#x}"),
    "no linker": N_("no dynamic linker was mapped by the kernel"),
    "legacy": N_("linker at {start:#x}, legacy base {least:#x} to {most:#x}"),
    "mmap_base": N_("linker ends {end:#x}, mmap_base {least:#x} to {most:#x}"),
    "mmap_base, another limit": N_(
        "linker ends {end:#x}, mmap_base {least:#x} to {most:#x}; the stack limit at exec may have been another one"
    ),
    "no vdso": N_("not mapped, or auxv may not be read"),
    "vdso": N_("[vdso] at {at:#x}, AT_SYSINFO_EHDR {base:#x}"),
    "no stack": N_("no mapping is named [stack]"),
    "stack end": N_("ends {end:#x}, possible {least:#x} to {most:#x}"),
    "stack size": N_("{size:kB} of {limit:kB}"),
    "stack size, lowered limit": N_("{size:kB}, above the limit of {limit:kB}: lowered after it grew"),
    "stack size, no limit": N_("{size:kB} of no known limit"),
    "strings moved": N_(
        "the process moved them out of the stack: arguments {arguments:#x}, environment {environment:#x}"
    ),
    "stat unread": N_("stat's addresses may not be read"),
    "strings": N_("start_stack {start_stack:#x}, arguments {arguments:#x}, environment {environment:#x}"),
    "gap": N_("next mapping ends {gap:size} below"),
    "pairs": N_("{adjoining} adjoining pairs, {alike} of them alike and never written"),
    "tables": N_("VmPTE {size:kB}"),
    "tables range": N_("VmPTE {size:kB}, possible {least_kib} to {most_kib} kB"),
}
"""The figures of a law, or why it cannot be checked."""


TEXTBOOK = {
    "kernel space": N_("c0000000-ffffffff: the upper gigabyte"),
    "stack": N_("ends c0000000: grows down, 8 MiB at most"),
    "mapping area": N_("below b8000000: 128 MiB below the top, filled downwards"),
    "heap": N_("above the BSS: grows up"),
    "bss": N_("above data: zero-initialised"),
    "data": N_("above text: initialised"),
    "text": N_("from 08048000: the linker's default place"),
}
"""Where the textbook's 32-bit picture has an area."""


def textbook_place(area: str) -> str:
    """Where the textbook's 32-bit picture has an area, and what it says of it."""
    return gettext(TEXTBOOK[area])


def law_name(name: str) -> str:
    """The name of a law."""
    return gettext(NAMES[name])


def law_says(law: Law) -> str:
    """What the law says."""
    return gettext(SAYS[law.says])


def law_figures(law: Law) -> str:
    """By which figures it holds, is broken, or cannot be checked."""
    figures = say(FIGURES[law.figures.code], law.figures.figures)
    return say(N_("{figures}; it changed while it was read"), {"figures": figures}) if law.moved else figures
