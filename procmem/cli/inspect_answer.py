"""What ``procmem inspect`` answers, once its command line is understood."""

from typing import TYPE_CHECKING, NamedTuple

from procmem.analyse.inspection import classic_class, inspection
from procmem.cli.multi_target import for_each
from procmem.cli.output import echo, echo_json, size_format, unicode_output
from procmem.model.region import ByteClass
from procmem.queries.examine import REGION_KEYS, examine
from procmem.queries.laws import layout_in_short
from procmem.render.pages.inspect import RegionChoice, class_sheet, inspect_json, inspect_page, region_sheet

if TYPE_CHECKING:
    from procmem.queries.targets import Selection, TargetRef
    from procmem.model.reports.inspection import Inspection

__all__ = ["SORTS", "Wish", "answer", "classes_of"]

SORTS = ("virt", "rss", "pss", "uss", "swap", "address")
_CLASSIC = ("text", "data", "bss", "heap", "mmap", "stack")


class Wish(NamedTuple):
    """What is wanted of the answer: what a command line with pids alone wants, unless it says more."""

    regions: bool = False
    classic: bool = False
    classes: tuple[str, ...] = ()
    min_size: int = 0
    sort: str | None = None
    deep: bool = False
    picture: bool = False
    unit: str | None = None
    form: str | None = None

    @property
    def choice(self) -> RegionChoice | None:
        """Which regions to list; None for none."""
        if not (self.regions or self.classes or self.min_size):
            return None
        return RegionChoice(self.classes, self.min_size, self.sort, classic_class if self.classic else None)


def classes_of(*, classic: bool) -> tuple[str, ...]:
    """The names that regions can be listed by."""
    return _CLASSIC if classic else tuple(cls.value for cls in ByteClass)


def answer(targets: "Selection", wish: Wish) -> int:
    """Read, and print, what was wished; the exit status."""
    choice = wish.choice

    def look(ref: "TargetRef") -> "Inspection":
        with ref.open() as target:
            keys = None if wish.form == "json" and choice is not None else REGION_KEYS
            seen = examine(target, keys=keys, deep=wish.deep)
        layout = layout_in_short(seen.snapshot, seen.objects)
        return inspection(
            seen.snapshot, seen.regions, classic=wish.classic, peek_problem=seen.peek_problem, layout=layout
        )

    reports, status = for_each(targets.refs(), look)
    if wish.picture and wish.form is None:
        from procmem.render.drawing import draw  # noqa: PLC0415  # is loaded by now

        echo("\n".join(draw(report.picture, bits=report.process.bits, unicode=unicode_output()) for report in reports))
    elif wish.form == "json":
        documents = [inspect_json(report, choice) for report in reports]
        echo_json(documents, several=targets.are_several(len(documents)))
    else:
        echo("\n".join(_written(report, wish, choice) for report in reports))
    return status


def _written(report: "Inspection", wish: Wish, choice: RegionChoice | None) -> str:
    from procmem.render.sheet import to_csv, to_markdown  # noqa: PLC0415

    size, heading = size_format(wish.unit)
    if wish.form in ("csv", "markdown"):
        if choice is not None:
            sheet = region_sheet(report.regions, choice.rows(report.regions)) if report.regions else None
        else:
            sheet = class_sheet(report, wish.sort)
        if sheet is None:
            return ""
        return to_csv(sheet) if wish.form == "csv" else to_markdown(sheet, size)
    return inspect_page(report, size=size, unit=heading, choice=choice, sort=wish.sort, unicode=unicode_output())
