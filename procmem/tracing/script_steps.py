"""The steps of a script, done by a real program that stands at ``main``: each one is a call that it is made to make.

What goes through the C library, because malloc's state or a thread's depends on it, is a function of the program's own
library; all else is a system call. The rules of the steps are those of the simulator, so that the two can be compared.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from collections.abc import Callable, Mapping
from types import TracebackType

from procmem.errors import BadInput
from procmem.model.permissions import permissions
from procmem.model.script import AllocatedBlock, ScriptAction
from procmem.model.simulation import PAGE
from procmem.tracing.injected import Injected
from procmem.tracing.tracee import Tracee

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

__all__ = ["FUNCTIONS", "RealSteps"]

_CALLS = {
    8: {"mmap": 9, "mprotect": 10, "munmap": 11, "mremap": 25, "fork": 57, "open": 2, "close": 3},
    4: {"mmap": 192, "mprotect": 125, "munmap": 91, "mremap": 163, "fork": 2, "open": 5, "close": 6},
}
"""Numbers of system calls (arch/x86/entry/syscalls); the first of i386 counts its offset in pages (mmap2)."""
_PRIVATE, _FIXED, _ANONYMOUS, _GROWSDOWN = 0x02, 0x10, 0x20, 0x100
_MAYMOVE = 1
_RTLD_NOW = 2
_TEXT_BYTES_MAX = 512
_ATTRIBUTES, _THREAD, _REQUEST, _DONE_WORD = 1024, 1536, 2048, 2
"""Places in the scratch memory; a pthread_attr_t has 56 bytes at most."""
FUNCTIONS = {
    "malloc": ("malloc",),
    "free": ("free",),
    "realloc": ("realloc",),
    "brk": ("sbrk",),
    "dlopen": ("dlopen", "dlerror"),
    "thread": (
        "malloc",
        "pthread_create",
        "pthread_attr_init",
        "pthread_attr_setguardsize",
        "pthread_attr_setstacksize",
    ),
}
"""Functions of the C library that a step needs; steps that are not here need none."""
_PATIENCE_SECONDS, _LOOK_SECONDS = 10.0, 0.0005


class RealSteps:
    """A program that does steps; ``functions`` are addresses in it, ``first_sp`` its stack pointer at exec."""

    def __init__(self, child: Tracee, injected: Injected, functions: Mapping[str, int], *, first_sp: int) -> None:
        self._child = child
        self._in = injected
        self._functions = functions
        self._numbers = _CALLS[injected.word]
        self._blocks: dict[str, AllocatedBlock] = {}
        self._deepest = first_sp
        self.refusal: bytes | None = None
        """What the dynamic linker said where it opened no library, last."""
        self._children: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the children; one that has not yet asked for the signal of its parent's end would go on without it."""
        for pid in self._children if self._child.alive else ():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def do(self, action: ScriptAction) -> int | None:
        """Do one step: what its call gave, a negated error number; None where the program ended.

        Raises:
            BadInput: the program has no such function, or cannot open a file.
        """
        for name in FUNCTIONS.get(action.verb, ()):
            if name not in self._functions:
                raise BadInput("no-function", verb=action.verb, name=name)
        return _STEPS[action.verb](self, action)

    def _block(self, action: ScriptAction) -> AllocatedBlock:
        # a step that failed gave nothing; what the simulator has and the program has not is no address
        return self._blocks.get(action.block, AllocatedBlock(0, 0, True))

    def _call(self, name: str, *arguments: int) -> int | None:
        return self._in.call(self._functions[name], *arguments)

    def _system_call(self, name: str, *arguments: int) -> int | None:
        return self._in.system_call(self._numbers[name], *arguments)

    def malloc(self, action: ScriptAction) -> int | None:
        """Ask malloc, and keep what it gave."""
        return self._allocated(action, self._call("malloc", action.size))

    def realloc(self, action: ScriptAction) -> int | None:
        """Change the size of a block; where there is no memory, it stays as it was."""
        return self._allocated(action, self._call("realloc", self._block(action).start, action.size))

    def _allocated(self, action: ScriptAction, pointer: int | None) -> int | None:
        if pointer:
            self._blocks[action.block] = AllocatedBlock(pointer, action.size, False)
        return pointer

    def free(self, action: ScriptAction) -> int | None:
        """Give a block back; nothing comes of it."""
        return self._call("free", self._block(action).start) and 0

    def _mapped(self, action: ScriptAction, given: int | None) -> int | None:
        if given is not None and given >= 0:
            self._blocks[action.block] = AllocatedBlock(given, -(-action.size // PAGE) * PAGE, True)
        return given

    def mmap(self, action: ScriptAction) -> int | None:
        """Map anonymous memory, or a file from its beginning."""
        rights = _protection(action.rights)
        if not action.file:
            return self._mapped(action, self._anonymous(0, action.size, rights, 0))
        descriptor = self._system_call("open", self._in.put(action.file + b"\0"), 0)
        if descriptor is None or descriptor < 0:
            raise BadInput("not-opened-there", path=action.file, reason=os.strerror(-(descriptor or -errno.EBADF)))
        given = self._system_call("mmap", 0, action.size, rights, _PRIVATE, descriptor, 0)
        self._system_call("close", descriptor)
        return self._mapped(action, given)

    def _anonymous(self, place: int, length: int, rights: int, flags: int) -> int | None:
        return self._system_call("mmap", place, length, rights, _PRIVATE | _ANONYMOUS | flags, -1, 0)

    def growsdown(self, action: ScriptAction) -> int | None:
        """Map memory that grows down like a stack."""
        rights = _protection(action.rights)
        return self._mapped(action, self._anonymous(0, action.size, rights, _GROWSDOWN))

    def mremap(self, action: ScriptAction) -> int | None:
        """Change the size of a mapping, which may move."""
        block = self._block(action)
        return self._mapped(action, self._system_call("mremap", block.start, block.length, action.size, _MAYMOVE))

    def _part(self, action: ScriptAction) -> tuple[int, int]:
        block = self._block(action)
        offset, length = action.part_of(block)
        return block.start + offset // PAGE * PAGE, length

    def overmap(self, action: ScriptAction) -> int | None:
        """Map over a part of a block."""
        start, length = self._part(action)
        return self._anonymous(start, length, _protection(action.rights), _FIXED)

    def munmap(self, action: ScriptAction) -> int | None:
        """Unmap a part, or all of a block, which is forgotten then."""
        given = self._system_call("munmap", *self._part(action))
        if action.offset is None:
            self._blocks.pop(action.block, None)
        return given

    def mprotect(self, action: ScriptAction) -> int | None:
        """Change the rights of a part."""
        return self._system_call("mprotect", *self._part(action), _protection(action.rights))

    def touch(self, action: ScriptAction) -> int | None:
        """Write one byte of a block."""
        return 0 if self._in.store(self._block(action).start + (action.offset or 0)) else None

    def recurse(self, action: ScriptAction) -> int | None:
        """Write one byte so much further down the stack."""
        self._deepest -= action.size
        return 0 if self._in.store(self._deepest) else None

    def brk(self, action: ScriptAction) -> int | None:
        """Move the heap's end, by the C library, since its malloc counts on that."""
        return self._call("sbrk", action.size)

    def dlopen(self, action: ScriptAction) -> int | None:
        """Open a library, all of it relocated at once; gives its handle, or 0, and keeps why it was not opened."""
        handle = self._call("dlopen", self._in.put(action.file + b"\0"), _RTLD_NOW)
        told = self._call("dlerror") if handle == 0 else None
        self.refusal = self._child.read_memory(told, _TEXT_BYTES_MAX).partition(b"\0")[0] if told else None
        return handle

    def fork(self, action: ScriptAction) -> int | None:
        """Make a child, which pauses."""
        del action
        pid = self._in.fork(self._numbers["fork"])
        if pid is not None and pid > 0:
            self._children.append(pid)
            self._await(lambda: self._is_asleep(pid))
        return pid

    def _is_asleep(self, pid: int) -> bool:
        """Whether a child pauses, and has asked before for the signal of its parent's end."""
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rsplit(b")", 1)[1].split()[0] == b"S"

    def thread(self, action: ScriptAction) -> int | None:
        """Start a thread, and wait until its request is done."""
        attributes, thread = self._in.scratch + _ATTRIBUTES, self._in.scratch + _THREAD
        self._call("pthread_attr_init", attributes)
        if action.guard is not None:
            self._call("pthread_attr_setguardsize", attributes, action.guard)
        if action.stack is not None and (error := self._call("pthread_attr_setstacksize", attributes, action.stack)):
            return -error
        request = self._in.put(self._in.words(self._functions["malloc"], action.size, 0), _REQUEST)
        error = self._call("pthread_create", thread, attributes, self._in.thread_body, request)
        if error == 0:
            done = request + _DONE_WORD * self._in.word
            self._await(lambda: any(self._child.read_memory(done, self._in.word)))
        return error if error is None else -error

    def _await(self, condition: Callable[[], bool]) -> None:
        """Wait until a thread has made its request, or a child pauses."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while not condition():
            if time.monotonic() > end:
                raise BadInput("step-without-end")
            time.sleep(_LOOK_SECONDS)


def _protection(rights: str) -> int:
    """The bits PROT_READ, PROT_WRITE and PROT_EXEC (include/uapi/asm-generic/mman-common.h)."""
    allowed = permissions(rights)
    return allowed.readable + 2 * allowed.writable + 4 * allowed.executable


_STEPS: dict[str, Callable[[RealSteps, ScriptAction], int | None]] = {
    "malloc": RealSteps.malloc,
    "realloc": RealSteps.realloc,
    "free": RealSteps.free,
    "mmap": RealSteps.mmap,
    "mremap": RealSteps.mremap,
    "overmap": RealSteps.overmap,
    "growsdown": RealSteps.growsdown,
    "munmap": RealSteps.munmap,
    "mprotect": RealSteps.mprotect,
    "touch": RealSteps.touch,
    "recurse": RealSteps.recurse,
    "brk": RealSteps.brk,
    "thread": RealSteps.thread,
    "fork": RealSteps.fork,
    "dlopen": RealSteps.dlopen,
}
