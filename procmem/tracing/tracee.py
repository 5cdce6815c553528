"""A program started by us, held still at chosen moments, and always ended.

The only way to know what the kernel and the C library really did by the first instruction, at the
entry point or at ``main`` is to stop a process there. So we start it ourselves under the personality
and limits asked for, trace our own child (which needs no right that we do not have), read what
``/proc`` says about it, and kill it. Nobody else's process is ever traced.

Source: ptrace(2), personality(2); struct user_regs_struct in arch/x86/include/asm/user_{32,64}.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import signal
import struct
import warnings
from collections.abc import Mapping, Sequence
from types import TracebackType

from procmem.errors import ExitStatus, ProcmemError
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note, note
from procmem.tracing.child_files import ChildFiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

__all__ = ["CannotStart", "Started", "StopRegisters", "Tracee", "fork_program", "how_ended"]

_PTRACE_TRACEME, _PTRACE_PEEKDATA, _PTRACE_POKEDATA, _PTRACE_CONT = 0, 2, 5, 7
_PTRACE_SINGLESTEP, _PTRACE_GETREGS, _PTRACE_SETREGS, _PTRACE_SETOPTIONS = 9, 12, 13, 0x4200
_O_TRACEEXEC, _O_EXITKILL = 0x10, 0x100000
_EVENT_EXEC = 4
_TRAP = b"\xcc"
_WORD = ctypes.sizeof(ctypes.c_long)
_REGISTERS = 27 if _WORD == 8 else 17
_FORM = f"{_REGISTERS}{'Q' if _WORD == 8 else 'I'}"
"""The longs of user_regs_struct."""
_PLACES = (
    {
        "bp": 4,
        "bx": 5,
        "r10": 7,
        "r9": 8,
        "r8": 9,
        "ax": 10,
        "cx": 11,
        "dx": 12,
        "si": 13,
        "di": 14,
        "orig_ax": 15,
        "ip": 16,
        "cs": 17,
        "sp": 19,
    }
    if _WORD == 8
    else {
        "bx": 0,
        "cx": 1,
        "dx": 2,
        "si": 3,
        "di": 4,
        "bp": 5,
        "ax": 6,
        "orig_ax": 11,
        "ip": 12,
        "cs": 13,
        "sp": 15,
    }
)
"""Registers by their names without R or E."""
_IP, _SP, _AX, _DX, _SI, _DI, _CS = (_PLACES[name] for name in ("ip", "sp", "ax", "dx", "si", "di", "cs"))
_CS_64 = 0x33
"""The code segment of 64-bit programs (arch/x86/include/asm/segment.h, __USER_CS)."""

_NO_CALL, _WORD_MASK = -1, (1 << 8 * _WORD) - 1

_START_STEPS = 64
"""Instructions of a start code, at most, before it calls its C library."""
_CALL_BYTES = 7
"""Bytes of a call instruction, at most."""

_PR_SET_PDEATHSIG = 1
_EXEC_FAILED = 127
"""Status with which our child ends when execve itself was refused."""


class CannotStart(ProcmemError):
    """The program could not be started or traced."""

    exit_code = ExitStatus.NOT_PERMITTED


class Started(NamedTuple):
    """How to start a program; ``personality`` are bits of personality(2), ``stack_limit`` bytes, None unlimited."""

    path: bytes
    argv: tuple[bytes, ...]
    env: tuple[bytes, ...] = ()
    personality: int = 0
    stack_limit: int | None = 8 << 20


class StopRegisters(NamedTuple):
    """Where a stopped program stands."""

    ip: int
    sp: int


def fork_program(how: Started, libc: ctypes.CDLL, *, traced: bool) -> int:
    """Start a program in a child; give its pid.

    A ``traced`` child asks to be traced and stops before its execve.
    """
    # all that the child needs is made before the fork: after it only system calls are safe
    argv = (ctypes.c_char_p * (len(how.argv) + 1))(*how.argv, None)
    env = (ctypes.c_char_p * (len(how.env) + 1))(*how.env, None)
    limit = resource.RLIM_INFINITY if how.stack_limit is None else how.stack_limit
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    if os.geteuid() == 0 and hard != resource.RLIM_INFINITY:
        hard = resource.RLIM_INFINITY
    nowhere = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    with warnings.catch_warnings():
        # Python warns of forks beside threads; this child runs nothing but system calls
        warnings.simplefilter("ignore", DeprecationWarning)
        parent = os.getpid()
        pid = os.fork()
    if pid:
        os.close(nowhere)
        return pid
    try:
        # it ends with us, from the very beginning and where it may not be traced; a parent that is gone sends nothing
        libc.prctl(_PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
        if os.getppid() != parent:
            os._exit(_EXEC_FAILED)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        libc.personality(ctypes.c_ulong(how.personality))
        resource.setrlimit(resource.RLIMIT_STACK, (limit, hard))
        if traced:
            libc.ptrace(_PTRACE_TRACEME, 0, None, None)
            os.kill(os.getpid(), signal.SIGSTOP)
        libc.execve(ctypes.c_char_p(how.path), argv, env)
    finally:
        os._exit(_EXEC_FAILED)


class Tracee(ChildFiles):
    """One traced child; use it in a ``with`` statement, which kills it at the end.

    After entering, the child stands right after its execve, before its first instruction.
    """

    def __init__(self, how: Started) -> None:
        super().__init__()
        self._how = how
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self._libc.ptrace.restype = ctypes.c_long
        self.ended: int | None = None
        """The wait status with which the child ended by itself, None while it lives."""

    def __enter__(self) -> Self:
        self.pid = fork_program(self._how, self._libc, traced=True)
        try:
            self._wait()
            if self.ended is None:
                self._ptrace(_PTRACE_SETOPTIONS, 0, _O_TRACEEXEC | _O_EXITKILL)
                self._resume_to_exec()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ptrace(self, request: int, address: int = 0, data: int = 0) -> int:
        ctypes.set_errno(0)
        result = int(self._libc.ptrace(request, self.pid, address, data))
        error = ctypes.get_errno()
        if result == -1 and error:
            raise CannotStart("no-tracing", pid=self.pid, reason=os.strerror(error))
        return result

    def _wait(self) -> int:
        """Wait for the next stop; an end is noted in ``ended``."""
        # a child that was not allowed to be traced stops too, and would never be reported without WUNTRACED
        _pid, status = os.waitpid(self.pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            self.ended = status
            self.pid = 0
        return status

    def _resume_to_exec(self) -> None:
        self._ptrace(_PTRACE_CONT)
        while self.ended is None:
            status = self._wait()
            if self.ended is not None or status >> 8 == signal.SIGTRAP | _EVENT_EXEC << 8:
                return
            # a signal that ends the half-made program passes on; its end comes next
            self._ptrace(_PTRACE_CONT, 0, os.WSTOPSIG(status))

    @property
    def alive(self) -> bool:
        """Whether the program still stands stopped."""
        return self.ended is None and self.pid != 0

    @property
    def refused(self) -> bool:
        """Whether execve itself gave an error."""
        return self.ended is not None and os.WIFEXITED(self.ended) and os.WEXITSTATUS(self.ended) == _EXEC_FAILED

    def registers(self) -> StopRegisters:
        """Read the instruction and the stack pointer."""
        numbers = self._all_registers()
        return StopRegisters(numbers[_IP], numbers[_SP])

    def _all_registers(self) -> list[int]:
        raw = ctypes.create_string_buffer(_REGISTERS * _WORD)
        self._ptrace(_PTRACE_GETREGS, 0, ctypes.addressof(raw))
        return list(struct.unpack(_FORM, raw.raw))

    def _set_registers(self, numbers: Sequence[int]) -> None:
        raw = struct.pack(_FORM, *numbers)
        buffer = ctypes.create_string_buffer(raw, len(raw))
        self._ptrace(_PTRACE_SETREGS, 0, ctypes.addressof(buffer))

    def arguments(self) -> tuple[int, int, int]:
        """What stands in RDI, RSI and RAX: the first two arguments of x86-64, and what a function gives back.

        The tracer is a 64-bit program; of a 32-bit child only the last is told so (EAX).
        """
        numbers = self._all_registers()
        return numbers[_DI], numbers[_SI], numbers[_AX]

    def run_to(self, address: int, *, times: int = 1) -> bool:
        """Let it run until it is about to execute the instruction at ``address``, for the ``times``-th time.

        False where the program ended before. The breakpoint is gone afterwards. Where nothing is mapped, which damaged
        headers may say, there is none: the program ends by itself when it comes there.
        """
        try:
            original = self.read_memory(address, 1)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return self._run_into(address)
        for _round in range(times):
            if self.registers().ip == address:
                self.step_one()
            self.write_memory(address, _TRAP)
            if not self._run_into(address):
                return False
            numbers = self._all_registers()
            numbers[_IP] = address
            self._set_registers(numbers)
            self.write_memory(address, original)
        return True

    def _run_into(self, address: int) -> bool:
        """Continue until the trap at ``address``; signals of other kinds go on to the program."""
        number = 0
        while True:
            self._ptrace(_PTRACE_CONT, 0, number)
            status = self._wait()
            if self.ended is not None:
                return False
            number = os.WSTOPSIG(status)
            if number == signal.SIGTRAP:
                if self.registers().ip == address + 1:
                    return True
                number = 0
            elif number == signal.SIGSTOP:
                number = 0

    def execute(self, start: int, trap: int, registers: Mapping[str, int]) -> int | None:
        """Let it execute code of ours from ``start`` up to the trap instruction at ``trap``; gives (R)AX.

        ``registers`` are set before, by their names without R or E. None where the program ended on the way.
        """
        # no system call is to be started again where it stands now
        values = {**registers, "ip": start, "orig_ax": _NO_CALL}
        numbers = self._all_registers()
        for name, value in values.items():
            numbers[_PLACES[name]] = value & _WORD_MASK
        self._set_registers(numbers)
        return self._all_registers()[_AX] if self._run_into(trap) else None

    def step_one(self) -> None:
        """Execute one instruction."""
        self._ptrace(_PTRACE_SINGLESTEP)
        self._wait()

    def find_main(self, first_sp: int) -> int | None:
        """Step from the program's entry point into its C library, and give the ``main`` that is handed over.

        ``first_sp`` is the stack pointer at exec. The start code hands main, argc and argv over: on the stack for i386
        (glibc sysdeps/i386/start.S), in registers for x86-64 (sysdeps/x86_64/start.S). argc and argv are known, so the
        call is recognised by them.
        """
        is_64 = self._all_registers()[_CS] == _CS_64 if _WORD == 8 else False
        word, form = (8, "<Q") if is_64 else (4, "<I")
        argc = struct.unpack("<I", self.read_memory(first_sp, 4))[0]
        for _step in range(_START_STEPS):
            before = self.registers()
            self.step_one()
            if self.ended is not None:
                return None
            now = self.registers()
            if now.sp != before.sp - word:
                continue
            (back,) = struct.unpack(form, self.read_memory(now.sp, word))
            if not before.ip < back <= before.ip + _CALL_BYTES:
                continue
            if is_64:
                registers = self._all_registers()
                main, count, vector = (registers[at] for at in (_DI, _SI, _DX))
            else:
                main, count, vector = struct.unpack("<3I", self.read_memory(now.sp + word, 12))
            if count == argc and vector == first_sp + word:
                return int(main)
        return None

    def read_memory(self, address: int, length: int) -> bytes:
        """Read the child's memory."""
        descriptor = os.open(f"/proc/{self.pid}/mem", os.O_RDONLY)
        try:
            return os.pread(descriptor, length, address)
        finally:
            os.close(descriptor)

    def write_memory(self, address: int, data: bytes) -> None:
        """Change the child's memory, read-only parts too: that is how a breakpoint is set."""
        descriptor = os.open(f"/proc/{self.pid}/mem", os.O_RDWR)
        try:
            os.pwrite(descriptor, data, address)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """End the child, whatever state it is in."""
        if self.pid and self.ended is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                while self.ended is None:
                    self._wait()
        self.pid = 0


def how_ended(status: int | None) -> Note:
    """What a wait status says of a child's end."""
    if status is None:
        return note("gone")
    if os.WIFSIGNALED(status):
        return note("signal", signal=os.WTERMSIG(status))
    return note("status", status=os.WEXITSTATUS(status))
