"""The question of ``procmem explain``: each region and each block of them in words, and what deserves attention."""

from __future__ import annotations

from procmem.analyse.explain import explanation
from procmem.analyse.inspection import inspection
from procmem.parse.system import parse_number
from procmem.queries.examine import examine, need_mappings
from procmem.queries.laws import layout_in_short
from procmem.queries.page import page_facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import Target
    from procmem.model.reports.explanation import Explanation

__all__ = ["explain"]

_LIMIT = "sys/vm/max_map_count"


def explain(target: Target, *, deep: bool, address: int | None = None) -> Explanation:
    """Read a process, and explain its map; with ``address`` also what is known of the page there.

    Raises:
        ProcessGone, AccessRefused, MalformedFile: as :func:`procmem.queries.examine.examine`.
    """
    seen = examine(target, keys=None, system=("uptime", _LIMIT), deep=deep)
    if address is not None:
        need_mappings(seen)
    page = page_facts(target, seen.snapshot, address) if address is not None else None
    layout = layout_in_short(seen.snapshot, seen.objects)
    report = inspection(seen.snapshot, seen.regions, peek_problem=seen.peek_problem, layout=layout)
    content = seen.raw.system.get(_LIMIT)
    limit = parse_number(content) if isinstance(content, bytes) else None
    return explanation(seen.snapshot, seen.regions, report, max_map_count=limit, page=page)
