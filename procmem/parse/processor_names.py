"""What the dynamic linker calls a processor, by the flags in ``/proc/cpuinfo``: it looks for libraries by these names.

Source: glibc sysdeps/x86/cpu-features.c, init_cpu_features(); sysdeps/x86/get-isa-level.h;
sysdeps/x86_64/dl-hwcaps-subdirs.c; arch/x86/kernel/cpu/proc.c for the flags.
"""

import re

from procmem.model.elf import EM_X86_64
from procmem.model.program_files import ProcessorNames

__all__ = ["processor_names"]

_FLAGS = re.compile(rb"^flags\s*: (.*)$", re.MULTILINE)
_INTEL = re.compile(rb"^vendor_id\s*: GenuineIntel$", re.MULTILINE)
_LEVELS = (
    (b"x86-64-v2", frozenset(b"cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3".split())),
    (b"x86-64-v3", frozenset(b"avx avx2 bmi1 bmi2 f16c fma abm movbe".split())),
    (b"x86-64-v4", frozenset(b"avx512f avx512bw avx512cd avx512dq avx512vl".split())),
)
_XEON_PHI = frozenset(b"avx512cd avx512er avx512pf".split())
_HASWELL = frozenset(b"avx2 bmi1 bmi2 abm movbe popcnt".split())
_AVX512_1 = frozenset(b"avx512cd avx512bw avx512dq avx512vl".split())
_PLATFORM = b"x86_64"
"""AT_PLATFORM of every 64-bit program, and the name of the one capability that all have (HWCAP_X86_64)."""


def processor_names(cpuinfo: bytes, machine: int) -> ProcessorNames:
    """The names of the first processor for programs of one ELF machine (EM_386, EM_X86_64)."""
    if machine != EM_X86_64:
        return ProcessorNames()
    found = _FLAGS.search(cpuinfo)
    flags = frozenset(found[1].split()) if found else frozenset()
    if _INTEL.search(cpuinfo) is None:
        return ProcessorNames(_levels(flags), _PLATFORM, (_PLATFORM,))
    has_avx512_1 = flags >= _AVX512_1 and b"avx512er" not in flags
    platform = b"xeon_phi" if flags >= _XEON_PHI else b"haswell" if flags >= _HASWELL else _PLATFORM
    return ProcessorNames(_levels(flags), platform, (_PLATFORM, b"avx512_1") if has_avx512_1 else (_PLATFORM,))


def _levels(flags: frozenset[bytes]) -> tuple[bytes, ...]:
    levels: list[bytes] = []
    for name, wanted in _LEVELS:
        if not wanted <= flags:
            break
        levels.insert(0, b"glibc-hwcaps/%s/" % name)
    return tuple(levels)
