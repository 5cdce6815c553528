"""Numbers of the kernel that need nothing else of the simulator, so that a quick look does not load it."""

__all__ = ["GIB_3", "STACK_DRAW_PAGES"]

GIB_3 = 0xC000_0000
"""TASK_SIZE of native i386 (page_32_types.h, VMSPLIT_3G) and of ADDR_LIMIT_3GB (page_64_types.h)."""

STACK_DRAW_PAGES = 0x7FF
"""__STACK_RND_MASK of 32-bit programs, in pages (arch/x86/include/asm/elf.h)."""
