"""Call frame information of an ELF object (``.eh_frame``): for an instruction, how to get to its caller.

Only what one question needs is read: the sorted table of ``.eh_frame_hdr`` says where the entry (FDE) of an address
lies; that entry and the one it refers to (CIE) are read, and their instructions executed up to the address. Files come
from strangers: every table, entry and number of steps has a bound, and what contradicts itself means "no rule".

Source: Linux Standard Base, "Exception Frames" (.eh_frame, .eh_frame_hdr); DWARF 5, sections 6.4 and 7.24.
"""

from __future__ import annotations

import array
import bisect
import struct
import sys

from procmem.model.code import CallerRule, Operation, SavedBy, SavedRegister
from procmem.model.elf import PT_GNU_EH_FRAME
from procmem.parse.dwarf_cursor import ABSOLUTE, DATA_RELATIVE, OMITTED, SDATA4, BadDwarf, DwarfCursor
from procmem.parse.elf import file_offset, read_sections

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procmem.model.elf import ElfImage
    from procmem.model.ports import ByteReader

__all__ = ["CallFrames"]

_TABLE_BYTES_MAX = 32 << 20
_SECTION_BYTES_MAX = 16 << 20
_ENTRY_BYTES_MAX = 64 << 10
_HEAD_BYTES = 512
_STEPS_MAX = 20_000
_STATES_MAX = 64
_OPERATIONS_MAX = 64
_ROWS_MAX = 100_000


class _Common:
    """What a common information entry says to all that refer to it."""

    __slots__ = ("code_step", "data_step", "has_data", "instructions", "is_signal", "pointers", "returns_to")

    def __init__(self, cursor: DwarfCursor) -> None:
        version = cursor.byte()
        if version not in (1, 3):
            raise BadDwarf
        end = cursor.data.find(b"\0", cursor.at)
        if end < 0:
            raise BadDwarf
        augmentation = cursor.data[cursor.at : end]
        cursor.at = end + 1
        self.code_step = cursor.uleb()
        self.data_step = cursor.sleb()
        self.returns_to = cursor.byte() if version == 1 else cursor.uleb()
        self.pointers = ABSOLUTE
        self.is_signal = False
        self.has_data = augmentation.startswith(b"z")
        if augmentation and not self.has_data:
            raise BadDwarf
        if self.has_data:
            end = cursor.uleb() + cursor.at
            for letter in augmentation[1:]:
                if letter == ord("R"):
                    self.pointers = cursor.byte()
                elif letter == ord("P"):
                    cursor.pointer(cursor.byte() & 0x0F)
                elif letter == ord("L"):
                    cursor.byte()
                elif letter == ord("S"):
                    self.is_signal = True
                else:
                    break
            cursor.at = end
        self.instructions = cursor.data[cursor.at :]


class _RuleRow:
    """A row while instructions change it."""

    __slots__ = ("cfa", "saved", "undefined")

    def __init__(self) -> None:
        self.cfa: tuple[int, int, tuple[Operation, ...]] | None = None
        self.saved: dict[int, SavedRegister] = {}
        self.undefined: frozenset[int] = frozenset()

    def copy(self) -> _RuleRow:
        other = _RuleRow()
        other.cfa, other.saved, other.undefined = self.cfa, dict(self.saved), self.undefined
        return other

    def save(self, register: int, how: str, value: int = 0, operations: tuple[Operation, ...] = ()) -> None:
        self.undefined -= {register}
        self.saved[register] = SavedRegister(register, how, value, operations)

    def forget(self, register: int, *, undefined: bool) -> None:
        self.saved.pop(register, None)
        self.undefined = self.undefined | {register} if undefined else self.undefined - {register}


