"""What is known of a program's code: functions by address, and how to go from a frame to its caller.

Here belong the values; ELF files and call frame information are read in ``parse``, stacks unwound in ``analyse``.
Register numbers are DWARF's for the machine (System V ABI: AMD64, figure 3.36; i386, table 2.14).
"""

from procmem.model.enumeration import Enumeration
from procmem.model.named_tuple import NamedTuple

__all__ = [
    "AMD64",
    "I386",
    "MANGLED_STARTS",
    "CallerRule",
    "ChainEnd",
    "CodeChain",
    "CodeFunction",
    "FunctionSymbol",
    "Operation",
    "SavedBy",
    "SavedRegister",
    "UserRegisters",
]


MANGLED_STARTS = (b"_Z", b"_R", b"$s", b"_$s", b"_D")
"""How linkers' names begin: of the Itanium C++ ABI (and Rust's older scheme), Rust's v0, Swift, D."""


class FunctionSymbol(NamedTuple):
    """A function's name, and its link-time addresses; ``end`` is None where the symbol does not say its size."""

    start: int
    end: int | None
    name: bytes


class SavedBy:
    """How a caller's register is found."""

    OFFSET = "offset"
    """In memory, at the canonical frame address plus ``value``."""
    VALUE = "value"
    """It is that address plus ``value``."""
    REGISTER = "register"
    """In the register ``value``."""
    EXPRESSION = "expression"
    """In memory, at what the operations give."""
    VALUE_EXPRESSION = "value expression"
    """It is what the operations give."""


class Operation(NamedTuple):
    """One operation of a DWARF expression: its opcode (DW_OP_...) and its operands."""

    code: int
    operands: tuple[int, ...] = ()


class SavedRegister(NamedTuple):
    """Where the caller's value of a register is."""

    register: int
    how: str
    value: int = 0
    operations: tuple[Operation, ...] = ()


class CallerRule(NamedTuple):
    """How to get to the caller from one instruction (a row of the table of DWARF 5, section 6.4.1).

    The canonical frame address is register ``cfa_register`` plus ``cfa_offset``, or what ``cfa_operations`` give.
    ``returns_to`` is the register that holds the return address. With ``is_last`` there is no caller: the return
    address is undefined. ``is_signal`` marks the kernel's way back from a signal handler: the caller was interrupted
    there, and has not called. ``start`` is where the code begins to which the information belongs.
    """

    start: int
    cfa_register: int
    cfa_offset: int
    cfa_operations: tuple[Operation, ...]
    saved: tuple[SavedRegister, ...]
    returns_to: int
    is_last: bool
    is_signal: bool


class ChainEnd(Enumeration):
    """Why a chain ends where it ends."""

    COMPLETE = "complete"
    """The outermost frame says that nobody called it."""
    NO_RULE = "no rule"
    """Nothing says how to get to the caller, and frame pointers lead nowhere."""
    STACK_CUT = "stack cut"
    """The caller's frame is not in the copied part of the stack."""
    TOO_DEEP = "too deep"
    """There are more frames than are looked at."""
    CONTRADICTION = "contradiction"
    """A rule leads to what is no code, or back."""


class CodeChain(NamedTuple):
    """Code addresses, the innermost first; a caller's is that of the instruction before its return address.

    From ``certain`` on, frames were found by frame pointers, which some function may not have kept. ``end`` says
    whether the last one is the outermost.
    """

    addresses: tuple[int, ...]
    certain: int
    end: ChainEnd


class CodeFunction(NamedTuple):
    """A function as a frame has it: the object that it lies in, and its name where that is known.

    ``object`` is None where nothing is mapped any more, and empty for code that was made at run time. ``name`` is as
    people write it, ``symbol`` as the linker knows it. ``start`` is its link-time address, or the
    frame's own where nothing says where the function begins. With ``is_nearest`` the name is that of the last symbol
    before it, and the function itself has none.
    """

    object: bytes | None
    name: bytes | None
    start: int
    is_nearest: bool = False
    symbol: bytes | None = None

    @property
    def is_mangled(self) -> bool:
        """Whether its name is one that only linkers read."""
        return self.name is not None and self.name == self.symbol and self.name.startswith(MANGLED_STARTS)


class UserRegisters(NamedTuple):
    """The registers of a machine: DWARF's numbers in the order of the kernel's mask, and those with a part in calls.

    ``mask`` is for perf_event_open (arch/x86/include/uapi/asm/perf_regs.h).
    """

    mask: int
    order: tuple[int, ...]
    instruction: int
    stack: int
    frame: int
    word_size: int


_MASK = 0xFF_01FF
"""ax bx cx dx si di bp sp ip, r8 to r15: all that a 64-bit program has; a 32-bit one has the first nine."""
AMD64 = UserRegisters(_MASK, (0, 3, 2, 1, 4, 5, 6, 7, 16, 8, 9, 10, 11, 12, 13, 14, 15), 16, 7, 6, 8)
I386 = UserRegisters(_MASK, (0, 3, 1, 2, 6, 7, 5, 4, 8), 8, 4, 5, 4)
