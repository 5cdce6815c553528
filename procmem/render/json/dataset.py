"""The documents ``procmem/dataset-query/1`` and ``procmem/dataset-schema/1``."""

from __future__ import annotations

from collections.abc import Sequence

from procmem.model.dataset import DATASET_SCHEMA, PARTITIONS, TABLES
from procmem.model.reports.dataset import DatasetAnswer
from procmem.render.json.items import Items
from procmem.text import english
from procmem.text.dataset import meaning_of, query_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["QUERY_SCHEMA", "SCHEMA_SCHEMA", "answer_json", "schema_json"]

QUERY_SCHEMA = "procmem/dataset-query/1"
SCHEMA_SCHEMA = "procmem/dataset-schema/1"


@english()
def answer_json(answer: DatasetAnswer) -> dict[str, Any]:
    """The answer as plain values."""
    return {
        "schema": QUERY_SCHEMA,
        "query": answer.name,
        "columns": [{"name": one.name, "type": one.type} for one in answer.columns],
        "rows": Items(len(answer.rows), lambda: map(list, answer.rows)),
        "cut": answer.is_cut,
    }


@english()
def schema_json(queries: Sequence[str]) -> dict[str, Any]:
    """Tables and queries as plain values."""
    return {
        "schema": SCHEMA_SCHEMA,
        "dataset": DATASET_SCHEMA,
        "partitions": list(PARTITIONS),
        "tables": {
            table: [{"name": one.name, "type": one.type, "meaning": meaning_of(table, one.name)} for one in columns]
            for table, columns in TABLES.items()
        },
        "queries": [{"name": name, "answers": query_text(name)} for name in queries],
    }
