"""The page of ``procmem doctor``: one line a check, what helps behind those that are not fine."""

from collections.abc import Sequence

from procmem.model.reports.doctor import AbilityCheck
from procmem.render.columns import column
from procmem.render.json.doctor import doctor_json
from procmem.render.page import READABLE, Page, Prose, Sheet
from procmem.render.width import cells
from procmem.text import gettext
from procmem.text.pages.doctor import ABILITIES, CHECKS, HEADINGS, cure_text, found_text, line_text, with_cure

__all__ = ["doctor_page"]

_LABEL = 9


def doctor_page(checks: Sequence[AbilityCheck]) -> Page:
    """All checks in their order."""
    lines = [Prose(_line(one), _label(one), " " * _LABEL, measure=READABLE) for one in checks]
    return Page([lines], lambda: _sheet(checks), lambda: doctor_json(checks))


def _label(one: AbilityCheck) -> str:
    word = gettext(ABILITIES[one.ability])
    return word + " " * max(_LABEL - cells(word), 1)


def _line(one: AbilityCheck) -> str:
    line = line_text(one.name, one.found)
    cure = cure_text(one.name, one.found) if one.ability.is_short else ""
    return with_cure(line, cure) if cure else line


def _sheet(checks: Sequence[AbilityCheck]) -> Sheet:
    columns = [column(HEADINGS, key, "text") for key in ("check", "ability", "about", "found", "cure")]
    rows = [
        (
            one.name,
            one.ability.value,
            gettext(CHECKS[one.name]),
            found_text(one.found),
            cure_text(one.name, one.found) if one.ability.is_short else "",
        )
        for one in checks
    ]
    return Sheet(tuple(columns), rows)
