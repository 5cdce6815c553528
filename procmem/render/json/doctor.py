"""The document ``procmem/doctor/1``."""

from __future__ import annotations

from collections.abc import Sequence

from procmem.model.reports.doctor import AbilityCheck
from procmem.text import english, gettext
from procmem.text.pages.doctor import CHECKS, cure_text, found_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["doctor_json"]


@english()
def doctor_json(checks: Sequence[AbilityCheck]) -> dict[str, Any]:
    """What can be had, and what helps; names and abilities keep, sentences may change."""
    return {
        "schema": "procmem/doctor/1",
        "checks": [
            {
                "check": one.name,
                "ability": one.ability.value,
                "about": gettext(CHECKS[one.name]),
                "found": found_text(one.found),
                "cure": (cure_text(one.name, one.found) or None) if one.ability.is_short else None,
            }
            for one in checks
        ],
    }
