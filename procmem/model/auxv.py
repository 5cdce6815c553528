"""The keys of the auxiliary vector that are used here, by their names in getauxval(3) (include/uapi/linux/auxvec.h)."""

__all__ = ["AT_BASE", "AT_ENTRY", "AT_EXECFN", "AT_PAGESZ", "AT_PHDR", "AT_SYSINFO_EHDR"]

AT_PHDR = 3
"""Where the program's headers are in memory."""
AT_PAGESZ = 6
AT_BASE = 7
"""Where the interpreter was mapped; 0 without one."""
AT_ENTRY = 9
"""The program's entry point."""
AT_EXECFN = 31
"""The name that was given to execve()."""
AT_SYSINFO_EHDR = 33
"""Where the vdso is (x86: arch/x86/include/uapi/asm/auxvec.h)."""
