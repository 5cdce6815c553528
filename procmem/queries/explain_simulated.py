"""A simulated process by the reports of real ones: classified, pictured, explained."""

from __future__ import annotations

from procmem.analyse.explain import explanation
from procmem.analyse.inspection import inspection
from procmem.classify.classifier import layout, regions
from procmem.errors import BadInput
from procmem.model.raw import PageRuns
from procmem.queries.laws import layout_in_short
from procmem.simulate.programs.snapshot import snapshot_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.program_files import ProgramFiles
    from procmem.model.reports.explanation import Explanation
    from procmem.model.simulation import Prediction

__all__ = ["explain_simulated"]


def explain_simulated(prediction: Prediction, files: ProgramFiles, *, drawn: bool = False) -> Explanation:
    """The simulated process as ``explain`` would show it; its ``inspection`` is what ``inspect`` would show.

    ``drawn`` asks for the picture of its address space as well.

    Raises:
        BadInput: there is no process at this stage.
    """
    made = snapshot_of(prediction, files)
    if made is None:
        raise BadInput("no-process-at-stage", stage=prediction.stage.value, failure=prediction.failure)
    shot, objects = made
    named = regions(shot, layout(shot, objects).judged(), PageRuns())
    report = inspection(shot, named, layout=layout_in_short(shot, objects), drawn=drawn)
    return explanation(shot, named, report)
