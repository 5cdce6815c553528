"""What of a process's start decides its layout: personality bits, and the settings that they stand for.

Source: include/uapi/linux/personality.h; fs/exec.c, begin_new_exec(), for what set-user-ID programs lose.
"""

from procmem.model.auxv import AT_EXECFN
from procmem.model.machine import X86_64
from procmem.model.mapping import Mappings
from procmem.model.note import Note
from procmem.model.simulation import PAGE, Abi, KernelFacts, KernelKind, Settings
from procmem.model.snapshot import LimitName, Snapshot
from procmem.model.vma_names import KernelName
from procmem.simulate.arch.abis import abi_of

__all__ = ["facts_of_pages", "kernel_kind", "personality", "personality_by_borders", "settings_of_process"]

ADDR_NO_RANDOMIZE, READ_IMPLIES_EXEC = 0x004_0000, 0x040_0000
ADDR_COMPAT_LAYOUT, ADDR_LIMIT_3GB = 0x020_0000, 0x800_0000
_STACK_LIMIT = 8 << 20  # the usual limit, where none was recorded
_FILLER = b"x"
_STRINGS_MAX = 16 << 20
"""More than the strings of any exec take, with what lies above them (fs/exec.c, bprm_stack_limits(): 6 MiB)."""


def kernel_kind(machine: str | None, bits: int | None = 32) -> KernelKind:
    """Which kind of kernel runs programs of so many bits on a machine of this name."""
    if bits == 64:
        return KernelKind.X86_64
    return KernelKind.COMPAT if machine == X86_64 else KernelKind.NATIVE


def personality(settings: Settings) -> int:
    """The personality bits under which these settings come true."""
    bits = 0
    if not settings.randomize:
        bits |= ADDR_NO_RANDOMIZE
    if settings.read_implies_exec:
        bits |= READ_IMPLIES_EXEC
    if settings.legacy:
        bits |= ADDR_COMPAT_LAYOUT
    if settings.limit_3gb and abi_of(settings.kernel).obeys_3gb:
        bits |= ADDR_LIMIT_3GB
    return bits


def personality_by_borders(stack_end: int, abi: Abi) -> int:
    """The bits as far as the end of the stack tells them, where they were not recorded."""
    limited = ADDR_LIMIT_3GB if stack_end <= abi.layout.task_sizes[0] else 0
    return limited | (ADDR_NO_RANDOMIZE if stack_end in abi.layout.task_sizes else 0)


def settings_of_process(shot: Snapshot, kind: KernelKind, bits: int | None, *, randomize: int) -> Settings | None:
    """The settings under which a process was started; None where it may not be told.

    ``bits`` is its personality, None where that is not known; ``randomize`` is kernel.randomize_va_space. Arguments
    and environment count by their lengths alone: their text is nobody's business.
    """
    stat, table = shot.stat, shot.mappings
    execfn = (shot.auxv or {}).get(AT_EXECFN)
    rows = table.rows_labelled(KernelName.STACK) if table is not None else []
    if stat is None or execfn is None or table is None or not rows:
        return None
    if stat.arg_start is None or stat.arg_end is None or stat.env_start is None or stat.env_end is None:
        return None
    if not stat.arg_start <= stat.arg_end == stat.env_start <= stat.env_end == execfn:
        return None  # it has moved them since (prctl(2), PR_SET_MM), and with them what they tell
    top, abi = table.end[rows[-1]], abi_of(kind)
    if not stat.env_end < top <= stat.arg_start + _STRINGS_MAX:
        return None  # no kernel has put so many strings there
    if bits is None:
        bits = personality_by_borders(top, abi)
    limit = (shot.limits or {}).get(LimitName.STACK)
    return Settings(
        kernel=kind,
        limit_3gb=bool(bits & ADDR_LIMIT_3GB),
        randomize=0 if bits & ADDR_NO_RANDOMIZE else randomize,
        legacy=bool(bits & ADDR_COMPAT_LAYOUT),
        read_implies_exec=bool(bits & READ_IMPLIES_EXEC),
        stack_limit=_STACK_LIMIT if limit is None else limit.soft,
        exec_path=_FILLER * max(top - abi.kernel_word - execfn - 1, 1),
        argv=(_FILLER * max(stat.arg_end - stat.arg_start - 1, 0),),
        env=(_FILLER * (stat.env_end - stat.env_start - 1),) if stat.env_end > stat.env_start else (),
    )


def facts_of_pages(known: KernelFacts, table: Mappings, *, aux_pairs: int, origin: Note) -> KernelFacts:
    """What a kernel did in the details, by the sizes of its own pages in a map and the length of an auxv."""

    def pages(name: KernelName) -> int:
        return sum(table.end[row] - table.start[row] for row in table.rows_labelled(name)) // PAGE

    return known._replace(
        vvar_pages=pages(KernelName.VVAR),
        vclock_pages=pages(KernelName.VVAR_VCLOCK),
        vdso_pages=pages(KernelName.VDSO),
        aux_pairs=aux_pairs + 1,  # AT_NULL
        vsyscall=next((table.perms[row] for row in table.gates()), ""),
        origin=origin,
    )
