"""The functions that a runtime has compiled while it ran, as it writes them down for perf (``/tmp/perf-PID.map``).

A line is ``START SIZE NAME``, numbers in hexadecimal. Code that was moved or thrown away leaves its lines, so that a
later line counts more than what it overlaps. Source: tools/perf/Documentation/jit-interface.txt; node
``--perf-basic-prof``, CPython 3.12 ``-X perf``, ``jcmd PID Compiler.perfmap``.
"""

from __future__ import annotations

import bisect

from procmem.model.code import AMD64, CallerRule, FunctionSymbol, SavedBy, SavedRegister

__all__ = ["PerfMap"]

_NAME_BYTES_MAX = 512
_LINES_MAX = 200_000
_PYTHON = b"py::"
_TRAMPOLINE_SIZES = (0x0B, 0x0F)
_RETURN = AMD64.instruction
_SAVED = (SavedRegister(_RETURN, SavedBy.OFFSET, -AMD64.word_size),)
_TRAMPOLINE = CallerRule(0, AMD64.stack, 16, (), _SAVED, _RETURN, is_last=False, is_signal=False)


class PerfMap:
    """Functions by address: an object without a file."""

    def __init__(self, text: bytes) -> None:
        found: dict[int, tuple[int, bytes]] = {}
        for line in text.split(b"\n", _LINES_MAX)[:_LINES_MAX]:
            words = line.split(b" ", 2)
            if len(words) < 3:
                continue
            try:
                start, size = int(words[0], 16), int(words[1], 16)
            except ValueError:
                continue
            if 0 < size < 1 << 40 and 0 <= start < 1 << 64:
                found.pop(start, None)
                found[start] = (start + size, words[2][:_NAME_BYTES_MAX])
        self._starts = sorted(found)
        self._rows = found

    def __len__(self) -> int:
        return len(self._starts)

    def link_address(self, offset: int) -> int | None:
        """None: it has no file."""
        del offset
        return None

    def rule_at(self, address: int) -> CallerRule | None:
        """How to get through CPython's trampoline, which is one call; of other code nothing is known.

        Source: CPython 3.12, Python/asm_trampoline.S for x86-64: sub $8,%rsp; call *%rcx; add $8,%rsp; ret, behind
        endbr64 where the processor's control-flow enforcement is used.
        """
        found = self.function_before(address)
        if found is None or found.end is None or address >= found.end or not found.name.startswith(_PYTHON):
            return None
        return _TRAMPOLINE._replace(start=found.start) if found.end - found.start in _TRAMPOLINE_SIZES else None

    def function_before(self, address: int) -> FunctionSymbol | None:
        """The last function that begins at or before an address."""
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        start = self._starts[index]
        end, name = self._rows[start]
        return FunctionSymbol(start, end, name)
