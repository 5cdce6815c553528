"""What is made beside a destination is gone whatever ends the making; what a killed run left goes with the next one."""

import errno
import fcntl
import gc
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from procmem.sources.scratch import PREFIX, is_unused, make_locked, remove_folder, scratch_folder
from tests.support.running import COMMAND, FIXTURES, ROOT, procmem

SLEEP = FIXTURES / "x86_64-6.18-sleep"


def abandoned(folder: Path, name: str = "abandoned") -> Path:
    """As a run that was killed leaves it."""
    path = folder / f"{PREFIX}{name}"
    path.mkdir(mode=0o700)
    (path / "recording").write_bytes(b"half")
    return path


def test_a_folder_is_there_while_it_is_used_and_only_then(tmp_path: Path) -> None:
    """Its owner alone may look into it; an error takes it along."""

    def use() -> None:
        with scratch_folder(str(tmp_path)) as path:
            assert Path(path).parent == tmp_path
            assert os.stat(path).st_mode & 0o777 == 0o700
            Path(path, "x").write_bytes(b"x")
            with scratch_folder(str(tmp_path)) as other:
                assert other != path
                assert Path(path, "x").exists()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()
    assert os.listdir(tmp_path) == []


def test_a_folder_goes_where_no_memory_is_left(tmp_path: Path) -> None:
    """Some of the address space is kept back for that: to remove a folder, Python takes a mebibyte at times."""
    code = (
        "import os, resource, sys\n"
        "from procmem.sources.scratch import scratch_folder\n"
        "kept = []\n"
        "try:\n"
        "    with scratch_folder(sys.argv[1]) as path:\n"
        "        open(os.path.join(path, 'x'), 'w').close()\n"
        "        now = int(open('/proc/self/statm').read().split()[0]) * 4096\n"
        "        resource.setrlimit(resource.RLIMIT_AS, (now, now))\n"
        "        size = 1 << 20\n"
        "        while size:\n"
        "            try:\n"
        "                kept.append(bytearray(size))\n"
        "            except MemoryError:\n"
        "                size //= 2\n"
        "        kept.append(bytearray(1 << 20))\n"
        "except MemoryError:\n"
        "    pass\n"
    )
    around = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, env=around, check=False)
    assert (done.returncode, os.listdir(tmp_path)) == (0, [])


def test_a_folder_that_cannot_be_locked_is_not_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where too many files are open."""

    def refused(*_: object) -> int:
        raise OSError(errno.EMFILE, "too many")

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(OSError, match="too many"):
        make_locked(str(tmp_path / "x"))
    monkeypatch.undo()
    assert os.listdir(tmp_path) == []


def test_what_nobody_uses_goes(tmp_path: Path) -> None:
    """Not what is in use, what is no folder, what has another name or owner, nor what a link leads to."""
    gone = abandoned(tmp_path)
    used, named = abandoned(tmp_path, "used"), abandoned(tmp_path, "not ours")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (elsewhere / "mine").write_bytes(b"x")
    link, file = tmp_path / f"{PREFIX}link", tmp_path / f"{PREFIX}file"
    link.symlink_to("elsewhere")
    file.write_bytes(b"x")
    lock = os.open(used, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        with scratch_folder(str(tmp_path)):
            pass
    finally:
        os.close(lock)
    assert not gone.exists()
    assert all(one.exists() for one in (used / "recording", named / "recording", elsewhere / "mine", link, file))


def test_a_folder_that_is_taken_away_before_it_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run took it for abandoned: there is a new one."""
    taken: list[str] = []
    real = fcntl.flock

    def slow(fd: int, how: int) -> None:
        if not taken:
            path = os.readlink(f"/proc/self/fd/{fd}")
            taken.append(path)
            os.rmdir(path)
        real(fd, how)

    monkeypatch.setattr(fcntl, "flock", slow)
    with scratch_folder(str(tmp_path)) as path:
        assert taken
        assert path not in taken
        assert os.path.isdir(path)


def descriptors() -> list[str]:
    gc.collect()
    return sorted(name for name in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{name}"))


def lock_that_raises(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    def refused(_fd: int, _how: int) -> None:
        raise error

    monkeypatch.setattr(fcntl, "flock", refused)


def test_a_lock_is_shared_and_keeps_others_from_removing(tmp_path: Path) -> None:
    """As long as its descriptor is open, and no longer; the folder is its owner's alone."""
    path = str(tmp_path / "x")
    before = descriptors()
    lock = make_locked(path)
    assert lock is not None
    assert os.stat(path).st_mode & 0o777 == 0o700
    assert not os.get_inheritable(lock)
    second = os.open(path, os.O_RDONLY)
    fcntl.flock(second, fcntl.LOCK_SH | fcntl.LOCK_NB)
    os.close(second)
    assert not is_unused(path)
    assert remove_folder(path) == "in-use"
    os.close(lock)
    assert is_unused(path)
    assert remove_folder(path) is None
    assert descriptors() == before
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("error", "is_lost"),
    [(BlockingIOError(errno.EAGAIN, "locked"), True), (OSError(errno.ENOLCK, "no locks"), False)],
    ids=["swept", "without locks"],
)
def test_where_a_folder_cannot_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, is_lost: bool
) -> None:
    """Whoever holds it means to remove it: it is given up. Where there are no locks, nobody removes it."""
    lock_that_raises(monkeypatch, error)
    before = descriptors()
    lock = make_locked(str(tmp_path / "x"))
    assert (lock is None, os.listdir(tmp_path)) == (is_lost, [] if is_lost else ["x"])
    if lock is not None:
        os.close(lock)
    assert descriptors() == before
    assert is_lost or not is_unused(str(tmp_path / "x"))


