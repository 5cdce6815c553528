"""What ``procmem system`` answers, once its command line is understood."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, cast

from procmem.analyse.system import sorted_rows, system_report, tree_rows
from procmem.cli.output import echo, echo_json, size_format
from procmem.errors import ExitStatus, NothingMatches, ProcmemError
from procmem.queries.system import cgroups_of, own_mountinfo, read_all

if TYPE_CHECKING:
    from procmem.model.ports import Source
    from procmem.model.reports.inspection import ClassRow
    from procmem.render.sheet import Sheet

__all__ = ["SORTS", "SystemWish", "answer", "user_name"]

SORTS = ("pid", "user", "name", "swap", "uss", "pss", "rss", "virt")


class SystemWish(NamedTuple):
    """What is wanted of the answer: what ``procmem system`` alone wants, unless it says more."""

    sort: str | None = None
    reverse: bool = False
    top: int | None = None
    by: str | None = None
    name: str | None = None
    user: str | None = None
    min_size: int = 0
    quick: bool = False
    classes: bool = False
    procfs: str | None = None
    recording: str | None = None
    unit: str | None = None
    form: str | None = None


def answer(wish: SystemWish) -> int:
    """Read, and print, what was wished; the exit status."""
    from procmem.render.pages.system import system_json, system_page, system_sheet  # noqa: PLC0415  # before we wait

    source = _source(wish.procfs, wish.recording)
    wanted = _filter(wish.name, wish.user)
    pids = [pid for pid in source.pids() if not source.is_live or pid != os.getpid()]
    if wish.classes:
        return _by_class(source, pids, wanted, wish.unit, wish.form)
    users = user_name if source.is_live else str
    found = read_all(source, pids, quick=wish.quick, with_cgroup=wish.by == "cgroup", users=users, wanted=wanted)
    field = wish.sort or ("rss" if wish.quick else "pss")
    least = wish.min_size
    rows = [row for row in found.rows if not least or (getattr(row, _measure(field)) or 0) >= least]
    if not rows and (wish.name or wish.user or least):
        raise NothingMatches("no-process-fits")
    rows = sorted_rows(rows, field, reverse=wish.reverse, top=None)
    shown = sorted_rows(rows, field, reverse=wish.reverse, top=wish.top)
    report = system_report(
        rows,
        shown=shown,
        by=wish.by,
        cgroups=cgroups_of(rows, own_mountinfo()) if wish.by == "cgroup" and source.is_live else (),
        without_memory=found.without_memory,
        unreadable=found.unreadable,
    )
    tree = tree_rows(shown) if wish.by == "tree" else None
    if wish.form == "json":
        echo_json([system_json(report)], several=False)
    elif wish.form is not None:
        echo(_written(system_sheet(report, tree), wish.unit, wish.form))
    else:
        echo(system_page(report, *size_format(wish.unit), tree))
    return ExitStatus.DONE


def _measure(field: str) -> str:
    """The column that --min-size looks at."""
    return field if field in ("swap", "uss", "pss", "rss", "virt") else "pss"


def _written(sheet: "Sheet", unit: str | None, form: str) -> str:
    from procmem.render.sheet import to_csv, to_markdown  # noqa: PLC0415  # only these formats

    return to_csv(sheet) if form == "csv" else to_markdown(sheet, size_format(unit)[0])


def _source(procfs: str | None, recording: str | None) -> "Source":
    if recording is not None:
        from procmem.sources.recording.read import RecordedSource  # noqa: PLC0415  # only with --from

        return RecordedSource(recording)
    if procfs is None:
        from procmem.sources.prefetch_all import AheadSource  # noqa: PLC0415  # what the kernel wrote while we were loaded

        return cast("Source", AheadSource.over(_living))
    return _living(procfs)


def _living(procfs: str = "/proc") -> "Source":
    from procmem.sources.live import ProcSource  # noqa: PLC0415  # not needed where all was read ahead

    return ProcSource(procfs)


def _filter(name: str | None, user: str | None) -> Callable[[bytes, int | None], bool]:
    """Whether a process fits --name and --user."""
    try:
        pattern = re.compile(os.fsencode(name)) if name else None
    except re.error as error:
        from procmem.cli.targets import misuse  # noqa: PLC0415  # seldom

        raise misuse(f"--name {name!r}: {error}") from error
    uid = None
    if user is not None:
        uid = int(user) if user.isascii() and user.isdecimal() else _user_id(user)
        if uid is None:
            raise NothingMatches("no-user", user=user)

    def wanted(found: bytes, owner: int | None) -> bool:
        fits = pattern is None or found == os.fsencode(name or "") or pattern.fullmatch(found) is not None
        return fits and (uid is None or owner == uid)

    return wanted


def _user_id(name: str) -> int | None:
    import pwd  # noqa: PLC0415  # only with --user

    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


@cache
def user_name(uid: int) -> str:
    """The name of a user id, or the number where it has none."""
    import pwd  # noqa: PLC0415  # only for living processes

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _by_class(
    source: "Source", pids: list[int], wanted: Callable[[bytes, int | None], bool], unit: str | None, form: str | None
) -> int:
    from procmem.analyse.inspection import inspection, merged_classes  # noqa: PLC0415  # only with --classes
    from procmem.queries.examine import examine  # noqa: PLC0415  # the same
    from procmem.render.pages.system import machine_classes_sheet  # noqa: PLC0415  # the same
    from procmem.render.sheet import to_table  # noqa: PLC0415  # the same

    answers: list[tuple[ClassRow, ...]] = []
    unreadable = 0
    with _progress(pids) as remaining:
        for pid in remaining:
            try:
                with source.open(pid) as target:
                    seen = examine(target)
            except ProcmemError:
                continue
            status = seen.snapshot.status
            if not wanted(seen.snapshot.comm or b"", status.uid if status else None):
                continue
            if seen.regions is not None and seen.snapshot.has_usage:
                answers.append(inspection(seen.snapshot, seen.regions).classes)
            elif seen.snapshot.size("VmSize") is not None:
                unreadable += 1
    sheet = machine_classes_sheet(merged_classes(answers))
    if form == "json":
        names = [column.name.lower() for column in sheet.columns]
        rows = [dict(zip(names, row, strict=True)) for row in sheet.rows]
        counts = {"processes": len(answers), "unreadable": unreadable}
        echo_json([{"schema": "procmem/system-classes/1", "classes": rows, **counts}], several=False)
    elif form is not None:
        echo(_written(sheet, unit, form))
    else:
        size, heading = size_format(unit)
        refused = f", {unreadable} more could not be read" if unreadable else ""
        note = f"{len(answers)} processes{refused}; RSS and VIRT count shared pages as often as they are mapped\n"
        echo(f"{heading}\n" * bool(heading) + to_table(sheet, size) + note)
    return ExitStatus.DONE


@contextmanager
def _progress(pids: list[int]) -> Iterator[Iterator[int]]:
    """All pids, with a bar on stderr where that is a terminal."""
    if sys.stderr is not None and sys.stderr.isatty():
        import click  # noqa: PLC0415  # only for the bar

        with click.progressbar(pids, label="reading", file=sys.stderr) as bar:
            yield iter(bar)
    else:
        yield iter(pids)
