"""The engine that answers SQL: DuckDB within this process, which may read the files of the dataset, and nothing else.

A query may come from anybody. Before it is looked at, all access to files but to those of the dataset, to the network,
to extensions and to objects of Python is switched off, and the configuration is locked, so that nothing in it can
switch one on again. Only one statement that reads is taken: so files of the dataset are not written either.
"""

from __future__ import annotations

import contextlib
import datetime
import decimal
import math
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources

from procmem.errors import BadInput, ExitStatus, Misuse, SystemFailed
from procmem.model.dataset import PARTITIONS, TABLES
from procmem.model.reports.dataset import AnswerColumn, DatasetAnswer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import duckdb

    _Plain = int | float | str | bool | None

__all__ = ["named_queries", "need_engine", "query_files", "sql_of"]

EXTRA = "procmem[dataset]"
_ENDING = ".sql"
_HEARING_SECONDS, _GRACE_SECONDS = 0.1, 2.0
_MEMORY_MAX = 4 << 30
_TEXT_MAX = 65_536
"""Characters of a cell: a query can make any number of them."""
_TYPES = {"text": "VARCHAR", "integer": "BIGINT", "truth": "BOOLEAN", "moment": "TIMESTAMP"}
_CONFIGURATION: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",  # or names of variables of ours would be tables
    "temp_directory": "",  # nothing is written, also where memory does not suffice
}


def need_engine() -> None:
    """Refuse what needs the engine where it is not installed.

    Raises:
        SystemFailed: it is not.
    """
    try:
        import duckdb  # noqa: F401, PLC0415  # an extra
    except ImportError as error:
        raise SystemFailed("no-extra", module="duckdb", extra=EXTRA) from error


def named_queries() -> tuple[str, ...]:
    """The names of the queries that ship."""
    files = resources.files(__package__).joinpath("queries").iterdir()
    return tuple(sorted(file.name.removesuffix(_ENDING) for file in files if file.name.endswith(_ENDING)))


def sql_of(name: str) -> str:
    """The text of a named query, which every engine takes.

    Raises:
        Misuse: there is none of that name.
    """
    known = named_queries()
    if name not in known:
        raise Misuse("no-named-query", name=name, known=known)
    return resources.files(__package__).joinpath("queries", f"{name}{_ENDING}").read_text("utf-8")


def query_files(
    folder: str, files: Mapping[str, Sequence[str]], sql: str, *, most: int, name: str | None
) -> DatasetAnswer:
    """The answer of one query about the files of each table, which are named relative to a folder.

    Raises:
        Misuse: it is not one statement that reads, or there is a mistake in it.
        BadInput: a file is damaged.
    """
    import duckdb  # noqa: PLC0415  # an extra

    configuration = {**_CONFIGURATION, "memory_limit": f"{_memory_max()}B"}
    with contextlib.chdir(folder), contextlib.closing(duckdb.connect(":memory:", config=configuration)) as engine:
        try:
            for table, known in TABLES.items():
                engine.execute(_view(table, [(one.name, _TYPES[one.type]) for one in known], files[table]))
            allowed = ",".join(_quoted(file) for some in files.values() for file in some)
            engine.execute(f"SET allowed_paths = [{allowed}]")
            engine.execute("SET enable_external_access = false")
            engine.execute("SET lock_configuration = true")
        except duckdb.Error as error:
            raise BadInput("bad-parquet", path=folder, reason=_first_line(error)) from error
        with _asking(folder):
            statements = engine.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise Misuse("not-one-select")
            rows = _interruptible(engine, lambda: engine.execute(statements[0]).fetchmany(most + 1))
            columns = tuple(AnswerColumn(str(one[0]), str(one[1])) for one in engine.description or ())
    plain = [tuple(map(_plain, row)) for row in rows[:most]]
    return DatasetAnswer(name, columns, plain, is_cut=len(rows) > most)


def _interruptible(engine: duckdb.DuckDBPyConnection, work: Callable[[], list[Any]]) -> list[Any]:
    """Have the engine work in a thread, since it hears no signal; what asks to end is heard here, and handed on.

    Raises:
        KeyboardInterrupt: it was asked to end.
    """
    rows: list[Any] = []
    errors: list[BaseException] = []
    done = threading.Event()  # a join that is interrupted may take a thread for ended (CPython 3.11)

    def run() -> None:
        try:
            rows.extend(work())
        except BaseException as error:  # a thread has nobody to raise it to
            errors.append(error)
        finally:
            done.set()

    threading.Thread(target=run, daemon=True).start()
    try:
        while not done.wait(_HEARING_SECONDS):
            pass
    except KeyboardInterrupt:
        with contextlib.suppress(Exception):  # some versions refuse, since the connection is busy
            engine.interrupt()
        if not done.wait(_GRACE_SECONDS):  # it looks at no request to end; closing it would wait for it
            os._exit(ExitStatus.INTERRUPTED)
        raise
    if errors:
        raise errors[0]
    return rows


def _memory_max() -> int:
    """What the engine may take: half of what is available, and no more than a few GiB."""
    import psutil  # noqa: PLC0415  # only where there is a query; manual pages are built without it

    return min(psutil.virtual_memory().available // 2, _MEMORY_MAX)


@contextlib.contextmanager
def _asking(folder: str) -> Iterator[None]:
    """Tell the engine's errors apart."""
    import duckdb  # noqa: PLC0415  # an extra

    try:
        yield
    except duckdb.InterruptException as error:
        raise KeyboardInterrupt from error
    except duckdb.PermissionException as error:
        raise Misuse("query-outside", reason=_first_line(error)) from error
    except (duckdb.IOException, duckdb.FatalException) as error:
        raise BadInput("bad-parquet", path=folder, reason=_first_line(error)) from error
    except duckdb.OutOfMemoryException as error:
        raise SystemFailed("query-too-large") from error
    except duckdb.Error as error:
        raise Misuse("bad-query", reason=_first_line(error)) from error


def _view(table: str, columns: Sequence[tuple[str, str]], files: Sequence[str]) -> str:
    """What makes a table of some files: an empty one where there are none."""
    date, host = PARTITIONS
    if not files:
        nothing = ",".join(f'NULL::{kind} AS "{name}"' for name, kind in [*columns, (date, "DATE"), (host, "VARCHAR")])
        return f'CREATE VIEW "{table}" AS SELECT {nothing} WHERE false'
    listed = ",".join(map(_quoted, files))
    types = f"{{'{date}': DATE, '{host}': VARCHAR}}"
    source = f"read_parquet([{listed}], hive_partitioning = true, hive_types = {types}, union_by_name = false)"
    return f'CREATE VIEW "{table}" AS SELECT * FROM {source}'  # noqa: S608  # of names of ours


def _quoted(text: str) -> str:
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def _plain(value: Any) -> _Plain:
    """A value of the engine as one that every format writes; what is no number is unknown."""
    if isinstance(value, str) and len(value) > _TEXT_MAX:
        return f"{value[:_TEXT_MAX]} ..."
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float | decimal.Decimal):
        figure = float(value)
        return figure if math.isfinite(figure) else None
    if isinstance(value, datetime.date):  # and moments
        return value.isoformat()
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)


def _first_line(error: duckdb.Error) -> str:
    """What the engine says, without the drawing of where it is."""
    return " ".join(str(error).partition("\n\n")[0].split())
