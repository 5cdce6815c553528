"""The page of ``procmem simulate``: the predicted map, each line with its rule, and the picture of it."""

from collections.abc import Sequence

from procmem.model.kernel_areas import KernelArea
from procmem.model.simulation import Exactness, Prediction, SimVma
from procmem.render.columns import column
from procmem.render.escaping import printable, printable_text
from procmem.render.human import human_size
from procmem.render.json.simulate import simulate_json
from procmem.render.page import Block, Column, Facts, Page, Picture, Prose, Sheet
from procmem.render.simulated_drawing import bands, picture
from procmem.text.failures import failure_text
from procmem.text.pages.simulate import HEADINGS, base, told
from procmem.text.simulate import area_text, note_text, origin_text, rule_text

__all__ = ["range_lines", "simulate_page"]

_MARKS = {Exactness.EXACT: "", Exactness.RANGE: "~", Exactness.SHAPE: "?"}
_KIB = 1024
_LAST = (1 << 32) - 1


def simulate_page(
    prediction: Prediction,
    areas: Sequence[KernelArea],
    *,
    step: str = "",
    scale: str | None = None,
    picture_only: bool = False,
) -> Page:
    """The map at one moment: after ``step`` of a script; with the picture in a scale, where one is given."""
    return Page(
        sections=_sections(prediction, areas, step, scale, picture_only=picture_only),
        table=lambda: _sheet(prediction.vmas),
        document=lambda: simulate_json(prediction, areas),
        remarks=[*_failure(prediction), *map(note_text, prediction.notes)],
    )


def _sections(
    prediction: Prediction, areas: Sequence[KernelArea], step: str, scale: str | None, *, picture_only: bool
) -> list[Sequence[Block]]:
    head: list[Block] = [Prose(f"== {printable_text(step)}", "", "   ")] if step else []
    if prediction.failure is not None:
        return [[*head, *map(Prose, _failure(prediction))]]
    drawn: list[Block] = [_picture(prediction, scale)] if scale is not None and prediction.space else []
    pictures: list[Sequence[Block]] = [[*head, *drawn], *_kernel(areas)] if drawn else []
    if drawn and picture_only:
        return pictures
    blocks: list[Block] = [Prose(told("at stage", stage=prediction.stage.value)), _shown(prediction.vmas)]
    total = sum(vma.size for vma in prediction.vmas)
    lines = [told("total", kib=total // _KIB, count=len(prediction.vmas))]
    space = prediction.space
    if space is not None:
        lines.append(told("esp", esp=space.start_stack, heap=space.start_brk))
    if any(vma.status is not Exactness.EXACT for vma in prediction.vmas):
        lines.append(told("marks"))
    lines += range_lines(prediction)
    lines.append(told("facts", origin=printable_text(origin_text(prediction.settings.facts.origin))))
    lines += [told("note", text=printable_text(note_text(note))) for note in prediction.notes]
    blocks += [Prose(line, " ", "   ") for line in lines]
    return [*pictures, blocks] if drawn else [[*head, *blocks]]


def _failure(prediction: Prediction) -> list[str]:
    """Why there is no process; nothing where there is one."""
    failure = prediction.failure
    return [] if failure is None else [told("no process", reason=failure_text(failure))]


def _kernel(areas: Sequence[KernelArea]) -> list[Sequence[Block]]:
    """The kernel's gigabyte, from high to low; nothing where it was not asked for."""
    rows = [
        (
            f"{area.start:08x}-{min(area.end, _LAST):08x}  {human_size(area.end - area.start):>9}",
            f"{area.name}: {area_text(area.rule)}",
        )
        for area in reversed(areas)
    ]
    return [[Prose(told("native")), Facts(rows)]] if rows else []


def _picture(prediction: Prediction, scale: str | None) -> Picture:
    space = prediction.space
    assert space is not None
    shown = bands(space, prediction.vmas, prediction.program)
    return Picture(lambda unicode: picture(shown, scale=scale or "plain", unicode=unicode))


def range_lines(prediction: Prediction) -> list[str]:
    """Where each base may lie."""
    return [
        told("places", base=base(one.base.value), first=one.first, last=one.last, step=one.step, count=one.values)
        for one in prediction.ranges
    ]


def _shown(vmas: Sequence[SimVma]) -> Sheet:
    """Lines in the form of maps, each with the rule behind it."""
    columns = (
        Column("", "text", "status"),
        column(HEADINGS, "range", "text", least=17),
        column(HEADINGS, "size", "size"),
        column(HEADINGS, "perms", "text"),
        column(HEADINGS, "offset", "text", rank=1),
        column(HEADINGS, "area", "class"),
        column(HEADINGS, "name", "path", least=18),
        column(HEADINGS, "rule", "text", below=True),
    )
    rows = [
        (
            _MARKS[vma.status],
            f"{vma.start:08x}-{vma.end:08x}",
            f"{vma.size // _KIB}K",
            vma.perms,
            f"{vma.offset:08x}",
            vma.role.value,
            printable(vma.name) or "[anon]",
            printable_text(rule_text(vma.rule)),
        )
        for vma in vmas
    ]
    return Sheet(columns, rows)


def _sheet(vmas: Sequence[SimVma]) -> Sheet:
    """The same for programs."""
    columns = (
        column(HEADINGS, "start", "address"),
        column(HEADINGS, "end", "address"),
        column(HEADINGS, "size", "size"),
        column(HEADINGS, "perms", "text"),
        column(HEADINGS, "offset", "address"),
        column(HEADINGS, "class", "class"),
        column(HEADINGS, "base", "text"),
        column(HEADINGS, "status", "text"),
        column(HEADINGS, "name", "path"),
        column(HEADINGS, "rule", "text"),
    )
    rows = [
        (
            vma.start,
            vma.end,
            vma.size,
            vma.perms,
            vma.offset,
            vma.role.value,
            vma.base.value,
            vma.status.value,
            printable(vma.name),
            printable_text(rule_text(vma.rule)),
        )
        for vma in vmas
    ]
    return Sheet(columns, rows)
