"""The question of ``procmem watch``: the cheapest file that answers, read again and again from one open process.

``status`` costs some 20 microseconds and takes no lock of the target's. smaps_rollup and smaps walk its pages, and its
mmap() waits meanwhile: they are read only when asked for, and at most for one hundredth of the time.
"""

from __future__ import annotations

import time
from collections import deque

from procmem.analyse.watch import class_figures, rollup_figures, status_figures, trends
from procmem.errors import AccessRefused, ProcessGone, ProcmemError
from procmem.model.proc_keys import StatusKey
from procmem.model.raw import Refusal
from procmem.model.reports.watch import Sample, Watched
from procmem.parse.smaps import parse_rollup
from procmem.parse.status import parse_status
from procmem.queries.clear_refs import need_done
from procmem.queries.read import live_thread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import Target

__all__ = ["READING_SHARE", "SAMPLES_KEPT", "Watch"]

READING_SHARE = 0.01
"""At most this part of the time goes into reading a process."""
SAMPLES_KEPT = 60


class Watch:
    """One process that is being watched; it holds the process open, so that a reused pid is never taken for it.

    With ``reset_peak`` its peak begins anew, and is told at every look.

    Raises:
        ProcessGone, AccessRefused: its peak cannot be reset.
    """

    def __init__(self, target: Target, *, began: float, depth: str = "status", reset_peak: bool = False) -> None:
        self._target = target
        self._tells_peak = reset_peak
        self._began = began
        self._opened = time.monotonic()
        self._depth = depth
        self._samples: deque[Sample] = deque(maxlen=SAMPLES_KEPT)
        self._first: Sample | None = None
        self._spent = 0.0
        self.pid = target.pid or 0
        self._through = ""
        """The folder of a thread that lives, where the leader has ended: its own files tell of no memory then."""
        self.cost = 0.0
        """Seconds that the last look took."""
        if reset_peak:
            try:
                need_done(target.reset_peak(), target.pid)
            except ProcmemError:
                self.close()
                raise

    def look(self) -> Watched:
        """Read it once more.

        Raises:
            ProcessGone: it has ended.
        """
        before = time.monotonic()
        content = self._target.read(f"{self._through}status")
        status = parse_status(content) if isinstance(content, bytes) and content else None
        if (status is None or StatusKey.VM_SIZE not in status.sizes) and (thread := live_thread(self._target)):
            # the leader has ended, or the thread that was read for it has; others live
            self._through = f"task/{thread}/"
            content = self._target.read(f"{self._through}status")
            status = parse_status(content) if isinstance(content, bytes) and content else None
        if isinstance(content, Refusal) and content not in (Refusal.GONE, Refusal.ABSENT):
            raise AccessRefused(self.pid, "cannot-read", refusal=content)
        if status is None or StatusKey.VM_SIZE not in status.sizes:
            raise ProcessGone(self.pid, "ended" if self._first else "no-memory-or-ended")
        figures = status_figures(status.sizes, peak=self._tells_peak)
        if self._depth == "pss":
            figures |= self._rollup()
        elif self._depth == "classes":
            figures |= self._classes()
        after = time.monotonic()
        self.cost = after - before
        self._spent += self.cost
        sample = Sample(before - self._began, figures)
        self._first = self._first or sample
        self._samples.append(sample)
        name = status.fields.get(StatusKey.NAME, "?").encode("utf-8", "surrogateescape")
        # of the time until this look began: this look's own cost is paid for by the pause that follows it
        share = 0.0 if self._first is sample else (self._spent - self.cost) / (before - self._opened)
        return Watched(self.pid, name, sample.at, share, trends(tuple(self._samples), self._first), self.cost)

    def close(self) -> None:
        """Let the process go."""
        self._target.__exit__(None, None, None)

    def _rollup(self) -> dict[str, int | None]:
        content = self._target.read(f"{self._through}smaps_rollup")
        rolled = parse_rollup(content) if isinstance(content, bytes) and content else {}
        return rollup_figures(rolled)

    def _classes(self) -> dict[str, int | None]:
        """What each class holds in memory and swap together."""
        from procmem.analyse.inspection import class_rows  # noqa: PLC0415  # only with --classes
        from procmem.queries.examine import examine, need_mappings  # noqa: PLC0415  # the same

        seen = examine(self._target)
        need_mappings(seen)
        return class_figures(() if seen.regions is None else class_rows(seen.regions))
