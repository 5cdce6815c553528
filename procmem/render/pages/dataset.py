"""The pages of ``procmem dataset``: the answer to a query, and what tables and queries there are."""

from collections.abc import Sequence

from procmem.model.dataset import PARTITIONS, TABLES
from procmem.model.reports.dataset import AnswerColumn, DatasetAnswer
from procmem.render.columns import column
from procmem.render.escaping import printable_text
from procmem.render.json.dataset import answer_json, schema_json
from procmem.render.page import Block, Column, Page, Prose, Sheet, Value
from procmem.text.dataset import HEADINGS, meaning_of, query_text, told

__all__ = ["answer_page", "dataset_schema_page"]

_SIZES = "_bytes"
_NUMBERS = ("INT", "DOUBLE", "FLOAT", "DECIMAL")
"""Words in what DuckDB calls its types of numbers: BIGINT, HUGEINT, UINTEGER, DECIMAL(18,3), ..."""


def answer_page(answer: DatasetAnswer, unit: str) -> Page:
    """The rows of an answer."""
    columns = [_column(one, number) for number, one in enumerate(answer.columns)]
    rows = [tuple(map(_value, row, columns)) for row in answer.rows]
    sheet = Sheet(tuple(columns), rows, main=True)
    notes = [told("cut", count=len(answer.rows))] if answer.is_cut else [] if rows else [told("no rows")]
    has_sizes = any(one.kind == "size" for one in columns)
    top: list[Block] = [Prose(unit), sheet] if unit and has_sizes else [sheet]
    return Page([top], lambda: sheet, lambda: answer_json(answer), notes=notes)


def _column(one: AnswerColumn, number: int) -> Column:
    name = printable_text(one.name) or str(number + 1)
    is_number = any(word in one.type for word in _NUMBERS) and "[" not in one.type
    kind = "text" if not is_number else "size" if one.name.endswith(_SIZES) else "count"
    shown = name.removesuffix(_SIZES) if kind == "size" else name  # CSV adds it again
    return Column(shown, kind, shown)


def _value(value: int | float | str | bool | None, column: Column) -> Value:
    """A cell; truth is a word, and a size is whole, also where it is a mean."""
    if isinstance(value, bool):
        return str(value).lower()
    return round(value) if isinstance(value, float) and column.kind == "size" else value


def dataset_schema_page(queries: Sequence[str]) -> Page:
    """Columns of both tables, then the named queries."""
    columns = [column(HEADINGS, key, "text", least=12) for key in ("table", "column", "type", "meaning")]
    sheet = Sheet(
        tuple(columns),
        [(table, one.name, one.type, meaning_of(table, one.name)) for table, found in TABLES.items() for one in found],
        main=True,
    )
    heads = tuple(column(HEADINGS, key, "text", least=12) for key in ("query", "answers"))
    named = Sheet(heads, [(name, query_text(name)) for name in queries])
    folders = Prose(told("partitions", names=PARTITIONS))
    return Page([[sheet], [folders], [named]], lambda: sheet, lambda: schema_json(queries))
