"""The kinds of programs that the simulator runs, as values: nothing else here asks how wide a word is.

Source: arch/x86/include/asm/elf.h; arch/x86/include/asm/pgtable_64_types.h, PMD_SIZE; mm/huge_memory.c,
thp_get_unmapped_area_vmflags(), which leaves 32-bit programs alone.
"""

from procmem.model.elf import EM_386, EM_X86_64
from procmem.model.machine import I686, LAYOUT_386, LAYOUT_COMPAT, LAYOUT_X86_64, X86_64
from procmem.model.simulation import Abi, KernelKind

__all__ = ["abi_of"]

_ABIS = {
    KernelKind.NATIVE: Abi(
        I686, 32, EM_386, LAYOUT_386, pointer=4, kernel_word=4, reads_imply_exec=True, generic_search=True
    ),
    KernelKind.COMPAT: Abi(
        I686, 32, EM_386, LAYOUT_COMPAT, pointer=4, kernel_word=8, reads_imply_exec=True, obeys_3gb=True
    ),
    KernelKind.X86_64: Abi(X86_64, 64, EM_X86_64, LAYOUT_X86_64, pointer=8, kernel_word=8, huge_page=2 << 20),
}


def abi_of(kernel: KernelKind) -> Abi:
    """What is particular to the programs of this kind."""
    return _ABIS[kernel]
