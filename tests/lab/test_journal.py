"""The journal and what undoes it: each kind of entry, and whatever else the file may hold."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from procmem.lab import root_folder, scratch, undo
from procmem.lab.journal import Entry, Journal, boot
from procmem.model.note import note
from procmem.model.reports.lab import Restored, RestoreOutcome, Skipped
from procmem.sources.scratch import remove_folder
from procmem.text.lab import left_reason
from tests.support.running import wait_for

RESTORED, LEFT, FAILED = RestoreOutcome.RESTORED, RestoreOutcome.LEFT, RestoreOutcome.FAILED


@pytest.fixture
def fd(tmp_path: Path) -> Iterator[int]:
    """An empty journal's file."""
    opened = os.open(tmp_path / "journal", os.O_RDWR | os.O_CREAT, 0o600)
    yield opened
    os.close(opened)


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pool of huge pages made of files."""
    (tmp_path / "surplus_hugepages").write_text("0\n")
    monkeypatch.setattr(undo, "HUGE_PAGES", str(tmp_path))
    return tmp_path / "nr_hugepages"


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of cgroups, version 2, made of files."""
    root = tmp_path / "groups"
    root.mkdir()
    monkeypatch.setattr(undo, "group_root", lambda: (str(root), 2))
    return root


def made(kind: str, *, since: str | None = None, is_made: bool = False, **values: object) -> Entry:
    """An entry of the journal."""
    return Entry(1, kind, values, boot() if since is None else since, is_made)


def test_what_is_written_is_read_back(fd: int) -> None:
    """What is begun stands there until it is ended, the latest first; then the file is empty."""
    journal = Journal(fd)
    first = journal.begin("folder", path="/tmp/procmem-lab-1")
    second = journal.begin("huge-pages", before=3, set=5)
    journal.made(second)
    again = Journal(fd)
    assert [(one.kind, one.values, one.made, one.boot) for one in again.entries] == [
        ("huge-pages", {"before": 3, "set": 5}, True, boot()),
        ("folder", {"path": "/tmp/procmem-lab-1"}, False, boot()),
    ]
    again.end(second)
    assert [one.kind for one in Journal(fd).entries] == ["folder"]
    again.end(first)
    assert os.fstat(fd).st_size == 0


def test_a_line_that_was_cut_off_is_passed_over(fd: int) -> None:
    """What follows it stands on a line of its own."""
    os.write(fd, b'{"begin": 1, "kind": "fol')
    journal = Journal(fd)
    assert (journal.entries, journal.unreadable) == ((), 1)
    journal.begin("folder", path="/tmp/procmem-lab-1")
    assert [one.kind for one in Journal(fd).entries] == ["folder"]


