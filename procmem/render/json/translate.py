"""The document ``procmem/translate/1``: of the simulated machine, or of a real process."""

from __future__ import annotations

from procmem.model.reports.translation import Descriptor, Fault, RealTranslation, SwapPlace, Translation, WalkStep
from procmem.render.escaping import printable_text
from procmem.render.json.fields import address
from procmem.text import english
from procmem.text.simulate import trace_text
from procmem.text.translation import answer_text, bit_text, buffer_text, error_bit_text, reason_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SCHEMA", "real_json", "translation_json"]

SCHEMA = "procmem/translate/1"


def _step(step: WalkStep) -> dict[str, Any]:
    return {
        "level": step.level,
        "index": step.number,
        "entry_address": address(step.entry_address),
        "entry": address(step.entry),
        "bits": list(map(bit_text, step.bits)),
    }


def _segment(segment: Descriptor) -> dict[str, Any]:
    return {
        "register": segment.register,
        "selector": segment.selector,
        "index": segment.number,
        "rpl": segment.rpl,
        "descriptor": f"{segment.value:#018x}",
        "base": address(segment.base),
        "limit": segment.limit,
        "dpl": segment.dpl,
    }


def _swap(place: SwapPlace) -> dict[str, Any]:
    path = None if place.path is None else printable_text(place.path.decode("utf-8", "surrogateescape"))
    return {"area": place.area, "path": path, "slot": place.slot}


def _fault(fault: Fault) -> dict[str, Any]:
    return {"code": fault.code, "bits": list(map(error_bit_text, fault.bits)), "answer": answer_text(fault.answer)}


@english()
def translation_json(one: Translation) -> dict[str, Any]:
    """The simulated translation."""
    return {
        "schema": SCHEMA,
        "simulated": True,
        "address": address(one.address),
        "access": one.access,
        "user_mode": one.user_mode,
        "paging": one.paging,
        "segment": _segment(one.segment),
        "cr3": address(one.directory),
        "walk": [_step(step) for step in one.first],
        "fault": None if one.fault is None else _fault(one.fault),
        "walk_again": [_step(step) for step in one.second],
        "physical": address(one.physical),
        "tlb": list(map(buffer_text, one.tlb)),
        "decisions": list(map(trace_text, one.notes)),
    }


@english()
def real_json(one: RealTranslation) -> dict[str, Any]:
    """The real translation."""
    return {
        "schema": SCHEMA,
        "simulated": False,
        "pid": one.pid,
        "address": address(one.address),
        "area": None if one.area is None else printable_text(one.area),
        "levels": one.levels,
        "walk": [{"level": step.level, "index": step.number} for step in one.steps],
        "offset": one.offset,
        "pagemap": None if one.pagemap is None else f"{one.pagemap:#018x}",
        "pagemap_bits": list(one.pagemap_bits),
        "frame": one.frame,
        "physical": address(one.physical),
        "huge_page": one.huge,
        "swap": None if one.swap is None else _swap(one.swap),
        "flags": None if one.flags is None else list(one.flags),
        "mapped": one.maps,
        "reasons": [reason_text(reason) for reason in one.reasons],
    }
