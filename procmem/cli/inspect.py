"""``procmem inspect``: what is in a process's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from procmem.cli.each import for_each
from procmem.cli.output import echo_json, size_format, unicode_output
from procmem.cli.sizes import size_of
from procmem.cli.targets import Selection, TargetRef, target_options
from procmem.model.region import ByteClass

if TYPE_CHECKING:
    from procmem.model.reports import Inspection
    from procmem.render.inspect_page import RegionChoice

__all__ = ["inspect"]

_CLASSIC = ("text", "data", "bss", "heap", "mmap", "stack")
_SORTS = ("virt", "rss", "pss", "uss", "swap", "address")
_EPILOG = """\b
Examples:
  procmem inspect 1234                      the page for a person
  procmem inspect 1234 --classic            the six areas of the textbook
  procmem inspect 1234 --regions --class heap --sort rss
  procmem inspect 1234 --json --regions     every byte range, for programs
  procmem inspect --from bug.tar.gz         a recording, as if it were here
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@target_options
@click.option("--regions", is_flag=True, help="List every byte range, with its class, kind and owner.")
@click.option("--classic", is_flag=True, help="Fold the classes to text, data, bss, heap, mmap and stack.")
@click.option(
    "--class", "classes", multiple=True, metavar="CLASS", help="List regions of this class only (repeatable)."
)
@click.option("--min-size", default="0", metavar="SIZE", help="List regions of at least this size (4096, 64K, 1M).")
@click.option("--sort", type=click.Choice(_SORTS), help="Sort tables by a column, largest first.")
@click.option(
    "--deep",
    is_flag=True,
    help="Also read a few words of the target's memory: malloc's headers, the C library's lists of threads; only"
    " pages that are in memory, never contents. Needs permission to trace the target.",
)
@click.option("--picture", is_flag=True, help="Only the picture of the address space.")
@click.option("--bytes", "unit", flag_value="bytes", help="Sizes in bytes.")
@click.option("--human", "unit", flag_value="human", help="Sizes with units, such as 1.5 MiB.")
@click.option("--json", "form", flag_value="json", help="Schema procmem/inspect/1; a list, for several targets.")
@click.option(
    "--csv", "form", flag_value="csv", help="The class table, or with --regions the regions, as CSV in bytes."
)
@click.option("--markdown", "form", flag_value="markdown", help="The same as a Markdown table.")
def inspect(
    targets: Selection,
    regions: bool,
    classic: bool,
    classes: tuple[str, ...],
    min_size: str,
    sort: str | None,
    picture: bool,
    unit: str | None,
    form: str | None,
    deep: bool,
) -> int:
    """Say what is in a process's memory.

    TARGET is a pid, 'self', /proc/PID, a recording, or '-' for pids on standard input.
    """
    known = _CLASSIC if classic else tuple(cls.value for cls in ByteClass)
    for name in classes:
        if name not in known:
            raise click.UsageError(f"--class {name!r}: it is one of {', '.join(known)}")
    listed = regions or bool(classes) or min_size != "0"
    least = size_of(min_size)

    def answer(ref: TargetRef) -> Inspection:
        with ref.open() as target:
            target.read_ahead()  # the kernel writes smaps while the rest of us is loaded
            from procmem.analyse.inspection import inspection  # noqa: PLC0415
            from procmem.pipeline import REGION_KEYS, examine  # noqa: PLC0415
            from procmem.pipeline_laws import layout_in_short  # noqa: PLC0415

            seen = examine(target, keys=None if form == "json" and listed else REGION_KEYS, deep=deep)
        layout = layout_in_short(seen.snapshot, seen.objects)
        return inspection(seen.snapshot, seen.regions, classic=classic, peek_problem=seen.peek_problem, layout=layout)

    reports, status = for_each(targets.refs(), answer)
    from procmem.analyse.inspection import classic_class  # noqa: PLC0415  # is loaded by now
    from procmem.render.inspect_page import RegionChoice, inspect_json  # noqa: PLC0415

    choice = RegionChoice(classes, least, sort, classic_class if classic else None) if listed else None
    if picture and form is None:
        from procmem.render.picture import draw  # noqa: PLC0415  # is loaded by now

        drawn = [draw(report.picture, bits=report.process.bits, unicode=unicode_output()) for report in reports]
        click.echo("\n".join(drawn), nl=False)
    elif form == "json":
        documents = [inspect_json(report, choice) for report in reports]
        echo_json(documents, several=targets.are_several(len(documents)))
    else:
        click.echo("\n".join(_written(report, choice, sort, unit, form) for report in reports), nl=False)
    return status


def _written(
    report: Inspection, choice: RegionChoice | None, sort: str | None, unit: str | None, form: str | None
) -> str:
    from procmem.render.inspect_page import class_sheet, inspect_page, region_sheet  # noqa: PLC0415
    from procmem.render.sheet import to_csv, to_markdown  # noqa: PLC0415

    size, heading = size_format(unit)
    if form in ("csv", "markdown"):
        if choice is not None:
            sheet = region_sheet(report.regions, choice.rows(report.regions)) if report.regions else None
        else:
            sheet = class_sheet(report, sort)
        if sheet is None:
            return ""
        return to_csv(sheet) if form == "csv" else to_markdown(sheet, size)
    return inspect_page(report, size=size, unit=heading, choice=choice, sort=sort, unicode=unicode_output())
