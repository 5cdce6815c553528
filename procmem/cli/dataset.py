"""``procmem dataset``: looks at processes of many machines, kept as Parquet and asked by SQL."""

from __future__ import annotations

import contextlib
import gc

import click

from procmem.cli.error_handling import complain
from procmem.cli.flags import REPORT_FLAGS, UNITLESS_FLAGS
from procmem.cli.lazy_completion import completed_by, completed_from
from procmem.cli.options import Command, CommandGroup, language_option, output_options
from procmem.cli.output import Output, echo
from procmem.cli.progress import progress
from procmem.cli.targets import words_or_input
from procmem.errors import ExitStatus, Misuse
from procmem.model.dataset import UNKNOWN_HOST
from procmem.queries.dataset import (
    AddOptions,
    add_looks,
    ask,
    compact,
    dataset_items,
    named_queries,
    need_dataset,
    sql_of,
)
from procmem.queries.signals import listening
from procmem.queries.targets import Selection
from procmem.render.escaping import printable_text
from procmem.render.pages.dataset import answer_page, dataset_schema_page
from procmem.text.dataset import MEANINGS, told
from procmem.text.help import dataset as words
from procmem.text.help import options as shared_words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager
    from typing import Any, TypeVar

    _Thing = TypeVar("_Thing")

__all__ = ["dataset"]

_HELP = {"help_option_names": ["-h", "--help"]}
_FOLDER = click.argument("folder", metavar="DIR", shell_complete=completed_by("complete_file"))


@click.group(cls=CommandGroup, help=words.HELP, epilog=words.EPILOG, context_settings=_HELP)
@language_option
def dataset() -> None:
    """Add, put together, ask."""


@dataset.command(cls=Command, help=words.ADD, epilog=words.ADD_EPILOG, context_settings=_HELP)
@click.argument("targets", nargs=-1, metavar="[TARGET]...", shell_complete=completed_by("complete_target"))
@click.option("--from", "recording", metavar="PATH", shell_complete=completed_by("complete_file"), help=words.FROM)
@click.option("--name", metavar="NAME", shell_complete=completed_by("complete_name"), help=shared_words.NAME)
@click.option("--user", metavar="USER", shell_complete=completed_by("complete_user"), help=shared_words.USER)
@click.option("--children", is_flag=True, help=shared_words.CHILDREN)
@click.option("--procfs", metavar="DIR", shell_complete=completed_by("complete_file"), help=shared_words.PROCFS)
@click.option("--all", "everything", is_flag=True, help=words.ALL)
@click.option("-o", "--output", required=True, metavar="DIR", help=words.OUTPUT)
@click.option("--host", metavar="NAME", help=words.HOST)
@click.option("--host-by-folder", is_flag=True, help=words.HOST_BY_FOLDER)
@click.option("--at", metavar="TIME", help=words.AT)
@click.option("--deep", is_flag=True, help=words.DEEP)
@language_option
def add(targets: tuple[str, ...], *, everything: bool, output: str, **given: Any) -> int:
    """Read, and write."""
    if everything and targets:
        raise Misuse("all-and-targets")
    named = {name: given.pop(name) for name in ("recording", "name", "user", "children", "procfs")}
    selection = Selection(tuple(words_or_input(targets)), **named)
    need_dataset()
    gc.enable()  # thousands of recordings may be read
    with listening():
        items = dataset_items(selection, everything=everything)
        addition = add_looks(output, items, AddOptions(**given), MEANINGS, _progress)
    change = addition.change
    for error in addition.errors:
        complain(error)
    with contextlib.suppress(OSError):  # it is written; that nobody can be told so is no failure
        done = told("added", count=change.looks, regions=change.regions, known=change.known)
        click.echo(printable_text(done), err=True)
        if addition.of_unknown_host:
            click.echo(told("unknown host", count=addition.of_unknown_host, host=UNKNOWN_HOST), err=True)
    if not addition.errors:
        return ExitStatus.DONE
    worst = max(error.exit_code for error in addition.errors)
    return ExitStatus.SOME_MISSING if worst == ExitStatus.NO_PROCESS and change.looks else worst


@dataset.command("compact", cls=Command, help=words.COMPACT, context_settings=_HELP)
@_FOLDER
@language_option
def compact_files(folder: str) -> int:
    """Put files together."""
    need_dataset()
    with listening():
        change = compact(folder, MEANINGS, _progress)
    with contextlib.suppress(OSError):
        click.echo(told("compacted", count=change.files_before, after=change.files_after), err=True)
    return ExitStatus.DONE


@dataset.command(cls=Command, help=words.QUERY, epilog=words.QUERY_EPILOG, context_settings=_HELP)
@_FOLDER
@click.argument("sql", required=False, metavar="[SQL]")
@click.option("--named", metavar="NAME", shell_complete=completed_from(named_queries), help=words.NAMED)
@click.option("--rows", type=click.IntRange(1, 10_000_000), default=10_000, metavar="N", help=words.ROWS)
@click.option("--show-sql", is_flag=True, help=words.SHOW_SQL)
@output_options("procmem/dataset-query/1", flags=REPORT_FLAGS, helps=words.QUERY_FLAGS)
@language_option
def query(output: Output, folder: str, sql: str | None, *, named: str | None, rows: int, show_sql: bool) -> int:
    """Ask, and show."""
    if (sql is None) == (named is None):
        raise Misuse("sql-or-named")
    text = sql if named is None else sql_of(named)
    assert text is not None
    if show_sql:
        echo(text)
        return ExitStatus.DONE
    need_dataset()
    output.show([answer_page(ask(folder, text, name=named, most=rows), output.heading)])
    return ExitStatus.DONE


@dataset.command(cls=Command, help=words.SCHEMA, context_settings=_HELP)
@output_options("procmem/dataset-schema/1", flags=UNITLESS_FLAGS, helps=words.SCHEMA_FLAGS)
@language_option
def schema(output: Output) -> int:
    """Show what there is to ask about."""
    output.show([dataset_schema_page(named_queries())])
    return ExitStatus.DONE


def _progress(things: Iterable[_Thing], count: int) -> AbstractContextManager[Iterator[_Thing]]:
    return progress(things, "reading", count=count)
