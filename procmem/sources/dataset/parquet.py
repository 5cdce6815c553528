"""Rows as Parquet: what children hand over, what is written, and what is asked of files that are there.

Parquet's own statistics and encodings do the rest: text that repeats is kept once a group of rows.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence

from procmem.errors import BadInput, SystemFailed
from procmem.model.dataset import DATASET_SCHEMA, TABLES, DatasetLook

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    import pyarrow

__all__ = ["count_rows", "ids_in", "merged_files", "need_parquet", "packed_look", "write_looks"]

EXTRA = "procmem[dataset]"
_COMPRESSION, _LEVEL = "zstd", 6
_ROWS_OF_A_GROUP = 262_144
_ROWS_OF_A_FILE = 2_000_000
_TYPES = {"text": "string", "integer": "int64", "truth": "bool_"}
_INTEGER_END = 1 << 63
_NO_DICTIONARY = frozenset({"start"})
"""Columns whose values hardly repeat."""


def need_parquet() -> None:
    """Refuse what needs the library where it is not installed.

    Raises:
        SystemFailed: it is not.
    """
    try:
        import pyarrow.parquet  # noqa: F401, PLC0415  # an extra
    except ImportError as error:
        raise SystemFailed("no-extra", module="pyarrow", extra=EXTRA) from error


def _schema(table: str, meanings: Mapping[str, str] | None = None) -> pyarrow.Schema:
    import pyarrow as pa  # noqa: PLC0415  # an extra

    def of(kind: str) -> pyarrow.DataType:
        return pa.timestamp("us") if kind == "moment" else getattr(pa, _TYPES[kind])()

    fields = [
        pa.field(one.name, of(one.type), metadata={"meaning": meanings[one.name]} if meanings else None)
        for one in TABLES[table]
    ]
    return pa.schema(fields, metadata={"schema": DATASET_SCHEMA, "table": table})


def packed_look(look: DatasetLook) -> tuple[bytes, bytes]:
    """A look's row of processes and its rows of regions, as bytes that go through a pipe."""
    process = {column.name: [value] for column, value in zip(TABLES["processes"], look.process, strict=True)}
    return _packed("processes", process), _packed("regions", look.regions) if look.regions else b""


def _packed(table: str, columns: Mapping[str, Sequence[Any]]) -> bytes:
    import pyarrow as pa  # noqa: PLC0415  # an extra

    schema = _schema(table)
    batch = pa.record_batch([_array(columns[field.name], field.type) for field in schema], schema=schema)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def _array(values: Sequence[Any], kind: pyarrow.DataType) -> pyarrow.Array:
    """A column; what a recording of a stranger says beyond what the type holds is unknown, or escaped."""
    import pyarrow as pa  # noqa: PLC0415  # an extra

    try:
        return pa.array(values, kind)
    except (OverflowError, UnicodeError, pa.ArrowInvalid):
        return pa.array(map(_within_bounds, values), kind)


def _within_bounds(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return value if value is None or -_INTEGER_END <= value < _INTEGER_END else None


def write_looks(table: str, packed: Iterable[bytes], path: str, meanings: Mapping[str, str]) -> int:
    """Write rows that :func:`packed_look` gave to a new file; how many these are."""
    import pyarrow as pa  # noqa: PLC0415  # an extra

    batches = [batch for data in packed if data for batch in pa.ipc.open_stream(data)]
    found = pa.Table.from_batches(batches, _schema(table))
    _write(found.cast(_schema(table, meanings)), path)
    return int(found.num_rows)


def _write(table: pyarrow.Table, path: str) -> None:
    import pyarrow.parquet as pq  # noqa: PLC0415  # an extra

    dictionary = [name for name in table.column_names if name not in _NO_DICTIONARY]
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:
        pq.write_table(
            table.combine_chunks(),
            file,
            compression=_COMPRESSION,
            compression_level=_LEVEL,
            row_group_size=_ROWS_OF_A_GROUP,
            use_dictionary=dictionary,
        )


def ids_in(path: str) -> list[str]:
    """The looks that a file of processes holds.

    Raises:
        BadInput: it is damaged.
    """
    return [str(one) for one in _read(path, ["look_id"]).column("look_id").to_pylist()]


def count_rows(path: str) -> int:
    """The rows of a file.

    Raises:
        BadInput: it is damaged.
    """
    import pyarrow as pa  # noqa: PLC0415  # an extra
    import pyarrow.parquet as pq  # noqa: PLC0415  # the same

    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowException) as error:
        raise BadInput("bad-parquet", path=path, reason=str(error)) from error


def _read(path: str, columns: list[str] | None = None) -> pyarrow.Table:
    import pyarrow as pa  # noqa: PLC0415  # an extra
    import pyarrow.parquet as pq  # noqa: PLC0415  # the same

    try:
        return pq.read_table(path, columns=columns, partitioning=None)
    except (OSError, pa.ArrowException, KeyError) as error:
        raise BadInput("bad-parquet", path=path, reason=str(error)) from error


def merged_files(
    table: str, files: Sequence[str], folder: str, new_name: Callable[[], str], meanings: Mapping[str, str]
) -> None:
    """Write the rows of a table's files to few new ones in a folder.

    What is much the same from look to look stands together: the same ranges of the same process, in the order of time.

    Columns that an older file does not have are unknown in its rows.

    Raises:
        BadInput: one of them is damaged.
    """
    import pyarrow as pa  # noqa: PLC0415  # an extra

    schema = _schema(table, meanings)
    rows, waiting = 0, []
    for path in files:
        waiting.append(_read(path))
        rows += waiting[-1].num_rows
        if rows < _ROWS_OF_A_FILE and path != files[-1]:
            continue
        whole = pa.concat_tables([schema.empty_table(), *waiting], promote_options="default").select(schema.names)
        keys = [(name, "ascending") for name in ("name", "pid", "start", "time") if name in whole.column_names]
        _write(whole.sort_by(keys).cast(schema), os.path.join(folder, new_name()))
        rows, waiting = 0, []