class CallFrames:
    """The rules of one object; addresses are those of its headers, without a load bias."""

    def __init__(self, reader: ByteReader, image: ElfImage) -> None:
        self._reader = reader
        self._image = image
        self._order = "<" if image.little_endian else ">"
        self._starts: array.array[int] = array.array("q")
        self._entries: array.array[int] = array.array("q")
        self._commons: dict[int, _Common] = {}
        self._rules: dict[int, CallerRule | None] = {}
        try:
            self._read_table()
        except (BadDwarf, struct.error):
            self._starts = array.array("q")

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def starts(self) -> Sequence[int]:
        """Where functions begin, or their parts, ascending."""
        return self._starts

    def _cursor(self, address: int, length: int) -> DwarfCursor:
        offset = file_offset(self._image, address)
        data = b"" if offset is None else self._reader.read_at(offset, length)
        return DwarfCursor(data, address, self._image.word_size, self._order)

    def _read_table(self) -> None:
        segment = self._image.first(PT_GNU_EH_FRAME)
        if segment is None:
            self._read_section()
            return
        head = self._cursor(segment.vaddr, 64)
        if head.byte() != 1:
            raise BadDwarf
        frame_encoding, count_encoding, table_encoding = head.byte(), head.byte(), head.byte()
        head.pointer(frame_encoding, segment.vaddr)
        if OMITTED in (count_encoding, table_encoding):
            return
        count = head.pointer(count_encoding, segment.vaddr)
        if table_encoding != DATA_RELATIVE | SDATA4 or 8 * count > _TABLE_BYTES_MAX:
            raise BadDwarf
        data = self._cursor(segment.vaddr + head.at, 8 * count).data
        words = array.array("i", data[: len(data) // 8 * 8])
        if (sys.byteorder == "little") != self._image.little_endian:
            words.byteswap()
        self._starts = array.array("q", [segment.vaddr + one for one in words[0::2]])
        self._entries = array.array("q", [segment.vaddr + one for one in words[1::2]])

    def _read_section(self) -> None:
        """Static programs have no sorted table: go through the entries themselves."""
        sections = read_sections(self._reader, self._image, names=True) or ()
        section = next((one for one in sections if one.name == ".eh_frame" and one.size <= _SECTION_BYTES_MAX), None)
        if section is None:
            return
        data = self._reader.read_at(section.offset, section.size)
        found: dict[int, int] = {}
        at = 0
        while at + 8 <= len(data):
            cursor = DwarfCursor(data, section.addr, self._image.word_size, self._order)
            cursor.at = at
            length = cursor.number(4)
            if not 4 <= length <= _ENTRY_BYTES_MAX:
                break
            body = cursor.at
            distance = cursor.number(4)
            if distance:
                common = self._common(section.addr + body - distance)
                found[cursor.pointer(common.pointers)] = section.addr + at
            at = body + length
        self._starts = array.array("q", sorted(found))
        self._entries = array.array("q", [found[start] for start in self._starts])

    def rule_at(self, address: int) -> CallerRule | None:
        """How to get to the caller of the instruction at an address; None where nothing says so."""
        found = self._rules.get(address, self)
        if isinstance(found, CallFrames):
            try:
                found = self._rule(address)
            except (BadDwarf, struct.error, OverflowError):
                found = None
            if len(self._rules) >= _ROWS_MAX:
                self._rules.clear()
            self._rules[address] = found
        return found

    def _rule(self, address: int) -> CallerRule | None:
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        head, base = self._entry(self._entries[index])
        distance = head.number(4)
        common = self._common(base - distance)
        first = head.pointer(common.pointers)
        size = head.pointer(common.pointers & 0x0F)
        if not first <= address < first + size:
            return None
        if common.has_data:
            head.at += head.uleb()
        row = self._executed(common, head.data[head.at :], first, address)
        if row.cfa is None:
            return None
        register, offset, operations = row.cfa
        return CallerRule(
            *(first, register, offset, operations, tuple(row.saved.values()), common.returns_to),
            is_last=common.returns_to in row.undefined,
            is_signal=common.is_signal,
        )

    def _entry(self, address: int) -> tuple[DwarfCursor, int]:
        """An entry behind its length, cut to it, and the address of what follows the length."""
        cursor = self._cursor(address, _HEAD_BYTES)
        length = cursor.number(4)
        if not 4 <= length <= _ENTRY_BYTES_MAX:
            raise BadDwarf
        cursor = self._cursor(address + 4, length) if length + 4 > len(cursor.data) else cursor
        start = cursor.at
        body = DwarfCursor(cursor.data[start : start + length], address + 4, self._image.word_size, self._order)
        if len(body.data) < length:
            raise BadDwarf
        return body, address + 4

    def _common(self, address: int) -> _Common:
        found = self._commons.get(address)
        if found is None:
            cursor, _ = self._entry(address)
            if cursor.number(4) != 0:
                raise BadDwarf
            found = self._commons[address] = _Common(cursor)
        return found

    def _executed(self, common: _Common, instructions: bytes, first: int, address: int) -> _RuleRow:
        """The row of an address: the instructions of both entries, up to it."""
        start = _RuleRow()
        self._execute(common, common.instructions, start, start, first, first)
        row = start.copy()
        self._execute(common, instructions, row, start, first, address)
        return row

    def _execute(
        self, common: _Common, code: bytes, row: _RuleRow, initial: _RuleRow, place: int, address: int
    ) -> None:
        cursor = DwarfCursor(code, 0, self._image.word_size, self._order)
        states: list[_RuleRow] = []
        for _ in range(_STEPS_MAX):
            if cursor.is_done:
                return
            byte = cursor.byte()
            high, low = byte >> 6, byte & 0x3F
            if high == 1:  # DW_CFA_advance_loc
                place += low * common.code_step
            elif high == 2:  # DW_CFA_offset
                row.save(low, SavedBy.OFFSET, cursor.uleb() * common.data_step)
            elif high == 3:  # DW_CFA_restore
                _restore(row, initial, low)
            elif byte in (0x02, 0x03, 0x04):  # DW_CFA_advance_loc1, 2, 4
                place += cursor.number(1 << (byte - 2)) * common.code_step
            elif byte == 0x01:  # DW_CFA_set_loc
                place = cursor.pointer(common.pointers)
            elif byte == 0x0A:  # DW_CFA_remember_state
                if len(states) >= _STATES_MAX:
                    raise BadDwarf
                states.append(row.copy())
            elif byte == 0x0B:  # DW_CFA_restore_state
                if not states:
                    raise BadDwarf
                before = states.pop()
                row.cfa, row.saved, row.undefined = before.cfa, before.saved, before.undefined
            else:
                _change(row, initial, byte, cursor, common.data_step)
            if place > address:
                return
        raise BadDwarf


def _restore(row: _RuleRow, initial: _RuleRow, register: int) -> None:
    row.forget(register, undefined=register in initial.undefined)
    if register in initial.saved:
        row.saved[register] = initial.saved[register]


def _change(row: _RuleRow, initial: _RuleRow, code: int, cursor: DwarfCursor, step: int) -> None:
    """The instructions that change a row and take operands (DWARF 5, table 7.29)."""
    if code == 0x00:  # DW_CFA_nop
        return
    if code in (0x0C, 0x12):  # DW_CFA_def_cfa, _sf
        register = cursor.uleb()
        row.cfa = (register, cursor.uleb() if code == 0x0C else cursor.sleb() * step, ())
    elif code == 0x0D:  # DW_CFA_def_cfa_register
        row.cfa = (cursor.uleb(), _offset(row), ())
    elif code in (0x0E, 0x13):  # DW_CFA_def_cfa_offset, _sf
        _offset(row)
        assert row.cfa is not None
        row.cfa = (row.cfa[0], cursor.uleb() if code == 0x0E else cursor.sleb() * step, ())
    elif code == 0x0F:  # DW_CFA_def_cfa_expression
        row.cfa = (0, 0, _operations(cursor))
    elif code in (0x05, 0x11, 0x14, 0x15, 0x2F):  # DW_CFA_offset_extended, _sf, val_offset, _sf, GNU_negative_offset
        register = cursor.uleb()
        value = (cursor.sleb() if code in (0x11, 0x15) else cursor.uleb()) * step
        row.save(register, SavedBy.VALUE if code in (0x14, 0x15) else SavedBy.OFFSET, -value if code == 0x2F else value)
    elif code in (0x10, 0x16):  # DW_CFA_expression, val_expression
        register = cursor.uleb()
        how = SavedBy.EXPRESSION if code == 0x10 else SavedBy.VALUE_EXPRESSION
        row.save(register, how, 0, _operations(cursor))
    elif code == 0x09:  # DW_CFA_register
        register = cursor.uleb()
        row.save(register, SavedBy.REGISTER, cursor.uleb())
    elif code in (0x07, 0x08):  # DW_CFA_undefined, same_value
        row.forget(cursor.uleb(), undefined=code == 0x07)
    elif code == 0x06:  # DW_CFA_restore_extended
        _restore(row, initial, cursor.uleb())
    elif code == 0x2E:  # DW_CFA_GNU_args_size
        cursor.uleb()
    else:
        raise BadDwarf


def _offset(row: _RuleRow) -> int:
    """The offset of the frame address, which must be a register and an offset to be changed in part."""
    if row.cfa is None or row.cfa[2]:
        raise BadDwarf
    return row.cfa[1]


_OPERANDS = {0x08: 1, 0x0A: 2, 0x0C: 4, 0x0E: 8}
"""Bytes of DW_OP_const1u, 2u, 4u, 8u; the signed ones are one opcode higher."""


def _operations(cursor: DwarfCursor) -> tuple[Operation, ...]:
    """A DWARF expression, taken apart; operations that take no operands here and none are told apart in ``analyse``."""
    inner = DwarfCursor(cursor.block(), 0, cursor.word, cursor.order)
    found: list[Operation] = []
    while not inner.is_done:
        if len(found) >= _OPERATIONS_MAX:
            raise BadDwarf
        code = inner.byte()
        if code & ~1 in _OPERANDS:
            found.append(Operation(code, (inner.number(_OPERANDS[code & ~1], signed=bool(code & 1)),)))
        elif code == 0x03:  # DW_OP_addr
            found.append(Operation(code, (inner.number(inner.word),)))
        elif code in (0x10, 0x23):  # DW_OP_constu, plus_uconst
            found.append(Operation(code, (inner.uleb(),)))
        elif code == 0x11 or 0x70 <= code <= 0x8F:  # DW_OP_consts, breg0 to breg31
            found.append(Operation(code, (inner.sleb(),)))
        elif code == 0x92:  # DW_OP_bregx
            found.append(Operation(code, (inner.uleb(), inner.sleb())))
        else:
            found.append(Operation(code))
    return tuple(found)