def test_a_folder_that_went_before_it_was_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By another run, or between opening and locking."""
    real = os.open

    def late(path: str, flags: int) -> int:
        os.rmdir(path)
        return real(path, flags)

    monkeypatch.setattr(os, "open", late)
    assert make_locked(str(tmp_path / "x")) is None
    monkeypatch.undo()
    with pytest.raises(FileNotFoundError):
        make_locked(str(tmp_path / "none" / "x"))
    with pytest.raises(FileExistsError):
        make_locked(str(tmp_path))


def test_why_a_folder_is_not_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a link, a file, another user's, or the system says why; what is not there is gone."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "file").touch()
    before = descriptors()
    asked = ("none", "link", "file")
    assert [remove_folder(str(tmp_path / name)) for name in asked] == [None, "not-ours", "not-ours"]
    for name in ("link", "file"):
        with pytest.raises(OSError, match=r"Not a directory|Too many levels"):
            is_unused(str(tmp_path / name))
    folder = str(tmp_path / "folder")
    with monkeypatch.context() as patched:
        patched.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert remove_folder(folder) == "not-ours"
    for error, said in ((FileNotFoundError(), None), (OSError(errno.ENOTEMPTY, "Directory not empty"), "Directory")):
        with monkeypatch.context() as patched:

            def refused(_path: str, error: OSError = error) -> None:
                raise error

            patched.setattr("shutil.rmtree", refused)
            assert (remove_folder(folder) or "").split(" ")[0] == (said or "")
    with monkeypatch.context() as patched:

        def denied(_path: str, _flags: int) -> int:
            raise PermissionError(errno.EACCES, "Permission denied")

        patched.setattr(os, "open", denied)
        assert remove_folder(folder) == "Permission denied"
    assert os.path.isdir(folder)
    assert descriptors() == before


def test_a_folder_that_may_be_written_and_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What others left there cannot be seen; one's own can be made all the same, and leaves no descriptor."""

    def denied(_path: str) -> list[str]:
        raise PermissionError

    before = descriptors()
    with monkeypatch.context() as patched:
        patched.setattr(os, "listdir", denied)
        with scratch_folder(str(tmp_path)) as path:
            assert os.path.isdir(path)
            assert os.path.basename(path).startswith(PREFIX)
    assert os.listdir(tmp_path) == []
    assert descriptors() == before


@pytest.mark.parametrize("name", ["out", "out.tar.gz"])
def test_record_clears_away_what_a_killed_one_left(tmp_path: Path, name: str) -> None:
    """In the folder that it writes to."""
    gone = abandoned(tmp_path)
    assert procmem("record", str(SLEEP), "-o", str(tmp_path / name)).status == 0
    assert not gone.exists()
    assert os.listdir(tmp_path) == [name]


ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)


@pytest.mark.parametrize("number", ENDINGS, ids=lambda one: one.name)
def test_signals_at_any_moment(tmp_path: Path, number: signal.Signals) -> None:
    """Whole or not at all, and nothing beside it; twice the same signal is no worse."""
    dice = random.Random(number)
    for attempt in range(8):
        out = tmp_path / "out"
        with subprocess.Popen(
            [*COMMAND, "record", str(SLEEP), "-o", str(out)], cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True
        ) as run:
            time.sleep(dice.uniform(0.05, 0.4))
            run.send_signal(number)
            if attempt % 2:
                run.send_signal(number)
            _, said = run.communicate(timeout=60)
        if number is signal.SIGKILL:
            if out.exists():
                assert procmem("inspect", "--from", str(out)).status == 0
                procmem("record", str(SLEEP), "-o", str(tmp_path / "next"))
            else:
                procmem("record", str(SLEEP), "-o", str(out))
        elif out.exists():
            assert procmem("inspect", "--from", str(out)).status == 0
        assert not [name for name in os.listdir(tmp_path) if name.startswith(PREFIX)], (run.returncode, said)
        for name in os.listdir(tmp_path):
            subprocess.run(["rm", "-rf", str(tmp_path / name)], check=True)
