"""The named queries in DuckDB and in Spark: one text, equal answers, with two workers of their own memory.

Spark's session is made by the very lines that README shows.
"""

import datetime
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from procmem.queries.dataset import ask
from procmem.sources.dataset.engine import named_queries, sql_of
from tests.support import needs
from tests.support.made_fleet import write_fleet
from tests.support.running import ROOT

pytestmark = [
    pytest.mark.needs("java"),
    pytest.mark.filterwarnings("default"),  # pyspark's own, of sockets that it leaves to the collector
]
_QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""For virtual machines of Java that live for some seconds."""
_CONF = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.extraJavaOptions": _QUICK,
    "spark.executor.extraJavaOptions": _QUICK,
    "spark.sql.shuffle.partitions": "2",
}


def recipe_of(name: str) -> str:
    """The lines that a README tells to run in Spark."""
    found = re.search(r"```python\n(import subprocess\nfrom pyspark.*?)```", (ROOT / name).read_text(), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A dataset of several hosts and days."""
    path = str(tmp_path_factory.mktemp("some") / "fleet")
    write_fleet(path, rows=20_000, hosts=4, days=4)
    return path


@pytest.fixture(scope="module")
def spark(fleet: str) -> Iterator[Any]:
    """The session of README's recipe, in a cluster of two workers on this machine."""
    if importlib.util.find_spec("pyspark") is None:
        needs.lacking("pyspark is not installed")
    recipe = recipe_of("README.md")
    folder = Path(fleet).parent
    command = folder / "procmem"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m procmem "$@"\n')
    command.chmod(0o755)
    options = " ".join(f"--conf '{key}={value}'" for key, value in _CONF.items())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_SUBMIT_ARGS", f"--master local-cluster[2,1,1024] {options} pyspark-shell")
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        patch.setenv("PYTHONPATH", str(ROOT))
        patch.chdir(folder)
        names: dict[str, Any] = {}
        exec(recipe, names)  # what users are told to do
    yield names["spark"]
    names["spark"].stop()


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


def test_both_read_the_recipe_in_both_languages() -> None:
    """The lines are the same but for their comments."""
    recipes = [re.sub(r"  #.*", "", recipe_of(name)) for name in ("README.md", "README.zh.md")]
    assert recipes[0] == recipes[1]
