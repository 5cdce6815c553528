"""``procmem explain``: the annotated map, its findings, and the glossary."""

import os
import shutil
import sys

import click

from procmem.analyse.explain import explanation
from procmem.analyse.inspection import inspection
from procmem.cli.multi_target import for_each
from procmem.cli.output import echo_json, messages_locale
from procmem.cli.targets import target_options
from procmem.errors import BadInput
from procmem.model.kinds import ByteClass
from procmem.model.reports.explanation import Explanation, Phrasebook
from procmem.queries.examine import examine
from procmem.queries.laws import layout_in_short
from procmem.queries.page import page_facts
from procmem.queries.targets import Selection, TargetRef
from procmem.render.pages.explain import ExplainStyle, explain_json, explain_page, findings_text, glossary_text
from procmem.text import language_of_locale
from procmem.text.phrasebook import phrasebook

__all__ = ["explain"]

_EPILOG = """\b
Examples:
  procmem explain 1234                      the map, each block explained
  procmem explain 1234 --brief --class heap
  procmem explain 1234 --address 0x7ffd1000 one region, and its page
  procmem explain 1234 --findings           only what deserves attention
  procmem explain --glossary PSS            what a word means
"""
_MANY_COLUMNS = 400


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@target_options
@click.option("--flat", is_flag=True, help="Explain each region alone, without grouping.")
@click.option("--descending", is_flag=True, help="High addresses first, as the theory draws it.")
@click.option("--why", is_flag=True, help="Add the evidence in full, and the place in the classic layout.")
@click.option("--brief", is_flag=True, help="One sentence each.")
@click.option("--class", "classes", multiple=True, metavar="CLASS", help="Only regions of this class (repeatable).")
@click.option("--address", metavar="ADDR", help="Only the region that holds an address (hexadecimal), and its page.")
@click.option("--findings", "findings_only", is_flag=True, help="Only what deserves attention.")
@click.option("--glossary", is_flag=True, help="Explain words instead; TARGET is then a term, or nothing for all.")
@click.option("--deep", is_flag=True, help="Also read a few words of the target's memory; see inspect --help.")
@click.option("--lang", metavar="LANG", help="Language of the words: en or zh; from LANG when not given.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colour by class.")
@click.option("--width", type=click.IntRange(min=40, max=_MANY_COLUMNS), help="Columns; the terminal's when not given.")
@click.option("--pager/--no-pager", default=True, help="Page long output on a terminal (on).")
@click.option("--json", "as_json", is_flag=True, help="Schema procmem/explain/1; a list, for several targets.")
def explain(
    targets: Selection,
    flat: bool,
    descending: bool,
    why: bool,
    brief: bool,
    classes: tuple[str, ...],
    address: str | None,
    findings_only: bool,
    glossary: bool,
    deep: bool,
    lang: str | None,
    color: str,
    width: int | None,
    pager: bool,
    as_json: bool,
) -> int:
    """Explain the memory map of a process, line by line, in plain words."""
    words = phrasebook(lang or language_of_locale(messages_locale()))
    columns = width or shutil.get_terminal_size((80, 24)).columns
    if glossary:
        return _glossary(targets.words, columns, words)
    for name in classes:
        if name not in tuple(ByteClass):
            raise click.UsageError(f"--class {name!r}: it is one of {', '.join(ByteClass)}")
    wanted = _address(address)

    def answer(ref: TargetRef) -> Explanation:
        with ref.open() as target:
            seen = examine(target, keys=None, system=("uptime", "sys/vm/max_map_count"), deep=deep)
            page = page_facts(target, seen.snapshot, wanted) if wanted is not None else None
        layout = layout_in_short(seen.snapshot, seen.objects)
        report = inspection(seen.snapshot, seen.regions, peek_problem=seen.peek_problem, layout=layout)
        limit = seen.raw.system.get("sys/vm/max_map_count")
        count = int(limit) if isinstance(limit, bytes) and limit.strip().isdigit() else None
        return explanation(seen.snapshot, seen.regions, report, words, max_map_count=count, page=page)

    reports, status = for_each(targets.refs(), answer)
    if as_json:
        documents = [explain_json(report, findings_only=findings_only) for report in reports]
        echo_json(documents, several=targets.are_several(len(documents)))
        return status
    style = ExplainStyle(columns, _colored(color), flat, descending, why, brief, classes)
    pages = []
    for report in reports:
        if findings_only:
            pages.append(findings_text(report.findings, words, columns))
        elif wanted is not None:
            pages.append(explain_page(report, words, style._replace(only=_region_at(report, wanted), why=True)))
        else:
            pages.append(explain_page(report, words, style))
    _show("\n".join(pages), pager=pager)
    return status


def _glossary(terms: tuple[str, ...], columns: int, words: Phrasebook) -> int:
    for term in terms or (None,):
        text = glossary_text(words, term, columns)
        if text is None:
            known = ", ".join(words.sections["glossary"])
            raise BadInput(f"no word {term!r} in the glossary", hint=f"there are {known}")
        click.echo(text, nl=False)
    return 0


def _address(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(text, 16)
    except ValueError:
        raise click.UsageError(f"--address {text!r}: not a hexadecimal number") from None


def _region_at(report: Explanation, address: int) -> int:
    """The region that holds an address.

    Raises:
        BadInput: nothing is mapped there.
    """
    regions = report.inspection.regions
    for index in range(len(regions) if regions is not None else 0):
        assert regions is not None
        if regions.start[index] <= address < regions.end[index]:
            return index
    raise BadInput(f"nothing is mapped at {address:#x}", hint="procmem inspect --regions lists what is")


def _colored(choice: str) -> bool:
    if choice != "auto":
        return choice == "always"
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _show(text: str, *, pager: bool) -> None:
    lines = shutil.get_terminal_size((80, 24)).lines
    if pager and sys.stdout.isatty() and text.count("\n") > lines:
        click.echo_via_pager(text)
    else:
        click.echo(text, nl=False, color=True)
