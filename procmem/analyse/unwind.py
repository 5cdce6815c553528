"""From a sample to the functions that were running: one frame after the other, from the innermost to the outermost.

A frame's caller is found by call frame information where there is some; where there is none, by the frame pointer, and
by what the kernel found by frame pointers. What leads nowhere ends the chain, with the reason: no frame is made up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import eq, ge, gt, le, lt, ne

from procmem.model.code import AMD64, I386, CallerRule, ChainEnd, CodeChain, Operation, SavedBy, UserRegisters
from procmem.model.perf_records import FaultSample

__all__ = ["registers_of", "unwound"]

_FRAMES_MAX = 127
_VALUES_MAX = 64
_DEREF, _DUP, _DROP, _OVER, _SWAP = 0x06, 0x12, 0x13, 0x14, 0x16


class _ChainBroken(Exception):
    """A value cannot be known."""

    def __init__(self, end: ChainEnd) -> None:
        super().__init__(end)
        self.end = end


def registers_of(bits: int) -> UserRegisters:
    """The registers of a sample."""
    return AMD64 if bits == 64 else I386


class _Frame:
    """UserRegisters at one frame; those that are not known are missing."""

    def __init__(self, machine: UserRegisters, values: dict[int, int], low: int, stack: bytes) -> None:
        self.machine = machine
        self.values = values
        self._low = low
        self._stack = stack
        self._mask = (1 << 8 * machine.word_size) - 1

    def word(self, address: int) -> int:
        """A word of the copied stack."""
        at = (address & self._mask) - self._low
        size = self.machine.word_size
        if not 0 <= at <= len(self._stack) - size:
            raise _ChainBroken(ChainEnd.STACK_CUT if at >= 0 else ChainEnd.CONTRADICTION)
        return int.from_bytes(self._stack[at : at + size], "little")

    def register(self, number: int) -> int:
        if number not in self.values:
            raise _ChainBroken(ChainEnd.NO_RULE)
        return self.values[number]

    def with_values(self, values: dict[int, int]) -> _Frame:
        return _Frame(self.machine, values, self._low, self._stack)

    def called_by(self, rule: CallerRule) -> _Frame:
        """The frame of the caller, by a rule."""
        machine = self.machine
        if rule.cfa_operations:
            cfa = self._value(rule.cfa_operations, None)
        else:
            cfa = self.register(rule.cfa_register) + rule.cfa_offset & self._mask
        values = dict(self.values)
        values[machine.stack] = cfa
        values.pop(machine.instruction, None)
        for saved in rule.saved:
            try:
                values[saved.register] = self._saved(saved.how, saved.value, saved.operations, cfa)
            except _ChainBroken:
                if saved.register == rule.returns_to:
                    raise
                values.pop(saved.register, None)
        if rule.returns_to not in values:
            raise _ChainBroken(ChainEnd.NO_RULE)
        values[machine.instruction] = values[rule.returns_to]
        return self.with_values(values)

    def _saved(self, how: str, value: int, operations: Sequence[Operation], cfa: int) -> int:
        if how == SavedBy.OFFSET:
            return self.word(cfa + value)
        if how == SavedBy.VALUE:
            return cfa + value & self._mask
        if how == SavedBy.REGISTER:
            return self.register(value)
        found = self._value(operations, cfa)
        return self.word(found) if how == SavedBy.EXPRESSION else found

    def _value(self, operations: Sequence[Operation], first: int | None) -> int:
        """What a DWARF expression gives (DWARF 5, section 2.5); operations of other kinds end the chain."""
        values = [] if first is None else [first]
        for one in operations:
            try:
                self._operate(one, values)
            except IndexError as error:  # an operation without its operand
                raise _ChainBroken(ChainEnd.CONTRADICTION) from error
            if len(values) > _VALUES_MAX:
                raise _ChainBroken(ChainEnd.CONTRADICTION)
        if not values:
            raise _ChainBroken(ChainEnd.CONTRADICTION)
        return values[-1] & self._mask

    def _operate(self, one: Operation, values: list[int]) -> None:
        code = one.code
        if 0x30 <= code <= 0x4F:  # DW_OP_lit0 to lit31
            values.append(code - 0x30)
        elif 0x70 <= code <= 0x8F:  # DW_OP_breg0 to breg31
            values.append(self.register(code - 0x70) + one.operands[0] & self._mask)
        elif code == 0x92:  # DW_OP_bregx
            values.append(self.register(one.operands[0]) + one.operands[1] & self._mask)
        elif one.operands and code != 0x23:  # DW_OP_addr, const...
            values.append(one.operands[0] & self._mask)
        elif not values:
            raise _ChainBroken(ChainEnd.CONTRADICTION)
        elif code == 0x23:  # DW_OP_plus_uconst
            values.append(values.pop() + one.operands[0] & self._mask)
        elif code == _DEREF:
            values.append(self.word(values.pop()))
        elif code == _DUP:
            values.append(values[-1])
        elif code == _DROP:
            values.pop()
        elif len(values) < 2:
            raise _ChainBroken(ChainEnd.CONTRADICTION)
        elif code == _OVER:
            values.append(values[-2])
        elif code == _SWAP:
            values[-2:] = values[:-3:-1]
        elif code in _BINARY:
            right, left = values.pop(), values.pop()
            values.append(_BINARY[code](left, right) & self._mask)
        elif code in _COMPARED:
            right, left = self._signed(values.pop()), self._signed(values.pop())
            values.append(int(_COMPARED[code](left, right)))
        else:
            raise _ChainBroken(ChainEnd.NO_RULE)

    def _signed(self, value: int) -> int:
        """A word of the machine as a number with a sign."""
        return value - self._mask - 1 if value > self._mask >> 1 else value

    def above_frame_pointer(self) -> _Frame:
        """The frame of the caller, where the frame pointer points to its own saved value below the return address."""
        machine = self.machine
        pointer = self.register(machine.frame)
        if pointer == 0:  # which marks the outermost frame (System V ABI, "The Stack Frame")
            raise _ChainBroken(ChainEnd.COMPLETE)
        if pointer < self.register(machine.stack) or pointer % machine.word_size:
            raise _ChainBroken(ChainEnd.NO_RULE)
        values = {
            machine.frame: self.word(pointer),
            machine.instruction: self.word(pointer + machine.word_size),
            machine.stack: pointer + 2 * machine.word_size,
        }
        return self.with_values(values)


_BINARY: dict[int, Callable[[int, int], int]] = {
    0x1A: lambda left, right: left & right,
    0x1C: lambda left, right: left - right,
    0x1E: lambda left, right: left * right,
    0x21: lambda left, right: left | right,
    0x22: lambda left, right: left + right,
    0x24: lambda left, right: left << min(right, 64),
    0x25: lambda left, right: left >> min(right, 64),
    0x27: lambda left, right: left ^ right,
}
"""DW_OP_and, minus, mul, or, plus, shl, shr, xor."""
_COMPARED: dict[int, Callable[[int, int], bool]] = {0x29: eq, 0x2A: ge, 0x2B: gt, 0x2C: le, 0x2D: lt, 0x2E: ne}
"""DW_OP_eq, ge, gt, le, lt, ne, which compare numbers with signs."""


def unwound(
    sample: FaultSample, rule_of: Callable[[int], CallerRule | None], is_code: Callable[[int], bool]
) -> CodeChain:
    """The chain of a sample.

    ``rule_of`` gives the rule of an instruction, None where nothing is known; ``is_code`` says whether an address lies
    in an executable mapping.
    """
    if not sample.bits:
        return _by_kernel(sample.chain, 0, (), is_code)
    machine = registers_of(sample.bits)
    values = dict(zip(machine.order, sample.registers, strict=False))
    frame = _Frame(machine, values, values.get(machine.stack, 0), sample.stack)
    address = values.get(machine.instruction, sample.ip)
    found = [address]
    certain: int | None = None
    end = ChainEnd.TOO_DEEP
    while len(found) < _FRAMES_MAX:
        rule = rule_of(address)
        try:
            if rule is not None and rule.is_last:
                end = ChainEnd.COMPLETE
                break
            if rule is not None:
                caller = frame.called_by(rule)
            else:
                certain = len(found) if certain is None else certain
                caller = frame.above_frame_pointer()
            returns_to = caller.values[machine.instruction]
            if returns_to == 0:
                end = ChainEnd.COMPLETE
                break
            if caller.values[machine.stack] <= frame.values[machine.stack] and rule is not None and len(found) > 1:
                raise _ChainBroken(ChainEnd.CONTRADICTION)
            interrupted = rule is not None and rule.is_signal
            address = returns_to if interrupted else returns_to - 1
            if not is_code(address):
                raise _ChainBroken(ChainEnd.CONTRADICTION if rule is not None else ChainEnd.NO_RULE)
        except _ChainBroken as error:
            return _continued(sample, found, certain, error.end, is_code)
        frame = caller
        found.append(address)
    return CodeChain(tuple(found), len(found) if certain is None else certain, end)


def _continued(
    sample: FaultSample, found: list[int], certain: int | None, end: ChainEnd, is_code: Callable[[int], bool]
) -> CodeChain:
    """Go on with what the kernel found by frame pointers, if the last frame is among that."""
    if end is ChainEnd.COMPLETE:
        return CodeChain(tuple(found), len(found) if certain is None else certain, end)
    last = found[-1]
    sure = len(found) if certain is None else certain
    known = [sample.chain[0], *(one - 1 for one in sample.chain[1:])] if sample.chain else []
    if last in known:
        return _by_kernel(sample.chain, known.index(last) + 1, tuple(found), is_code, sure, end)
    return CodeChain(tuple(found), sure, end)


def _by_kernel(
    chain: Sequence[int],
    start: int,
    before: tuple[int, ...],
    is_code: Callable[[int], bool],
    certain: int = 1,
    end: ChainEnd = ChainEnd.NO_RULE,
) -> CodeChain:
    """What frame pointers gave, as far as it is code."""
    found = list(before)
    for number, address in enumerate(chain[start:], start):
        here = address if number == 0 else address - 1
        if number and not is_code(here):
            break
        if len(found) >= _FRAMES_MAX:
            end = ChainEnd.TOO_DEEP
            break
        found.append(here)
    return CodeChain(tuple(found), min(certain, len(found)), end)
