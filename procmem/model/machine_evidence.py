"""Which machine a map was written on, where nobody recorded it: by names that only one machine has.

Pages that only one architecture's kernel maps are proof; the folders and the dynamic linkers of its distributions are
evidence, as long as all of them agree. Where nothing says it the machine stays unknown, and nobody claims borders for
it. What follows from a machine is told in ``model.machine``.

Sources: arch/x86/entry/vsyscall/vsyscall_64.c; arch/arm/kernel/process.c, arch/arm64/kernel/vdso.c (``[vectors]``,
``[sigpage]``); Debian's multiarch tuples; the psABIs' names of dynamic linkers; musl's ld-musl-ARCH; Android's ISA
folders.
"""

from procmem.model.libc_files import machine_of_linker
from procmem.model.machine import GIB_3, I686, X86_64
from procmem.model.mapping import Mappings
from procmem.model.permissions import permissions
from procmem.model.vma_names import KernelName

__all__ = ["machine_shown_by"]

_ARM, _ARM64 = "armv7l", "aarch64"
_FOLDERS: dict[bytes, str] = {
    b"x86_64-linux-gnu": X86_64,
    b"i386-linux-gnu": I686,
    b"i686-linux-gnu": I686,
    b"aarch64-linux-gnu": _ARM64,
    b"arm64": _ARM64,  # /data/app/.../lib/arm64/, .../oat/arm64/
    b"arm64-v8a": _ARM64,
    b"arm-linux-gnueabi": _ARM,
    b"arm-linux-gnueabihf": _ARM,
    b"riscv64-linux-gnu": "riscv64",
    b"powerpc64le-linux-gnu": "ppc64le",
    b"s390x-linux-gnu": "s390x",
    b"mips64el-linux-gnuabi64": "mips64",
    b"loongarch64-linux-gnu": "loongarch64",
}


def machine_shown_by(table: Mappings) -> str | None:
    """The machine as ``uname -m`` names it; None where the map does not show it, or shows two."""
    if table.rows_labelled(KernelName.VSYSCALL):
        return X86_64
    if table.rows_labelled(KernelName.VECTORS, KernelName.SIGPAGE):
        return _of_arm(table)
    shown: set[str] = set()
    for row in table.one_of_each_sort():
        if table.inode[row] and permissions(table.perms[row]).executable:
            shown |= _shown_by_path(table.name[row])
    if len(shown) != 1:
        return None
    (machine,) = shown
    highest = _highest(table)
    if machine == I686:
        # a 32-bit kernel ends user space at 3 GiB; above it, the program runs on a kernel of 64 bits
        return machine if highest <= GIB_3 else X86_64
    if machine == _ARM:
        return _of_arm(table)
    return machine


def _of_arm(table: Mappings) -> str:
    """A 32-bit program of ARM: a kernel of 64 bits gives it nearly 4 GiB, one of 32 bits 3 GiB at most."""
    return _ARM if _highest(table) <= GIB_3 else _ARM64


def _highest(table: Mappings) -> int:
    gates = set(table.gates())
    return max((end for row, end in enumerate(table.end) if row not in gates), default=0)


def _shown_by_path(path: bytes) -> set[str]:
    *folders, name = path.split(b"/")
    shown = {_FOLDERS[folder] for folder in folders if folder in _FOLDERS}
    of_linker = machine_of_linker(name)
    return shown if of_linker is None else shown | {of_linker}
