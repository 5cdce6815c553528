"""Recordings in folders of folders, and what a recording is known by."""

import shutil
import tarfile
from pathlib import Path

import pytest

from procmem.sources.recording.find import folder_name, recordings_below
from procmem.sources.recording.read import RecordedSource
from tests.support.running import FIXTURES

SLEEP = FIXTURES / "x86_64-6.18-sleep"


def test_folders_are_gone_through_and_recordings_are_not(tmp_path: Path) -> None:
    """In the order of names; hidden names and links to folders are left out."""
    for name in ("b/x.tar.gz", "a/deep/er/y.series", "a/.hidden", ".git/z"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    shutil.copytree(SLEEP, tmp_path / "a" / "recording")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = [str(Path(path).relative_to(tmp_path)) for path in recordings_below(str(tmp_path))]
    assert found == ["a/deep/er/y.series", "a/recording", "b/x.tar.gz"]
    assert list(recordings_below(str(SLEEP))) == [str(SLEEP)]
    assert list(recordings_below("/nowhere")) == ["/nowhere"]
    assert folder_name("/some/web1/x.tar.gz") == "web1"


def test_a_recording_is_known_by_its_content(tmp_path: Path) -> None:
    """Wherever it lies, and however it is packed; each byte of a file and each name counts."""
    digest = RecordedSource(str(SLEEP)).digest()
    archive = tmp_path / "sleep.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        for path in sorted(SLEEP.rglob("*"), reverse=True):
            packed.add(path, path.relative_to(SLEEP), recursive=False)
    assert RecordedSource(str(archive)).digest() == digest
    for number, change in enumerate(("2557/status", "uptime")):
        copy = tmp_path / str(number)
        shutil.copytree(SLEEP, copy)
        (copy / change).write_bytes((copy / change).read_bytes() + b"\n")
        assert RecordedSource(str(copy)).digest() != digest
    copy = tmp_path / "renamed"
    shutil.copytree(SLEEP, copy)
    (copy / "uptime").rename(copy / "uptimes")
    assert RecordedSource(str(copy)).digest() != digest


@pytest.mark.parametrize(
    ("line", "when"),
    [
        ('when = "2026-11-23T08:19:24+00:00"', 1795421964.0),
        ('when = "yesterday"', None),
        ("when = 7", None),
        ("", None),
    ],
)
def test_when_a_recording_was_made(tmp_path: Path, line: str, when: float | None) -> None:
    """As it says, where that is a moment."""
    copy = tmp_path / "copy"
    shutil.copytree(SLEEP, copy)
    about = copy / "about.toml"
    lines = [one for one in about.read_text().split("\n") if not one.startswith("when")]
    about.write_text("\n".join([line, 'host = "web1"', *lines]))
    source = RecordedSource(str(copy))
    assert (source.when, source.host) == (when, "web1")
    assert RecordedSource(str(SLEEP)).host is None
