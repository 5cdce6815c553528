"""Numbers of the kernel that need nothing else of the simulator, so that a quick look does not load it."""

__all__ = ["STACK_DRAW_PAGES"]

STACK_DRAW_PAGES = 0x7FF
"""__STACK_RND_MASK of 32-bit programs, in pages (arch/x86/include/asm/elf.h)."""