@pytest.mark.parametrize(
    "text",
    [
        b"\0" * 1000,
        b"[" * 100_000,
        b"null\n[]\n1\n",
        b'{"begin": 1, "kind": "folder", "boot": "", "values": {"path": ["/"]}}',
        b'{"begin": 1, "kind": "folder", "boot": "", "values": {"path": "/\\u0000"}}',
        b'{"begin": -1, "kind": "folder", "boot": "", "values": {}}',
        b'{"begin": %s, "kind": "folder", "boot": "", "values": {}}' % (b"9" * 5000),
        b'{"begin": 1, "kind": 7, "boot": "", "values": {}}',
        os.urandom(4096),
    ],
)
def test_nonsense_is_tolerated(fd: int, text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names nothing that could be undone; it is told, and dropped."""
    monkeypatch.setattr(undo, "sweep", lambda: iter(()))
    os.write(fd, text)
    journal = Journal(fd)
    assert journal.entries == ()
    assert journal.unreadable >= 1
    (told,) = undo.restore(journal)
    assert (told.kind, told.outcome) == ("journal", LEFT)
    assert os.fstat(fd).st_size == 0


def test_a_journal_larger_than_any_is_read_to_a_bound(fd: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """50 MB of lines cost as much as 256 KiB, and what could be read of them is undone."""
    monkeypatch.setattr(undo, "sweep", lambda: iter(()))
    line = {"begin": 1, "kind": "folder", "boot": boot(), "values": {"path": "/tmp/procmem-lab-0000000000000000"}}
    os.write(fd, json.dumps(line).encode() + b"\n")
    os.ftruncate(fd, 50 << 20)
    journal = Journal(fd)
    assert journal.too_large
    assert len(journal.entries) == 1
    assert [one.kind for one in undo.restore(journal)] == ["journal"]
    assert os.fstat(fd).st_size == 0


def test_what_fails_stays_in_the_journal(fd: int, pool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run tries it again."""
    monkeypatch.setattr(undo, "sweep", lambda: iter(()))
    pool.mkdir()  # reading it fails
    journal = Journal(fd)
    journal.begin("huge-pages", before=0, set=2)
    assert [one.outcome for one in undo.restore(journal)] == [FAILED]
    assert [one.kind for one in Journal(fd).entries] == ["huge-pages"]


def test_what_fails_at_first_is_tried_again_behind_the_sweep(
    fd: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder in which a swap area was still on."""
    folder = tmp_path / "procmem-lab-1"
    folder.mkdir()
    remove = remove_folder
    monkeypatch.setattr(undo, "remove_folder", lambda _path: "Operation not permitted")

    def sweep() -> Iterator[Restored]:
        monkeypatch.setattr(undo, "remove_folder", remove)
        return iter(())

    monkeypatch.setattr(undo, "sweep", sweep)
    journal = Journal(fd)
    journal.begin("folder", path=str(folder))
    assert [one.outcome for one in undo.restore(journal)] == [RESTORED]
    assert not folder.exists()
    assert os.fstat(fd).st_size == 0


@pytest.mark.parametrize(
    ("found", "is_made", "outcome", "after"),
    [
        (5, True, RESTORED, 3),
        (5, False, RESTORED, 3),
        (4, False, RESTORED, 3),  # the kernel had only one, or we were killed before it had two
        (4, True, LEFT, 4),  # it had both: somebody else took one away
        (9, True, LEFT, 9),
        (1, False, LEFT, 1),
        (3, True, None, 3),
    ],
)
def test_the_pool_is_put_back_where_it_is_still_ours(
    pool: Path, found: int, is_made: bool, outcome: RestoreOutcome | None, after: int
) -> None:
    """By what the journal says, and not by what is found."""
    pool.write_text(str(found))
    told = undo.undo(made("huge-pages", is_made=is_made, before=3, set=5))
    assert (None if told is None else told.outcome) == outcome
    assert int(pool.read_text()) == after
    if told is not None:
        assert (told.found, told.before) == (found, 3)


def test_swappiness_is_put_back_where_it_is_still_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's value is told and left."""
    setting = tmp_path / "swappiness"
    monkeypatch.setattr(undo, "SWAPPINESS", str(setting))
    setting.write_text("200\n")
    entry = made("swappiness", before=60, set=200)
    assert undo.undo(entry) == Restored("swappiness", str(setting), RESTORED, None, 60, 200)
    assert setting.read_text() == "60"
    setting.write_text("10\n")
    assert undo.undo(entry) == Restored("swappiness", str(setting), LEFT, note("changed-since"), 60, 10)
    assert setting.read_text() == "10\n"


def test_another_boot_has_other_values_and_the_same_files(pool: Path, tmp_path: Path) -> None:
    """A number that happens to be the same was not set by us."""
    pool.write_text("5")
    assert undo.undo(made("huge-pages", since="another", is_made=True, before=3, set=5)) is None
    assert pool.read_text() == "5"
    folder = tmp_path / "procmem-lab-left"
    folder.mkdir()
    told = undo.undo(made("folder", since="another", path=str(folder)))
    assert told is not None
    assert told.outcome is RESTORED
    assert not folder.exists()


def test_a_group_is_removed_and_a_controller_given_up(groups: Path) -> None:
    """A group of another name, or elsewhere, is not."""
    ours, others, elsewhere = groups / "procmem-lab-1", groups / "web", groups.parent / "procmem-lab-2"
    for folder in (ours, others, elsewhere):
        folder.mkdir()
    outcomes = [undo.undo(made("group", path=str(folder))) for folder in (ours, others, elsewhere, ours)]
    assert [one and one.outcome for one in outcomes] == [RESTORED, LEFT, LEFT, None]
    assert [folder.exists() for folder in (ours, others, elsewhere)] == [False, True, True]
    control = groups / "cgroup.subtree_control"
    control.write_text("cpu memory\n")
    (others / "memory.max").write_text("1048576\n")
    told = undo.undo(made("controllers", path=str(control)))
    assert told is not None
    assert (told.outcome, told.reason) == (LEFT, note("still-used"))
    (others / "memory.max").write_text("max\n")
    told = undo.undo(made("controllers", path=str(control)))
    assert told is not None
    assert (told.outcome, control.read_text()) == (RESTORED, "-memory")


def test_a_child_is_known_by_its_start(tmp_path: Path) -> None:
    """Another process of the same pid is left alone; ours is killed with its forks."""
    del tmp_path
    code = "import os, time\nos.fork()\nos.write(1, b'%d\\n' % os.getpid())\ntime.sleep(1000)"
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None
    pids = [int(child.stdout.readline()) for _ in range(2)]
    start = undo.start_of(child.pid)
    assert start is not None
    assert undo.undo(made("child", pid=child.pid, start=start + 1)) is None
    assert undo.undo(made("child", pid=1, start=start)) is None
    assert child.poll() is None
    told = undo.undo(made("child", pid=child.pid, start=start))
    assert told is not None
    assert (told.outcome, told.what) == (RESTORED, str(child.pid))
    assert child.wait(10) == -signal.SIGKILL
    wait_for(lambda: all(undo.start_of(pid) is None for pid in pids))
    child.stdout.close()


@pytest.mark.parametrize(
    "path",
    ["/etc", "/", "procmem-lab-relative", "/tmp/../etc/procmem-lab-1", "/tmp/procmem-lab-1/../../etc", "", "/tmp/lab"],
)
@pytest.mark.parametrize("kind", ["folder", "swap", "group"])
def test_a_path_that_is_not_ours_is_left(kind: str, path: str, groups: Path) -> None:
    """Whatever the journal says."""
    del groups
    told = undo.undo(made(kind, path=path))
    assert told is not None
    assert (told.outcome, told.reason) == (LEFT, note("not-ours"))


@pytest.mark.parametrize(
    ("kind", "values"),
    [("folder", {}), ("folder", {"path": 7}), ("swap", {"path": 1}), ("huge-pages", {"before": "x"}),
     ("huge-pages", {"before": 0, "set": "y"}), ("child", {"pid": "1", "start": 0}), ("child", {"pid": 9}),
     ("group", {"path": 1}), ("swappiness", {}), ("no such kind", {})],
)  # fmt: skip
def test_an_entry_without_its_values_is_left(kind: str, values: dict[str, object], pool: Path) -> None:
    """It is told, and nothing is touched."""
    pool.write_text("0")
    told = undo.undo(Entry(1, kind, values, boot()))
    assert told is not None
    assert told.outcome is LEFT


def test_no_link_is_followed(tmp_path: Path) -> None:
    """Neither in place of a folder nor within it."""
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "gold").write_text("gold")
    link = tmp_path / "procmem-lab-link"
    link.symlink_to(treasure)
    told = undo.undo(made("folder", path=str(link)))
    assert told is not None
    assert (told.outcome, told.reason) == (LEFT, note("not-ours"))
    folder = tmp_path / "procmem-lab-1"
    folder.mkdir()
    (folder / "in").symlink_to(treasure)
    told = undo.undo(made("folder", path=str(folder)))
    assert told is not None
    assert told.outcome is RESTORED
    assert not folder.exists()
    assert (treasure / "gold").read_text() == "gold"


def test_a_folder_in_use_is_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its lock says so; without one it is abandoned, and one of an older release only after an hour."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch.scratch_folder() as folder:
        assert remove_folder(folder) == "in-use"
        assert folder not in set(scratch.abandoned_folders())
        assert os.stat(folder).st_mode & 0o777 == 0o700
    assert not os.path.exists(folder)
    left, older, young = (tmp_path / name for name in (scratch.new_name(), "procmem-lab-abcd1234", "procmem-lab-_now"))
    for path in (left, older, young):
        path.mkdir()
    os.utime(older, (0, 0))
    found = {path for path in scratch.abandoned_folders() if path.startswith(str(tmp_path))}
    assert found == {str(left), str(older)}


@pytest.mark.needs_root
def test_the_folder_of_lock_and_journal_is_roots_alone(tmp_path: Path) -> None:
    """It is made so; a link, another's, or one that others may write to is refused, and so are such files."""
    tmp_path.chmod(0o755)
    place = tmp_path / "procmem"
    folder = root_folder.open_folder(str(place))
    assert place.stat().st_mode & 0o7777 == 0o700
    (place / "plain").touch(0o600)
    (place / "link").symlink_to("/etc/passwd")
    (place / "hard").hardlink_to(place / "plain")
    os.mkfifo(place / "fifo")
    (place / "open").touch()
    (place / "open").chmod(0o666)
    (place / "others").touch(0o600)
    os.chown(place / "others", 65534, 65534)
    for name in ("link", "hard", "fifo", "open", "others"):
        with pytest.raises(Skipped):
            root_folder.open_within(folder, name)
    os.close(folder)
    place.chmod(0o770)
    with pytest.raises(Skipped):
        root_folder.open_folder(str(place))
    place.chmod(0o700)
    os.chown(place, 65534, 65534)
    with pytest.raises(Skipped):
        root_folder.open_folder(str(place))
    link = tmp_path / "link"
    link.symlink_to(place)
    with pytest.raises(Skipped):
        root_folder.open_folder(str(link))
    tmp_path.chmod(0o777)
    with pytest.raises(Skipped):
        root_folder.open_folder(str(tmp_path / "new"))
    assert not (tmp_path / "new").exists()


def test_a_group_where_none_is_mounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a chroot, or after the controller was unmounted: told, and the rest is undone."""

    def nowhere() -> tuple[str, int]:
        raise Skipped("no-cgroup")

    monkeypatch.setattr(undo, "group_root", nowhere)
    told = undo.undo(Entry(1, "group", {"path": "/sys/fs/cgroup/procmem-lab-1"}, boot()))
    assert told is not None
    assert told.outcome is LEFT
    assert told.reason is not None
    assert left_reason(told.reason)
