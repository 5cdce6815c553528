"""How a dataset of many machines grows: writing, bytes a row, and each named query in DuckDB and in Spark.

    .venv/bin/python -m tests.benchmarks.fleet [--rows N] [--hosts N] [--days N] [--spark] [--keep DIR]

Rows of regions are made of real recordings (tests/support/made_fleet.py); making them is timed apart from writing them.
With --spark, a cluster of two workers on this machine is asked the same, and the exit status is the number of answers
that differ. Nothing here is a test.
"""

import argparse
import contextlib
import datetime
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from procmem.queries.dataset import ask
from procmem.sources.dataset.engine import named_queries, sql_of
from tests.support.made_fleet import write_fleet

ROUNDS = 3


def main(words: Sequence[str] | None = None) -> int:
    """Write, ask, show; gives how many answers differ."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.fleet", description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--hosts", type=int, default=20)
    parser.add_argument("--days", type=int, default=25)
    parser.add_argument("--spark", action="store_true")
    parser.add_argument("--keep", metavar="DIR", help="a new folder for the dataset, which stays there")
    asked = parser.parse_args(words)
    with contextlib.ExitStack() as stack:
        folder = asked.keep or os.path.join(stack.enter_context(tempfile.TemporaryDirectory()), "fleet")
        size = {"rows": asked.rows, "hosts": asked.hosts, "days": asked.days}
        rows, seconds = write_fleet(folder, **size)
        used = sum(path.stat().st_size for path in Path(folder).rglob("*.parquet"))
        _print(f"{rows} rows: {rows / seconds:,.0f} a second written, {used / rows:.1f} bytes a row")
        spark = stack.enter_context(_spark(folder)) if asked.spark else None
        return sum(_asked(folder, name, spark) for name in named_queries())


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """The seconds that something takes, and what it gives."""
    began = time.perf_counter()
    answer = work()
    return time.perf_counter() - began, answer


def _asked(folder: str, name: str, spark: Any) -> bool:
    """Ask a named query, and show the least time in each engine; whether the answers differ."""
    sql = sql_of(name)
    here = [timed(lambda: ask(folder, sql, name=name, most=1000)) for _ in range(ROUNDS)]
    line = f"{name:20} {len(here[0][1].rows):4} rows  DuckDB {min(seconds for seconds, _ in here):6.2f} s"
    if spark is None:
        _print(line)
        return False
    there = [timed(lambda: [tuple(map(_plain, row)) for row in spark.sql(sql).collect()]) for _ in range(ROUNDS)]
    differs = bool(there[0][1] != list(here[0][1].rows))
    seconds = min(seconds for seconds, _ in there)
    _print(f"{line}  Spark {seconds:6.2f} s  {'DIFFERENT' if differs else 'equal'}")
    return differs


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime.date) else value


@contextlib.contextmanager
def _spark(folder: str) -> Iterator[Any]:
    from pyspark.sql import SparkSession  # noqa: PLC0415  # only with --spark

    session = (
        SparkSession.builder.master("local-cluster[2,1,1024]")
        .config("spark.sql.sources.partitionColumnTypeInference.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.ui.enabled", "false")
        .getOrCreate()
    )
    for table in ("processes", "regions"):
        rows = session.read.parquet(f"{folder}/{table}")
        rows.selectExpr("* EXCEPT (date)", "CAST(date AS DATE) AS date").createOrReplaceTempView(table)
    yield session
    session.stop()


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
