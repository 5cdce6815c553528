"""Sums of figures of which one is unknown are unknown, wherever a report adds memory and swap."""

import pytest

from procmem.analyse.diff import Condition, Look, diff_report
from procmem.analyse.watch import rollup_figures, status_figures
from procmem.errors import AccessRefused
from procmem.model.proc_keys import SmapsKey, StatusKey
from procmem.model.reports.diff import Figures, held_growth
from procmem.queries.examine import examine
from procmem.queries.targets import one_target
from tests.support.running import FIXTURES


def test_what_is_held_is_unknown_without_swap() -> None:
    """RSS alone would be told as memory and swap together."""
    known, unknown = Figures(8, 4, 4, 2, 1), Figures(8, 4, 4, None, 1)
    assert (known.held, unknown.held) == (6, None)
    assert held_growth(known, unknown) is None
    assert held_growth(None, known) == 6
    assert held_growth(known, None) == -6


def test_a_condition_that_cannot_be_judged_is_refused() -> None:
    """A build must not pass because nobody could say whether memory grew."""
    with one_target(str(FIXTURES / "x86_64-6.18-sleep")).open() as target:
        seen = examine(target, keys=("Rss", "Pss", "Private_Clean", "Private_Dirty"))
    assert seen.regions is not None
    assert set(seen.regions.swap) == {None}
    look = Look("sleep", seen.snapshot, seen.regions)
    assert diff_report(look, look, threshold=1).is_same
    with pytest.raises(AccessRefused):
        diff_report(look, look, threshold=1, conditions=[Condition("total>1M", "total", 1 << 20, None)])


def test_figures_of_a_watch_stay_unknown_where_a_file_does_not_tell_them() -> None:
    """No key becomes 0; USS is unknown where one of its parts is."""
    assert status_figures({StatusKey.VM_RSS: 4096})["RES"] == 4096
    assert status_figures({})["swap"] is None
    assert rollup_figures({SmapsKey.PRIVATE_CLEAN: 4096}) == {"PSS": None, "USS": None}
