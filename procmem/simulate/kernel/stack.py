"""The first stack of a program: where it lies, how large it is, and where its pointer stands.

From high to low: the string given to execve, the environment strings, the argument strings, then the
platform name, sixteen random bytes, the auxiliary vector, the pointers to the strings, and argc at
the stack pointer. The VMA is made 128 KiB larger than the strings need, within the limit.

Sources: fs/exec.c, bprm_stack_limits(), setup_arg_pages(); fs/binfmt_elf.c, create_elf_tables();
arch/x86/kernel/process.c, arch_align_stack().
"""

from procmem.model.named_tuple import NamedTuple
from procmem.model.note import note
from procmem.model.permissions import READ_WRITE, READ_WRITE_EXECUTE, with_sharing
from procmem.model.simulation import PAGE, Abi, AreaRole, Base, Draws, Settings, SimLayout, SimVma, VmBit
from procmem.simulate.arch.layout import page_down
from procmem.simulate.kernel.events import ExecFailed

__all__ = ["FirstStack", "first_stack"]

_EXPAND = 128 << 10
"""Room made below the strings (fs/exec.c, setup_arg_pages())."""

_ARG_MAX = 128 << 10
"""Strings may always take so much, whatever the stack limit (include/uapi/linux/limits.h)."""

_STRINGS_MAX = (8 << 20) // 4 * 3
"""They may never take more (fs/exec.c, bprm_stack_limits(): three quarters of _STK_LIM)."""

_STRING_MAX = 32 * PAGE
"""One string, with its end (include/uapi/linux/binfmts.h, MAX_ARG_STRLEN)."""

_RANDOM_BYTES = 16
"""What AT_RANDOM points to."""


class FirstStack(NamedTuple):
    """The stack as the strings leave it; ``esp`` may still lie below its start."""

    vma: SimVma
    esp: int
    arg_start: int
    arg_end: int
    env_start: int
    env_end: int


def first_stack(settings: Settings, layout: SimLayout, *, executable: bool) -> FirstStack:
    """Lay out the strings and tables.

    Raises:
        ExecFailed: the strings are too many or too long.
    """
    draws = settings.draws if settings.draws and settings.randomize else Draws()
    argv = settings.argv or (b"",)  # since 5.18 the kernel itself adds an empty argv[0]
    _check_strings(settings, layout.abi, argv)
    top = layout.task_size - draws.stack * PAGE
    place = top - layout.abi.kernel_word - (len(settings.exec_path) + 1)
    env_end = place
    env_start = env_end - sum(len(text) + 1 for text in settings.env)
    arg_start = env_start - sum(len(text) + 1 for text in argv)
    start = page_down(arg_start)
    if layout.stack_limit is not None and top - start > max(layout.stack_limit, PAGE):
        # get_arg_page() grows the half-made stack under the same limit; its first page is free
        raise ExecFailed("exec-strings-limit")
    limit = top if layout.stack_limit is None else page_down(layout.stack_limit)
    start = min(start, top - min(limit, top - start + _EXPAND))
    esp = _stack_pointer(settings, layout.abi, arg_start, len(argv), draws.esp_bytes)
    perms = READ_WRITE_EXECUTE if executable else READ_WRITE
    vma = SimVma(
        start,
        top,
        with_sharing(perms, shared=False),
        0,
        b"",
        VmBit.GROWSDOWN | VmBit.ACCOUNT,
        AreaRole.STACK,
        Base.STACK,
        note("exec-stack", top=layout.task_size),
        anon=1,
    )
    return FirstStack(vma, esp, arg_start, env_start, env_start, env_end)


def _check_strings(settings: Settings, abi: Abi, argv: tuple[bytes, ...]) -> None:
    quarter = _STRINGS_MAX if settings.stack_limit is None else settings.stack_limit // 4
    room = max(min(_STRINGS_MAX, quarter), _ARG_MAX) - abi.kernel_word * (len(argv) + len(settings.env))
    strings = (*argv, *settings.env)
    size = sum(len(text) + 1 for text in strings) + len(settings.exec_path) + 1
    if size > room or any(len(text) + 1 > _STRING_MAX for text in strings):
        raise ExecFailed("exec-strings-long")


def _stack_pointer(settings: Settings, abi: Abi, strings: int, argc: int, drawn: int) -> int:
    """Where argc stands (create_elf_tables())."""
    facts = settings.facts
    place = (strings - drawn) & ~15
    place -= len(facts.platform) + 1
    place -= _RANDOM_BYTES
    pointers = argc + 1 + len(settings.env) + 1 + 1
    return (place - 2 * abi.pointer * facts.aux_pairs - abi.pointer * pointers) & ~15
