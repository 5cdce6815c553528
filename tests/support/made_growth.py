"""Growth that nobody had: a process before and after, samples, and code, as a test says."""

from collections.abc import Iterable, Mapping

from procmem.analyse.code_map import CodeMap, CodeRange
from procmem.analyse.fault_samples import FaultSamples
from procmem.analyse.growth import FaultFigures, PageLook, grown
from procmem.model.code import CallerRule, ChainEnd, CodeChain, FunctionSymbol
from procmem.model.perf_records import FaultSample
from procmem.model.raw import PageRun, PageRuns, PageState
from procmem.model.reports.growth import CodeGrowth
from tests.support.made_processes import made, record
from tests.support.smaps_text import smaps

__all__ = ["CODE", "HEAP", "PAGE", "MadeCode", "Touch", "code_map", "grown_by", "look"]

PAGE = 4096
HEAP = 0x1000_0000
CODE = 0x40_0000
FUNCTIONS = {
    0x000: b"main",
    0x100: b"grow_list",
    0x200: b"grow_cache",
    0x300: b"malloc",
    0x400: b"<script>\x1b[2J;\xff",
}
"""Each has 0x100 bytes of code."""


class MadeCode:
    """The code of one file, whose functions have these names."""

    def __init__(self, functions: Mapping[int, bytes], size: int | None = 0x100) -> None:
        self._functions = functions
        self._size = size

    def link_address(self, offset: int) -> int | None:
        """Offsets are addresses."""
        return offset

    def rule_at(self, address: int) -> CallerRule | None:
        """Every function begins at a multiple of 0x100."""
        return CallerRule(address // 0x100 * 0x100, 7, 8, (), (), 16, is_last=False, is_signal=False)

    def function_before(self, address: int) -> FunctionSymbol | None:
        """By the table."""
        start = max((one for one in self._functions if one <= address), default=None)
        if start is None:
            return None
        return FunctionSymbol(start, None if self._size is None else start + self._size, self._functions[start])


def code_map(functions: Mapping[int, bytes] | None = None, size: int | None = 0x100) -> CodeMap:
    """One mapped program."""
    code = CodeMap()
    made_code = MadeCode(FUNCTIONS if functions is None else functions, size)
    code.add(CodeRange(CODE, CODE + 0x10_000, 0, b"/bin/grower", made_code))
    return code


class Touch:
    """One sampled fault: the page of the heap, the functions from the innermost outward, the thread."""

    def __init__(self, page: int, *functions: int, tid: int = 7) -> None:
        self.page = page
        self.chain = tuple(CODE + one + 0x10 for one in functions)
        self.tid = tid


def look(pages: Iterable[int], *, heap_pages: int = 1000, state: int = PageState.PRESENT) -> PageLook:
    """A process with a heap and a file, of whose heap these pages are in memory."""
    found = sorted(set(pages))
    shot, regions = made(
        {
            "smaps": smaps(
                [
                    record(CODE, CODE + 0x10_000, "r-xp", b"/bin/grower", Rss=64),
                    record(HEAP, HEAP + heap_pages * PAGE, "rw-p", b"[heap]", Rss=4 * len(found)),
                ]
            )
        }
    )
    assert regions is not None
    runs = PageRuns.merged(
        [
            PageRun(CODE, CODE + 0x10_000, PageState.PRESENT | PageState.FILE),
            *(PageRun(HEAP + one * PAGE, HEAP + (one + 1) * PAGE, state) for one in found),
        ]
    )
    return PageLook(shot, regions, runs)


def grown_by(
    before: PageLook,
    after: PageLook,
    touches: Iterable[Touch],
    *,
    faults: int | None = None,
    code: CodeMap | None = None,
) -> CodeGrowth:
    """The report on touches that were sampled in this order; each stands for the same number of faults."""
    samples = FaultSamples()
    touches = list(touches)
    for one in touches:
        chain = CodeChain(one.chain, len(one.chain), ChainEnd.COMPLETE)
        sample = FaultSample(1, one.tid, 0, 0, HEAP + one.page * PAGE, (), 0, (), b"")
        samples.add(sample, lambda _, chain=chain: chain)  # type: ignore[misc]  # the chain of this turn
    count = len(touches) if faults is None else faults
    samples.end_epoch(count)
    figures = FaultFigures(2.0, count, 0, max(count // max(len(touches), 1), 1), sees_kernel=True, cost=0.1)
    names = {7: b"leaker", 8: b"worker"}
    return grown(before, after, samples, code or code_map(), names, figures)
