"""Which function an address of running code belongs to, and how to get from there to its caller.

Here belong the executable ranges of a process, and what is remembered of each address. What an object's file says is
asked of :class:`CodeObject`; its files are opened by the query.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from typing import Protocol

from procmem.model.code import CallerRule, CodeFunction, FunctionSymbol
from procmem.model.named_tuple import NamedTuple
from procmem.model.vma_names import without_deleted

__all__ = ["CodeMap", "CodeObject", "CodeRange"]

_REMEMBERED_MAX = 200_000
_NEAR = 1 << 20
"""A symbol that lies further away says nothing."""


class CodeObject(Protocol):
    """What is known of the code of one file, by link-time addresses."""

    def link_address(self, offset: int) -> int | None:
        """The address of what stands at an offset in the file; None where no code does."""
        ...

    def rule_at(self, address: int) -> CallerRule | None:
        """How to get to the caller of an instruction; None where nothing says so."""
        ...

    def function_before(self, address: int) -> FunctionSymbol | None:
        """The last named function that begins at or before an address."""
        ...


class CodeRange(NamedTuple):
    """An executable mapping: addresses, the offset in its file, its name, and what is known of the file."""

    start: int
    end: int
    offset: int
    name: bytes
    code: CodeObject | None


class CodeMap:
    """The executable mappings of one process; a later one takes the place of what it overlaps.

    ``readable`` makes the name that people write of a symbol.
    """

    def __init__(self, readable: Callable[[bytes], bytes] = bytes) -> None:
        self._readable = readable
        self._compiled: CodeObject | None = None
        self._starts: list[int] = []
        self._ranges: list[CodeRange] = []
        self._rules: dict[int, CallerRule | None] = {}
        self._functions: dict[int, CodeFunction] = {}

    def add(self, new: CodeRange) -> None:
        """Take a mapping in."""
        kept: list[CodeRange] = []
        for one in self._ranges:
            if one.end <= new.start or one.start >= new.end:
                kept.append(one)
                continue
            if one.start < new.start:
                kept.append(one._replace(end=new.start))
            if one.end > new.end:
                kept.append(one._replace(start=new.end, offset=one.offset + new.end - one.start))
        self._ranges = sorted([*kept, new], key=lambda one: one.start)
        self._starts = [one.start for one in self._ranges]
        self._rules.clear()
        self._functions.clear()

    def compiled_by(self, functions: CodeObject) -> None:
        """Functions that a runtime has compiled into memory, by the addresses where they run."""
        self._compiled = functions
        self._functions.clear()
        self._rules.clear()

    @property
    def has_compiled(self) -> bool:
        """Whether some code has no file: a runtime has made it."""
        return any(one.code is None for one in self._ranges)

    def range_at(self, address: int) -> CodeRange | None:
        """The mapping that an address lies in."""
        index = bisect.bisect_right(self._starts, address) - 1
        return self._ranges[index] if index >= 0 and address < self._ranges[index].end else None

    def is_code(self, address: int) -> bool:
        """Whether an address lies in an executable mapping."""
        return self.range_at(address) is not None

    def rule_at(self, address: int) -> CallerRule | None:
        """How to get to the caller."""
        if address not in self._rules:
            if len(self._rules) >= _REMEMBERED_MAX:
                self._rules.clear()
            found = self.range_at(address)
            linked = _linked(found, address)
            rule = None
            if found is not None and found.code is not None and linked is not None:
                rule = found.code.rule_at(linked)
            elif found is not None and found.code is None and self._compiled is not None:
                rule = self._compiled.rule_at(address)
            self._rules[address] = rule
        return self._rules[address]

    def function_at(self, address: int) -> CodeFunction:
        """The function; where it has no name, its object, and where it begins if that is known."""
        if address not in self._functions:
            if len(self._functions) >= _REMEMBERED_MAX:
                self._functions.clear()
            self._functions[address] = self._function(address)
        return self._functions[address]

    def _function(self, address: int) -> CodeFunction:
        found = self.range_at(address)
        if found is None:
            return CodeFunction(None, None, address)
        name = without_deleted(found.name)
        linked = _linked(found, address)
        if found.code is None or linked is None:
            symbol = None if self._compiled is None else self._compiled.function_before(address)
            if symbol is not None and symbol.end is not None and address < symbol.end:
                return self._named(name, symbol, symbol.start)
            return CodeFunction(name, None, address - found.start + found.offset)
        rule, symbol = self.rule_at(address), found.code.function_before(linked)
        start = linked if rule is None else rule.start
        if symbol is None:
            return CodeFunction(name, None, start)
        if (symbol.end is not None and linked < symbol.end) or (rule is not None and rule.start == symbol.start):
            return self._named(name, symbol, symbol.start)
        if linked - symbol.start > _NEAR:
            return CodeFunction(name, None, start)
        return self._named(name, symbol, start)._replace(is_nearest=True)

    def _named(self, file: bytes, symbol: FunctionSymbol, start: int) -> CodeFunction:
        return CodeFunction(file, self._readable(symbol.name), start, symbol=symbol.name)


def _linked(found: CodeRange | None, address: int) -> int | None:
    if found is None or found.code is None:
        return None
    return found.code.link_address(address - found.start + found.offset)
