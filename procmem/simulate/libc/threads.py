"""A thread as the map shows it: one mapping for its stack, its lowest page taken back as a guard.

The kernel knows nothing of thread stacks; pthread_create maps one, makes all but the guard accessible,
and lays the thread's descriptor and its thread-local storage at the upper end.

Source: glibc nptl/allocatestack.c, allocate_stack(); nptl/pthread_create.c; nptl/nptl-init.c.
"""

from procmem.model.note import note
from procmem.model.permissions import NO_ACCESS, READ_WRITE, READ_WRITE_EXECUTE
from procmem.model.simulation import PAGE, AreaRole, VmBit
from procmem.simulate.arch.layout import page_up
from procmem.simulate.kernel.calls import Caller
from procmem.simulate.kernel.events import EINVAL, CloneThread, Map, Protect, Touch
from procmem.simulate.libc.malloc import Malloc

__all__ = ["DEFAULT_GUARD", "create_thread", "default_stack_size"]

DEFAULT_GUARD = PAGE
_UNLIMITED_SIZE = 2 << 20
"""ARCH_STACK_DEFAULT_SIZE: what a thread gets where the stack limit is unlimited."""
_LEAST = 16 << 10
"""PTHREAD_STACK_MIN."""
_TLS_ALIGN = 64
_VECTOR_SLOTS = 16
"""A thread's vector of TLS modules is allocated for so many more than there are; an entry is two pointers."""


def default_stack_size(stack_limit: int | None) -> int:
    """The size of a thread's stack without an attribute: the stack limit, as a rule."""
    if stack_limit is None:
        return _UNLIMITED_SIZE
    return page_up(max(stack_limit, _LEAST))


def create_thread(
    caller: Caller,
    malloc: Malloc,
    *,
    size: int | None = None,
    guard: int = DEFAULT_GUARD,
    modules: int = 1,
    executable: bool = False,
) -> int:
    """Start one thread; gives the start of its stack's mapping, or a negated error number."""
    if size is None:
        size = default_stack_size(caller.space.layout.stack_limit)
    elif size < _LEAST:
        return -EINVAL
    guard = page_up(guard)
    length = (size & -_TLS_ALIGN) + guard
    perms = READ_WRITE_EXECUTE if executable else READ_WRITE
    rule = note("thread-stack", kib=page_up(length) - guard >> 10)
    start = caller.do(
        Map(
            length,
            NO_ACCESS if guard else perms,
            flags=VmBit.NOHUGEPAGE,
            role=AreaRole.GUARD,
            rule=note("thread-guard"),
        )
    )
    if start < 0:
        return start
    if guard:
        caller.do(Protect(start + guard, length - guard, perms, role=AreaRole.STACK, rule=rule))
    caller.do(Touch(start + length - 1))
    malloc.allocate(malloc.sizes.header * (modules + _VECTOR_SLOTS), cached=False)
    caller.do(CloneThread())
    return start
