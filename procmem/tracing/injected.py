"""Calls that a traced program makes because we tell it to: system calls, functions of its C library, a store.

A few instructions of ours are written behind the end of some object's code, where its last page is mapped and used by
nobody; the program is ended with the trace, and never goes on with its own ``main``. So the steps of a script happen in
a real process without a compiler: any program that stands at ``main`` will do. What these calls map is what a program
that made them would map. Nothing here knows what the steps are.

Source: System V ABI of i386 and of x86-64 for the calls; arch/x86/entry for the registers of system calls.
"""

import struct

from procmem.model.named_tuple import NamedTuple
from procmem.tracing.tracee import Tracee

__all__ = ["CODE_BYTES", "Injected"]


class _CallingCode(NamedTuple):
    """The code of one word size, and how its calls take their arguments.

    Each piece of code ends with a trap. ``body`` is the function of a thread: it makes a request to the function whose
    address, with the request behind it, its argument points to, writes to what it got, marks that it is done in the
    third word, and pauses for ever. ``fork`` is a system call after which a child ends with its parent, and pauses.
    """

    word: int
    call: bytes
    system_call: bytes
    store: bytes
    fork: bytes
    body: bytes
    arguments: tuple[str, ...]
    passed_in_registers: bool


_STORE = b"\xc6\x07\x01\xcc"
"""mov byte [(r|e)di], 1."""
_CALL = b"\xff\xd0\xcc"
"""call (r|e)ax."""
_PAUSE = {4: b"\xb8\x1d\x00\x00\x00\xcd\x80\xeb\xf7", 8: b"\xb8\x22\x00\x00\x00\x0f\x05\xeb\xf7"}
"""mov eax, 29 or 34 (pause); int 0x80 or syscall; jmp back."""
_MACHINES = {
    4: _CallingCode(
        word=4,
        call=_CALL,
        system_call=b"\xcd\x80\xcc",
        store=_STORE,
        # int 0x80; test eax, eax; jz +1; int3; prctl(PR_SET_PDEATHSIG, SIGKILL); pause
        fork=b"\xcd\x80\x85\xc0\x74\x01\xcc\xbb\x01\x00\x00\x00\xb9\x09\x00\x00\x00\xb8\xac\x00\x00\x00\xcd\x80"
        + _PAUSE[4],
        # push ebx; mov ebx, [esp+8]; mov ecx, [ebx+4]; test ecx, ecx; jz +12; sub esp, 4; push ecx; call [ebx];
        # add esp, 8; mov byte [eax], 1; mov dword [ebx+8], 1; pause
        body=b"\x53\x8b\x5c\x24\x08\x8b\x4b\x04\x85\xc9\x74\x0c\x83\xec\x04\x51\xff\x13\x83\xc4\x08\xc6\x00\x01"
        b"\xc7\x43\x08\x01\x00\x00\x00" + _PAUSE[4],
        arguments=("bx", "cx", "dx", "si", "di", "bp"),
        passed_in_registers=False,
    ),
    8: _CallingCode(
        word=8,
        call=_CALL,
        system_call=b"\x0f\x05\xcc",
        store=_STORE,
        # syscall; test eax, eax; jz +1; int3; prctl(PR_SET_PDEATHSIG, SIGKILL); pause
        fork=b"\x0f\x05\x85\xc0\x74\x01\xcc\xbf\x01\x00\x00\x00\xbe\x09\x00\x00\x00\xb8\x9d\x00\x00\x00\x0f\x05"
        + _PAUSE[8],
        # push rbx; mov rbx, rdi; mov rdi, [rbx+8]; test rdi, rdi; jz +5; call [rbx]; mov byte [rax], 1;
        # mov dword [rbx+16], 1; pause
        body=b"\x53\x48\x89\xfb\x48\x8b\x7b\x08\x48\x85\xff\x74\x05\xff\x13\xc6\x00\x01"
        b"\xc7\x43\x10\x01\x00\x00\x00" + _PAUSE[8],
        arguments=("di", "si", "dx", "r10", "r8", "r9"),
        passed_in_registers=True,
    ),
}
_REGISTER_ARGUMENTS = ("di", "si", "dx", "cx", "r8", "r9")
"""Of functions of x86-64."""
_ERRORS = 4095
"""The highest error number a system call gives back."""
CODE_BYTES = 160
"""Room that the code takes, at most."""
_RED_ZONE, _SCRATCH_BYTES = 128, 4096
"""Behind the stack pointer nothing is touched, as functions of x86-64 demand; then room for what calls point to."""


class Injected:
    """The code in a child that stands at ``main``, from ``place`` on, where ``CODE_BYTES`` may be executed."""

    def __init__(self, child: Tracee, place: int, *, bits: int) -> None:
        self._child = child
        self._of = _MACHINES[bits // 8]
        self.word = self._of.word
        self._places: dict[bytes, int] = {}
        for code in (self._of.call, self._of.system_call, self._of.store, self._of.fork, self._of.body):
            self._places[code] = place
            child.write_memory(place, code)
            place += len(code)
        self.scratch = (child.registers().sp - _RED_ZONE - _SCRATCH_BYTES) & -64
        """Where arguments may be put: memory of the stack that nobody uses."""

    @property
    def thread_body(self) -> int:
        """The address of the function for threads."""
        return self._places[self._of.body]

    def put(self, data: bytes, offset: int = 0) -> int:
        """Put bytes into the scratch memory; gives their address."""
        self._child.write_memory(self.scratch + offset, data)
        return self.scratch + offset

    def words(self, *values: int) -> bytes:
        """Words of the program as bytes."""
        mask = (1 << 8 * self.word) - 1
        return struct.pack(f"<{len(values)}{'I' if self.word == 4 else 'Q'}", *(value & mask for value in values))

    def system_call(self, number: int, *arguments: int) -> int | None:
        """Make a system call: what it gives, a negated error number; None where the program ended."""
        registers = dict(zip(self._of.arguments, arguments, strict=False))
        return self._result(self._run(self._of.system_call, {"ax": number, **registers}))

    def fork(self, number: int) -> int | None:
        """The same of fork; the child pauses, and ends with its parent."""
        code = self._of.fork
        place = self._places[code]
        return self._result(self._child.execute(place, place + code.index(b"\xcc"), {"ax": number}))

    def call(self, function: int, *arguments: int) -> int | None:
        """Call a function: what it gives back; None where the program ended."""
        below = self.scratch - 64
        if self._of.passed_in_registers:
            registers = dict(zip(_REGISTER_ARGUMENTS, arguments, strict=False))
        else:
            registers = {}
            self._child.write_memory(below, self.words(*arguments))
        given = self._run(self._of.call, {"ax": function, "sp": below, **registers})
        return given if given is None else given & ((1 << 8 * self.word) - 1)

    def store(self, address: int) -> bool:
        """Write one byte at an address; False where that ended the program."""
        return self._run(self._of.store, {"di": address}) is not None

    def _run(self, code: bytes, registers: dict[str, int]) -> int | None:
        place = self._places[code]
        return self._child.execute(place, place + len(code) - 1, registers)

    def _result(self, given: int | None) -> int | None:
        if given is None:
            return None
        given &= (1 << 8 * self.word) - 1
        top = 1 << 8 * self.word
        return given - top if given >= top - _ERRORS else given
