"""``procmem explain``: the annotated map, its findings, and the glossary."""

from __future__ import annotations

import click

from procmem.cli.answers import answer_explain
from procmem.cli.flags import REPORT_FLAGS
from procmem.cli.options import command, output_options
from procmem.cli.output import Output
from procmem.cli.region_options import need_classes, region_options
from procmem.cli.targets import optional_targets
from procmem.errors import Misuse
from procmem.model.kinds import ByteClass
from procmem.model.region_filter import RegionFilter
from procmem.queries.options import address_of
from procmem.queries.targets import Selection
from procmem.render.pages.explain import glossary_page
from procmem.text.glossary import term_of, terms
from procmem.text.help import explain as words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["explain"]


@command(help=words.HELP, epilog=words.EPILOG)
@optional_targets
@click.option("--flat", is_flag=True, help=words.FLAT)
@click.option("--descending", is_flag=True, help=words.DESCENDING)
@click.option("--why", is_flag=True, help=words.WHY)
@click.option("--brief", is_flag=True, help=words.BRIEF)
@region_options
@click.option("--address", metavar="ADDR", help=words.ADDRESS)
@click.option("--findings", "findings_only", is_flag=True, help=words.FINDINGS)
@click.option("--glossary", is_flag=True, help=words.GLOSSARY)
@click.option("--deep", is_flag=True, help=words.DEEP)
@output_options("procmem/explain/1", flags=REPORT_FLAGS, helps=words.FLAGS)
def explain(
    targets: Selection,
    output: Output,
    *,
    only: RegionFilter,
    address: str | None,
    findings_only: bool,
    glossary: bool,
    deep: bool,
    **choices: Any,
) -> int:
    """Read, and show."""
    if glossary:
        return _glossary(targets.words, output)
    need_classes(only.classes, tuple(ByteClass))
    wanted = None if address is None else address_of(address)

    return answer_explain(targets, output, only=only, address=wanted, findings_only=findings_only, deep=deep, **choices)


def _glossary(wanted: tuple[str, ...], output: Output) -> int:
    page = glossary_page(wanted)
    if page is None:
        known = terms()
        unknown = next(word for word in wanted if term_of(word) is None)
        raise Misuse("no-term", term=unknown, terms=tuple(known))
    output.show([page])
    return 0
