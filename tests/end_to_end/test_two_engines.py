"""The named queries in DuckDB and in Spark: one text, equal answers, with two workers of their own memory."""

import datetime
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from procmem.queries.dataset import ask
from procmem.sources.dataset.engine import named_queries, sql_of
from tests.support import needs
from tests.support.made_fleet import write_fleet

pytestmark = [
    pytest.mark.needs("java"),
    pytest.mark.filterwarnings("default"),  # pyspark's own, of sockets that it leaves to the collector
]

_QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""For virtual machines of Java that live for some seconds."""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A dataset of several hosts and days."""
    path = str(tmp_path_factory.mktemp("some") / "fleet")
    write_fleet(path, rows=20_000, hosts=4, days=4)
    return path


@pytest.fixture(scope="module")
def spark(fleet: str) -> Iterator[Any]:
    """A session as README shows it, with a cluster of two workers on this machine."""
    if importlib.util.find_spec("pyspark") is None:
        needs.lacking("pyspark is not installed")
    from pyspark.sql import SparkSession  # noqa: PLC0415  # takes its time, and may not be there

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    session = (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.driver.extraJavaOptions", _QUICK)
        .config("spark.executor.extraJavaOptions", _QUICK)
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .getOrCreate()
    )
    for table in ("processes", "regions"):
        rows = session.read.parquet(f"{fleet}/{table}")
        rows.selectExpr("* EXCEPT (date)", "CAST(date AS DATE) AS date").createOrReplaceTempView(table)
    yield session
    session.stop()


def plain(value: Any) -> Any:
    """A value as procmem gives it."""
    return value.isoformat() if isinstance(value, datetime.date) else value


def test_answers_are_equal(spark: Any, fleet: str) -> None:
    """Every row of every query, in the same order; none is empty."""
    assert spark.sparkContext._jsc.sc().getExecutorMemoryStatus().size() == 3  # two workers, and the driver
    for name in named_queries():
        found = [tuple(map(plain, row)) for row in spark.sql(sql_of(name)).collect()]
        expected = ask(fleet, sql_of(name), name=name, most=1000)
        assert found == list(expected.rows), name
        assert found, name


def test_schemas_are_equal(spark: Any, fleet: str) -> None:
    """Both engines see the same columns, each of the same sort."""
    sorts = {"VARCHAR": "string", "BIGINT": "bigint", "BOOLEAN": "boolean"}
    sorts |= {"TIMESTAMP": "timestamp_ntz", "DATE": "date"}
    for table in ("processes", "regions"):
        answer = ask(fleet, f"SELECT * FROM {table}", name=None, most=1)
        of_duckdb = {one.name: sorts[one.type] for one in answer.columns}
        assert dict(spark.table(table).dtypes) == of_duckdb
    assert Path(fleet).is_dir()
