"""Which levels of x86-64 a processor has, by the flags in ``/proc/cpuinfo``: glibc looks for libraries by them.

Source: glibc sysdeps/x86/get-isa-level.h; sysdeps/x86_64/dl-hwcaps-subdirs.c; arch/x86/kernel/cpu/proc.c for the flags.
"""

import re

__all__ = ["processor_levels"]

_FLAGS = re.compile(rb"^flags\s*: (.*)$", re.MULTILINE)
_LEVELS = (
    (b"x86-64-v2", frozenset(b"cx16 lahf_lm popcnt sse4_1 sse4_2 ssse3".split())),
    (b"x86-64-v3", frozenset(b"avx avx2 bmi1 bmi2 f16c fma abm movbe".split())),
    (b"x86-64-v4", frozenset(b"avx512f avx512bw avx512cd avx512dq avx512vl".split())),
)


def processor_levels(cpuinfo: bytes) -> tuple[bytes, ...]:
    """The subdirectories of ``glibc-hwcaps`` that the first processor may use, the best first, each with a slash."""
    found = _FLAGS.search(cpuinfo)
    flags = frozenset(found[1].split()) if found else frozenset()
    levels: list[bytes] = []
    for name, wanted in _LEVELS:
        if not wanted <= flags:
            break
        levels.insert(0, b"glibc-hwcaps/%s/" % name)
    return tuple(levels)
