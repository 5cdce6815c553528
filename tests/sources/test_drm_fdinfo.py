"""Descriptors of graphics devices are found by their links, and no more of them are looked at than is cheap."""

import os
import resource
import shutil
import sys
import time
from pathlib import Path

import pytest

from procmem.model.raw import Refusal
from procmem.queries.targets import one_target
from procmem.sources.drm_fdinfo import read_drm_fdinfo
from tests.parse.test_drm_fdinfo import AMD, INTEL
from tests.support.open_files import no_file_left_open
from tests.support.running import FIXTURES, procmem, started

SLEEP = FIXTURES / "x86_64-6.18-sleep"
MANY = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]) + 10,) * 2)
for number in range(int(sys.argv[1])):
    os.dup(0)
print("ready", flush=True)
sys.stdin.read()
"""


def tree(folder: Path) -> Path:
    """A copied /proc of one process, which has two descriptors of one client, and one of another device."""
    shutil.copytree(SLEEP / "2557", folder / "2557")
    for name in ("fd", "fdinfo"):
        (folder / "2557" / name).mkdir()
    for number, link, text in (
        (0, "/dev/null", b"pos:\t0\n"),
        (4, "/dev/dri-of-mine", INTEL),
        (5, "/dev/dri/renderD128", AMD),
        (6, "/dev/dri/renderD128", AMD),
        (11, "/dev/dri/card1", INTEL),
        (12, "/dev/accel/accel0", INTEL.replace(b"i915", b"intel_vpu")),
    ):
        (folder / "2557" / "fd" / str(number)).symlink_to(link)
        (folder / "2557" / "fdinfo" / str(number)).write_bytes(text)
    return folder


def test_links_tell_which_files_to_read(tmp_path: Path) -> None:
    """Those below /dev/dri and /dev/accel, in order."""
    folder = os.open(tree(tmp_path) / "2557", os.O_RDONLY)
    try:
        found = read_drm_fdinfo(folder)
    finally:
        os.close(folder)
    assert isinstance(found, tuple)
    assert [number for number, _ in found[0]] == [5, 6, 11, 12]
    assert found[1]


def test_inspect_shows_them_beside_res(tmp_path: Path) -> None:
    """A line a device, in both languages and in JSON; the same from a recording, a copied folder and a series' look."""
    made = tree(tmp_path / "proc")
    page = procmem("inspect", "--procfs", str(made), "2557", "--width", "120").out
    assert "GPU  amdgpu 0000:03:00.0: vram 1 GiB of 1.3 GiB, gtt 9.3 MiB; beside RES" in page
    assert page.count(" GPU  ") == 3
    assert "与 RES 并列" in procmem("inspect", "--procfs", str(made), "2557", "--lang", "zh").out
    gpu = procmem("inspect", "--procfs", str(made), "2557", "--json").json["surroundings"]["gpu"]
    assert [(one["driver"], one["clients"]) for one in gpu["devices"]] == [("amdgpu", 1), ("i915", 1), ("intel_vpu", 1)]
    assert gpu["complete"] is True
    path = str(tmp_path / "recorded.tar.gz")
    assert procmem("record", "--procfs", str(made), "2557", "-o", path).status == 0
    assert procmem("inspect", "--from", path, "--json").json["surroundings"]["gpu"] == gpu
    (made / "2557" / "fdinfo" / "4").unlink()  # of which its link alone says that it is no device's
    shutil.rmtree(made / "2557" / "fd")
    assert procmem("inspect", "--from", str(made / "2557"), "--json").json["surroundings"]["gpu"] == gpu


def test_what_is_not_known_is_null() -> None:
    """An older recording says nothing of it; a process without such a device has none."""
    assert procmem("inspect", "--json", str(SLEEP)).json["surroundings"]["gpu"] is None
    found = procmem("inspect", "--json", "self").json["surroundings"]["gpu"]
    assert found == {"devices": [], "complete": True}


def test_very_many_descriptors_cost_little() -> None:
    """The first of them are looked at, and it is said that there are more."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    count = 100_000 if most > 100_100 else 5000
    with started([sys.executable, "-c", MANY, str(count)]) as child, one_target(str(child.pid)).open() as target:
        folder = os.open(f"/proc/{child.pid}", os.O_RDONLY)
        began = time.process_time()
        found = read_drm_fdinfo(folder)
        spent = time.process_time() - began
        os.close(folder)
        assert target.pid == child.pid
    assert found == ([], False)
    assert spent < 0.3


def test_descriptors_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their folder is not there, or denied; or its list fails: why, and no file stays open."""
    with no_file_left_open():
        folder = os.open(tmp_path, os.O_RDONLY)
        try:
            assert read_drm_fdinfo(folder) is Refusal.ABSENT
            (tmp_path / "fd").mkdir()
            assert read_drm_fdinfo(folder) == ([], True)
            for error, refusal in (
                (PermissionError(13, "no"), Refusal.DENIED),
                (ProcessLookupError(3, ""), Refusal.GONE),
            ):

                def refused(_fd: int, error: OSError = error) -> None:
                    raise error

                with monkeypatch.context() as patched:
                    patched.setattr(os, "scandir", refused)
                    assert read_drm_fdinfo(folder) is refusal
        finally:
            os.close(folder)
