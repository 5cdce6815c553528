"""The options that choose regions: by class, kind, owner, file, permissions and size."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable

import click

from procmem.cli.lazy_completion import completed_from
from procmem.errors import Misuse
from procmem.model.kinds import KINDS, ByteClass
from procmem.model.region_filter import RegionFilter
from procmem.queries.options import need_permissions, size_of
from procmem.text.help import options as words

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["need_classes", "region_options"]


def region_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; the command gets ``only``."""

    @functools.wraps(command)
    def run(**given: Any) -> Any:
        min_size = size_of(given.pop("min_size"))
        chosen = {name: given.pop(name) for name in RegionFilter._fields if name in given}
        for kind in chosen["kinds"]:
            if kind not in KINDS:
                raise Misuse("no-kind", name=kind)
        if chosen["perms"] is not None:
            need_permissions(chosen["perms"])
        return command(only=RegionFilter(**chosen, min_size=min_size), **given)

    classes, kinds = completed_from(lambda: ByteClass), completed_from(lambda: KINDS)
    added = (
        click.option(
            "--class",
            "classes",
            multiple=True,
            metavar="CLASS",
            shell_complete=classes,
            help=words.CLASS,
        ),
        click.option(
            "--kind",
            "kinds",
            multiple=True,
            metavar="KIND",
            shell_complete=kinds,
            help=words.KIND,
        ),
        click.option("--owner", metavar="TEXT", help=words.OWNER),
        click.option("--path", metavar="TEXT", help=words.PATH),
        click.option("--perms", metavar="PERMS", help=words.PERMS),
        click.option("--min-size", default="0", metavar="SIZE", help=words.MIN_SIZE),
    )
    for option in reversed(added):
        run = option(run)
    return run


def need_classes(classes: Iterable[str], known: Collection[str]) -> None:
    """Refuse a class that there is not.

    Raises:
        Misuse: one of them is not known.
    """
    for name in classes:
        if name not in known:
            raise Misuse("no-class", name=name, known=tuple(known))
