"""What kernels differ in, as a dated table: the last resort where no probe can be run.

Page counts of the kernel's own mappings and the length of the auxiliary vector change from release to
release. A machine that runs such programs is asked (by a tiny program of our own); for all others these
numbers stand, and every output says so.
"""

from procmem.model.note import note
from procmem.model.permissions import EXECUTE, protection_letters, with_sharing
from procmem.model.simulation import KernelFacts, KernelKind

__all__ = ["table_facts"]

_GATE = with_sharing(protection_letters(EXECUTE), shared=False)
"""CONFIG_LEGACY_VSYSCALL_XONLY."""
_TABLE = {
    KernelKind.COMPAT: KernelFacts(
        vvar_pages=4,
        vclock_pages=2,
        vdso_pages=2,
        aux_pairs=24,
        origin=note("table", date="2026-11", release="6.18", machine="x86-64"),
    ),
    KernelKind.X86_64: KernelFacts(
        vvar_pages=4,
        vclock_pages=2,
        vdso_pages=2,
        aux_pairs=23,
        platform=b"x86_64",
        mmap_rnd_bits=28,
        vsyscall=_GATE,
        origin=note("table", date="2026-11", release="6.18", machine="x86-64"),
    ),
    KernelKind.NATIVE: KernelFacts(
        vvar_pages=4,
        vclock_pages=0,
        vdso_pages=2,
        aux_pairs=22,
        heap_label_inclusive=True,
        origin=note("table", date="2026-11", release="6.1", machine="i386"),
    ),
}


def table_facts(kernel: KernelKind) -> KernelFacts:
    """The measured numbers of the nearest known kernel of a kind."""
    return _TABLE[kernel]
