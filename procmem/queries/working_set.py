"""The question of ``procmem working-set``: which part of what is in memory does a process use?

The kernel is made to forget which pages were accessed, and is asked a while later which have been since. Beforehand is
looked whether the answer may be read: a process is not disturbed for nothing.
"""

from __future__ import annotations

import time

from procmem.analyse.working_set import working_set
from procmem.classify.apportion import shared_by_rss
from procmem.errors import Misuse, ProcessGone
from procmem.model.proc_keys import SmapsKey
from procmem.queries.clear_refs import need_done
from procmem.queries.examine import REGION_KEYS, examine, need_mappings
from procmem.queries.read import need_memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.reports.working_set import WorkingSet
    from procmem.queries.targets import TargetRef

__all__ = ["TouchedPages"]

_KEYS = REGION_KEYS | {
    SmapsKey.REFERENCED,
    SmapsKey.ANON_HUGE_PAGES,
    SmapsKey.SHMEM_PMD_MAPPED,
    SmapsKey.FILE_PMD_MAPPED,
}


class TouchedPages:
    """One process, held open from before its accessed bits are cleared until they are read.

    Raises:
        Misuse: it does not run: it is a recording, or a copied tree.
        ProcessGone, AccessRefused: as :func:`procmem.queries.read.need_memory`.
    """

    def __init__(self, reference: TargetRef) -> None:
        if not reference.source.is_live:
            raise Misuse("touches-nothing", name=reference.name)
        self.reference = reference
        self._target = reference.open()
        self._cleared = self._clearing = 0.0
        try:
            need_memory(self._target)
        except BaseException:
            self.close()
            raise

    def clear(self) -> None:
        """Clear the accessed bits.

        Raises:
            ProcessGone, AccessRefused: as :func:`procmem.queries.clear_refs.need_done`.
        """
        began = time.monotonic()
        need_done(self._target.clear_accessed(), self._target.pid)
        self._cleared = time.monotonic()
        self._clearing = self._cleared - began

    def report(self) -> WorkingSet:
        """Read which pages were accessed since.

        Raises:
            ProcessGone, AccessRefused, MalformedFile: as :func:`procmem.queries.examine.examine`.
        """
        began = time.monotonic()
        seen = examine(self._target, keys=_KEYS)
        need_mappings(seen, sizes=True)
        if seen.regions is None:
            raise ProcessGone(self._target.pid or 0, "ended")
        reading = time.monotonic() - began
        touched, about = shared_by_rss(seen.regions, SmapsKey.REFERENCED)
        return working_set(
            seen.snapshot,
            seen.regions,
            touched,
            about,
            seconds=began - self._cleared,
            clearing=self._clearing,
            reading=reading,
        )

    def close(self) -> None:
        """Let the process go."""
        self._target.__exit__(None, None, None)
