"""The engine: a query reads the dataset and nothing else, whatever it says."""

from pathlib import Path
from typing import Any

import pytest

from procmem.errors import BadInput, Misuse
from procmem.model.dataset import TABLES
from procmem.queries.dataset import ask
from procmem.sources.dataset.engine import named_queries, query_files, sql_of
from procmem.sources.dataset.folder import DatasetFolder
from procmem.text.dataset import MEANINGS, QUERIES
from tests.support.made_fleet import write_fleet

NOTHING: dict[str, list[str]] = {"processes": [], "regions": []}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A dataset in a folder whose name a pattern would take for others."""
    path = tmp_path_factory.mktemp("some") / "we[i]rd 'fleet'"
    write_fleet(str(path), rows=6000, hosts=3, days=2)
    return str(path)


def asked(folder: str, sql: str) -> list[tuple[Any, ...]]:
    """The rows of an answer."""
    return list(ask(folder, sql, name=None, most=100).rows)


def test_every_column_is_there_and_has_its_type(fleet: str) -> None:
    """In both tables, with those of the folders behind."""
    types = {"text": "VARCHAR", "integer": "BIGINT", "truth": "BOOLEAN", "moment": "TIMESTAMP"}
    for table, columns in TABLES.items():
        expected = [(one.name, types[one.type]) for one in columns] + [("date", "DATE"), ("host", "VARCHAR")]
        for folder, files in ((fleet, None), (".", NOTHING)):
            sql = f"SELECT * FROM {table} LIMIT 1"
            answer = (
                query_files(folder, files, sql, most=1, name=None) if files else ask(folder, sql, name=None, most=1)
            )
            assert [(one.name, one.type) for one in answer.columns] == expected


def test_tables_fit_together(fleet: str) -> None:
    """Each look has one process, and its regions have its own id, host and day."""
    (row,) = asked(fleet, "SELECT COUNT(*), COUNT(DISTINCT look_id) FROM processes")
    assert row[0] == row[1] > 20
    sql = "SELECT COUNT(*) FROM regions r JOIN processes p USING (look_id, host, date, pid, time)"
    assert asked(fleet, sql) == asked(fleet, "SELECT COUNT(*) FROM regions")


@pytest.mark.parametrize("name", named_queries())
def test_named_queries_have_words_and_run_on_nothing(name: str) -> None:
    """Every one of them."""
    assert name in QUERIES
    assert query_files(".", NOTHING, sql_of(name), most=10, name=name).rows == []


@pytest.mark.parametrize("name", named_queries())
def test_named_queries_find_something_in_a_fleet(tmp_path: Path, name: str) -> None:
    """Where there is something to find."""
    write_fleet(str(tmp_path / "fleet"), rows=30_000, hosts=4, days=10)
    assert ask(str(tmp_path / "fleet"), sql_of(name), name=name, most=1000).rows


def test_words_and_columns_are_the_same() -> None:
    """What each column means is written beside it."""
    for table, columns in TABLES.items():
        assert {one.name for one in columns} == MEANINGS[table].keys()
    assert set(QUERIES) == set(named_queries())


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_parquet('secret.parquet')",
        "SELECT * FROM read_blob('regions/../secret.parquet')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM parquet_metadata('secret.parquet')",
        "SELECT * FROM read_parquet('http://127.0.0.1:1/x')",
        "SELECT * FROM folder",
        "SELECT * FROM engine",
        "COPY processes TO 'out.csv'",
        "COPY (SELECT 1) TO 'processes/out.parquet'",
        "EXPORT DATABASE 'out'",
        "ATTACH 'out.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "RESET lock_configuration",
        "CREATE TABLE x AS SELECT 1",
        "DROP VIEW regions",
        "SELECT 1; SELECT 2",
        "CALL pragma_version()",
        "",
        ";",
        "-- nothing",
        "FROM query('COPY (SELECT 1) TO ''out.csv''')",
        "SELECT getenv('HOME')",
        "selec",
        "\0",
        "SELECT '" + "x" * 100,
    ],
)
def test_nothing_else_is_read_and_nothing_is_written(fleet: str, sql: str) -> None:
    """Each is refused with one line, and the folder is what it was."""
    secret = Path(fleet, "secret.parquet")
    secret.write_bytes(next(Path(fleet).rglob("part-*.parquet")).read_bytes())
    before = sorted(Path(fleet).rglob("*"))
    with pytest.raises(Misuse) as caught:
        ask(fleet, sql, name=None, most=10)
    assert "\n" not in str(caught.value)
    assert sorted(Path(fleet).rglob("*")) == before
    secret.unlink()


def test_values_of_every_sort_are_plain(fleet: str) -> None:
    """Numbers, text, truth, unknown; what is no number is unknown."""
    sql = (
        "SELECT 1::HUGEINT, 1.5::DECIMAL(9,2), 'nan'::DOUBLE, NULL, true, DATE '2026-01-02',"
        " TIMESTAMP '2026-01-02 03:04:05', [1, 2], {'a': 1}, '\\xFF'::BLOB, INTERVAL 1 DAY, 'text'"
    )
    (row,) = asked(fleet, sql)
    assert row[:7] == (1, 1.5, None, None, True, "2026-01-02", "2026-01-02T03:04:05")
    assert row[7:10] == ("[1, 2]", "{'a': 1}", "\\xff")
    assert row[11] == "text"


def test_answers_have_a_bound(fleet: str) -> None:
    """Which is told."""
    answer = ask(fleet, "SELECT * FROM range(1000000000)", name=None, most=5)
    assert (len(answer.rows), answer.is_cut) == (5, True)
    assert not ask(fleet, "SELECT * FROM range(5)", name=None, most=5).is_cut


def test_a_damaged_file_is_told(fleet: str, tmp_path: Path) -> None:
    """As what it is: nobody is told that the query is wrong."""
    write_fleet(str(tmp_path / "fleet"), rows=500, hosts=1, days=1)
    path = next((tmp_path / "fleet" / "processes").rglob("*.parquet"))
    data = path.read_bytes()
    for damaged in (b"", b"PAR1", data[:-20], data[: len(data) // 2] + bytes(len(data) - len(data) // 2)):
        path.write_bytes(damaged)
        with pytest.raises(BadInput) as caught:
            ask(str(tmp_path / "fleet"), "SELECT SUM(pss), MIN(name) FROM processes", name=None, most=5)
        assert "\n" not in str(caught.value)
    assert DatasetFolder(fleet).all_files()["regions"]
