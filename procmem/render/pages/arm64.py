"""The page of ``procmem simulate --kernel-map arm64-...``: borders and areas of an address space, from high to low."""

from procmem.model.kernel_areas import Arm64Space
from procmem.render.columns import column
from procmem.render.human import human_size
from procmem.render.json.simulate import arm64_json
from procmem.render.page import Facts, Page, Prose, Sheet
from procmem.text.pages.simulate import HEADINGS, told
from procmem.text.simulate import area_text

__all__ = ["arm64_page"]


def arm64_page(space: Arm64Space) -> Page:
    """Every area with its size and what it is for; and how sure that is."""
    rows = [
        (
            f"{area.start:016x}-{area.end - 1:016x}  {human_size(area.end - area.start):>9}",
            f"{area.name}: {area_text(area.rule)}",
        )
        for area in reversed(space.areas)
    ]
    head = told("arm64", page=space.page_size, bits=space.bits, count=space.levels)
    return Page(
        sections=[[Prose(head), Facts(rows), Prose(told("likely"), " ", "   ")]],
        table=lambda: _sheet(space),
        document=lambda: arm64_json(space),
    )


def _sheet(space: Arm64Space) -> Sheet:
    columns = (
        column(HEADINGS, "start", "address"),
        column(HEADINGS, "end", "address"),
        column(HEADINGS, "area", "text"),
        column(HEADINGS, "rule", "text"),
    )
    return Sheet(columns, [(area.start, area.end, area.name, area_text(area.rule)) for area in space.areas])
