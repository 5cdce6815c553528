"""A text is written whole or not at all; what can be known before a long work is told before it."""

from pathlib import Path

import pytest

from procmem.errors import CannotWrite
from procmem.sources.recording.write import may_save_text, save_text


def test_where_a_text_may_be_written(tmp_path: Path) -> None:
    """A new file, and one that is there."""
    place = tmp_path / "report.html"
    may_save_text(str(place))
    assert not place.exists()
    save_text(str(place), "one")
    may_save_text(str(place))
    save_text(str(place), "two")
    assert place.read_text() == "two"
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]
    assert place.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["no folder", "a folder", "a link", "a dead link"])
def test_where_it_may_not(tmp_path: Path, kind: str) -> None:
    """No folder, a folder of that name, a link wherever it leads."""
    place = tmp_path / "report.html"
    if kind == "no folder":
        place = tmp_path / "none" / "report.html"
    elif kind == "a folder":
        place.mkdir()
    else:
        target = tmp_path / "target"
        place.symlink_to(target)
        if kind == "a link":
            target.write_text("kept")
    for words in ((), ("x",)):
        with pytest.raises(CannotWrite) as caught:
            save_text(str(place), *words) if words else may_save_text(str(place))
        assert caught.value.code == ("no-folder-to-write" if kind == "no folder" else "not-regular")
    assert not (tmp_path / "target").exists() or (tmp_path / "target").read_text() == "kept"
