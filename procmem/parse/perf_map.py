"""The functions that a runtime has compiled while it ran, as it writes them down for perf (``/tmp/perf-PID.map``).

A line is ``START SIZE NAME``, numbers in hexadecimal. Code that was moved or thrown away leaves its lines, so that a
later line counts more than what it overlaps. Source: tools/perf/Documentation/jit-interface.txt; node
``--perf-basic-prof``, CPython 3.12 ``-X perf``, ``jcmd PID Compiler.perfmap``.
"""

from __future__ import annotations

import bisect

from procmem.model.code import CallerRule, FunctionSymbol

__all__ = ["PerfMap"]

_NAME_BYTES_MAX = 512
_LINES_MAX = 500_000


class PerfMap:
    """Functions by address: an object without a file, whose code keeps frame pointers or can't be unwound."""

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
        """None: it says nothing of callers."""
        del address
        return None

    def function_before(self, address: int) -> FunctionSymbol | None:
        """The last function that begins at or before an address."""
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0:
            return None
        start = self._starts[index]
        end, name = self._rows[start]
        return FunctionSymbol(start, end, name)
