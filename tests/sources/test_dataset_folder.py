"""A dataset on disk: whole whatever ends it, and nothing in it twice."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from procmem.errors import BadInput, CannotWrite
from procmem.model.dataset import PartitionKey
from procmem.sources.dataset import folder as module
from procmem.sources.dataset.folder import DatasetFolder, StagedPart, is_host_name

ABOUT = {"schema": "procmem/dataset/1"}
KEY = PartitionKey("2026-11-27", "web1")


def put(folder: DatasetFolder, text: str, key: PartitionKey = KEY) -> None:
    """Add a part whose files hold a text."""
    with folder.changing() as scratch:
        files = {}
        for table in ("processes", "regions"):
            path = Path(scratch, table)
            path.write_text(text)
            path.chmod(0o600)
            files[table] = str(path)
        folder.put(StagedPart(key, files))


def seen(folder: DatasetFolder) -> dict[str, list[str]]:
    """What the files hold that a query reads."""
    return {
        table: sorted(Path(folder.absolute(file)).read_text() for file in files)
        for table, files in sorted(folder.all_files().items())
    }


def test_parts_lie_by_day_and_host_for_their_owner_alone(tmp_path: Path) -> None:
    """In folders as Hive, Spark and DuckDB name them."""
    folder = DatasetFolder(str(tmp_path / "fleet"), make=ABOUT)
    put(folder, "a")
    put(folder, "b", PartitionKey("2026-11-28", "db-2.example.org"))
    assert seen(folder) == {"processes": ["a", "b"], "regions": ["a", "b"]}
    assert folder.partitions() == [KEY, PartitionKey("2026-11-28", "db-2.example.org")]
    (file,) = folder.files("regions", KEY)
    assert file.startswith("regions/date=2026-11-27/host=web1/part-")
    for path in (tmp_path / "fleet").rglob("*"):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert not mode & 0o077 or path.name == "procmem-dataset.json", path
    assert not [path for path in (tmp_path / "fleet").iterdir() if path.name.startswith(".procmem-")]


def in_child(work: Callable[[], None]) -> int:
    """Run something in a child that may end anywhere; its status."""
    pid = os.fork()
    if not pid:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def ended_at(call: int, work: Callable[[], None]) -> int:
    """Run something that ends, as by SIGKILL, before so manieth change of a file or folder."""

    def dying() -> None:
        left = [call]

        def counted(original: Callable[..., object]) -> Callable[..., object]:
            def made(*args: object, **named: object) -> object:
                left[0] -= 1
                if not left[0]:
                    os._exit(9)
                return original(*args, **named)

            return made

        for name in ("rename", "unlink", "mkdir", "fsync"):
            setattr(os, name, counted(getattr(os, name)))
        work()

    return in_child(dying)


def test_whatever_ends_it_a_part_is_there_or_not(tmp_path: Path) -> None:
    """Killed before each of its steps: what is read is whole, and adding again leaves it there once."""
    for call in range(1, 100):
        folder = DatasetFolder(str(tmp_path / str(call)), make=ABOUT)
        put(folder, "before")
        status = ended_at(call, lambda folder=folder: put(folder, "new"))  # type: ignore[misc]
        found = seen(folder)
        assert found["processes"] == found["regions"]
        assert found["processes"] in (["before"], ["before", "new"])
        if found["processes"] == ["before"]:
            put(folder, "new")
        assert seen(folder) == {"processes": ["before", "new"], "regions": ["before", "new"]}
        put(folder, "later")
        assert len(list((tmp_path / str(call) / "regions").rglob("*.parquet"))) == 3
        assert os.listdir(tmp_path / str(call) / ".journal") == []
        if status == 0:
            break
    assert 8 < call < 60


def test_whatever_ends_it_compacting_loses_nothing(tmp_path: Path) -> None:
    """Each table has all of its rows, once, at every moment."""

    def compact(folder: DatasetFolder) -> None:
        for table in ("processes", "regions"):
            with folder.changing() as scratch:
                texts = [Path(folder.absolute(file)).read_text() for file in folder.files(table, KEY)]
                inner = Path(scratch, table)
                inner.mkdir()
                (inner / folder.new_name()).write_text("".join(sorted(texts)))
                folder.exchange(table, KEY, str(inner))

    for call in range(1, 100):
        folder = DatasetFolder(str(tmp_path / str(call)), make=ABOUT)
        for text in "abc":
            put(folder, text)
        status = ended_at(call, lambda folder=folder: compact(folder))  # type: ignore[misc]
        assert all("".join(texts) == "abc" for texts in seen(folder).values())
        put(folder, "d")
        assert all("".join(texts) == "abcd" for texts in seen(folder).values())
        if status == 0:
            break
    assert 5 < call < 60


def test_what_is_added_just_now_is_not_read(tmp_path: Path) -> None:
    """Regions whose processes are not there yet; and they are not taken away from who adds them."""
    folder = DatasetFolder(str(tmp_path), make=ABOUT)
    put(folder, "a")
    entry = tmp_path / ".journal" / "part-0123456789abcdef"
    entry.write_text(json.dumps(KEY))
    half = tmp_path / "regions" / "date=2026-11-27" / "host=web1" / "part-0123456789abcdef.parquet"
    half.write_text("half")
    assert seen(folder)["regions"] == ["a"]
    assert half.exists()
    put(folder, "b")
    assert not half.exists()
    assert not entry.exists()


@pytest.mark.parametrize("name", ["web1", "db-2.example.org", "10.0.0.1", "A", "x_y"])
def test_names_of_hosts(name: str) -> None:
    """As they are usual."""
    assert is_host_name(name)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a*", "a=b", "a b", "-a", "a\n", "ä", "a" * 300, "a'b", "%2e"])
def test_names_that_would_be_something_else(name: str) -> None:
    """In a path, in a pattern of paths, in SQL."""
    assert not is_host_name(name)


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    """One that holds other things, one of another schema, one that is none."""
    (tmp_path / "other").write_text("")
    with pytest.raises(CannotWrite) as full:
        DatasetFolder(str(tmp_path), make=ABOUT)
    assert full.value.code == "not-empty"
    with pytest.raises(BadInput) as none:
        DatasetFolder(str(tmp_path))
    assert none.value.code == "no-dataset"
    (tmp_path / "procmem-dataset.json").write_text('{"schema": "procmem/dataset/2"}')
    with pytest.raises(BadInput) as newer:
        DatasetFolder(str(tmp_path))
    assert newer.value.code == "other-dataset"
    (tmp_path / "procmem-dataset.json").write_text("[" * 100_000)
    with pytest.raises(BadInput):
        DatasetFolder(str(tmp_path))


def test_names_that_are_no_parts_are_passed_over(tmp_path: Path) -> None:
    """Whatever else lies there: days that are none, hosts that are none, files of others, journals of others."""
    folder = DatasetFolder(str(tmp_path), make=ABOUT)
    put(folder, "a")
    part = "part-0123456789abcdef.parquet"
    for name in (
        f"date=2026-11-27/host=*/{part}",
        f"date=x/host=web1/{part}",
        "date=2026-11-27/host=web1/x.parquet",
        "date=2026-11-27/web1/x",
        part,
    ):
        path = tmp_path / "regions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("other")
    place = tmp_path / folder.files("regions", KEY)[0]
    (place.parent / "part-0123456789abcde2.parquet").symlink_to(place)
    os.mkfifo(place.parent / "part-0123456789abcde3.parquet")
    (tmp_path / ".journal" / "part-0123456789abcde0").write_text('["2026-11-27", "../../.."]')
    (tmp_path / ".journal" / "part-0123456789abcde1").write_text("cut")
    assert seen(folder)["regions"] == ["a"]
    put(folder, "b")
    assert seen(folder)["regions"] == ["a", "b"]


def test_a_file_system_without_exchange_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing is changed."""
    folder = DatasetFolder(str(tmp_path), make=ABOUT)
    put(folder, "a")
    monkeypatch.setattr(module, "_RENAME_EXCHANGE", 1 << 20)
    with folder.changing() as scratch, pytest.raises(CannotWrite) as caught:
        folder.exchange("regions", KEY, scratch)
    assert caught.value.code == "no-exchange"
    assert seen(folder)["regions"] == ["a"]
