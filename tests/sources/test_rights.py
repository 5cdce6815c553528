"""Which right is missing: told with each refusal, in notes and in errors, and true."""

import _ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from procmem.model.capabilities import CAP_SYS_PTRACE
from procmem.model.namespaces import FIRST_USER_NAMESPACE
from procmem.model.raw import MissingRight, Refusal
from procmem.sources import rights
from procmem.text.refusals import RIGHTS
from tests.support.needs import lacking, program
from tests.support.running import AS_NOBODY, ROOT, procmem, started

HIDDEN = "import ctypes, time; ctypes.CDLL(None).prctl(4, 0); print('ready', flush=True); time.sleep(1000)"
"""PR_SET_DUMPABLE 0."""
HIDDEN_AS_NOBODY = f"{AS_NOBODY.rsplit('from procmem.cli.main', 1)[0]}exec({HIDDEN!r})"


def as_root_without_rights(*words: str) -> "subprocess.CompletedProcess[str]":
    """As root in a container is: without CAP_SYS_PTRACE and its like."""
    command = [program("setpriv"), "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]
    command += [sys.executable, "-m", "procmem", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.mark.needs_root
@pytest.mark.machine
@pytest.mark.parametrize(
    "words",
    [
        ("inspect", "1"), ("inspect", "1", "--regions"), ("inspect", "1", "--csv"), ("inspect", "1", "--markdown"),
        ("explain", "1"), ("account", "1"), ("account", "1", "--csv"), ("threads", "1"), ("crosscheck", "1"),
        ("shared", "1"), ("record", "1", "-o", "OUT"), ("pmap", "1"), ("translate", "1", "400000"), ("diff", "1", "1"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_another_users_process(words: Sequence[str], tmp_path: Path) -> None:
    """The file and the right are named once, nothing unknown is a zero, and nothing is written."""
    out = tmp_path / "out"
    run = procmem(*(str(out) if word == "OUT" else word for word in words), nobody=True)
    said = run.out + run.err
    assert " ".join(said.split()).count(str(RIGHTS[MissingRight.OTHER_USER])) == 1, run
    assert "smaps: " in said or "maps may not be read" in said, run
    assert run.status in (0, 4), run
    assert (run.status == 4) == ("procmem: process 1: " in run.err), run
    assert not out.exists()
    for line in run.out.splitlines():
        words_of_line = line.split()
        assert not (words_of_line[:1] in (["PSS"], ["USS"]) and "0" in words_of_line), run


@pytest.mark.needs_root
def test_root_without_the_capability() -> None:
    """It is not told to try as root, but what it lacks."""
    with started([sys.executable, "-c", HIDDEN_AS_NOBODY]) as child:
        done = as_root_without_rights("inspect", str(child.pid), "--regions")
    assert "CAP_SYS_PTRACE" in done.stdout + done.stderr, done
    assert "as root" not in done.stdout + done.stderr, done


@pytest.mark.needs_root
def test_a_process_of_ones_own_that_hides() -> None:
    """PR_SET_DUMPABLE, as password agents set it."""
    with started([sys.executable, "-c", HIDDEN_AS_NOBODY]) as child:
        run = procmem("inspect", str(child.pid), nobody=True)
        assert str(RIGHTS[MissingRight.NOT_DUMPABLE]) in run.out, run
        os.kill(child.pid, signal.SIGKILL)


@pytest.mark.needs_root
def test_a_process_of_a_namespace_outside() -> None:
    """All capabilities of a user namespace say nothing of who is outside of it."""
    command = [program("unshare"), "--user", "--map-root-user", sys.executable, "-m", "procmem", "inspect", "1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if "unshare:" in done.stderr:
        lacking("no user namespace can be made here")
    assert str(RIGHTS[MissingRight.OUTER_NAMESPACE]) in " ".join(done.stdout.split()), done


@pytest.mark.parametrize(
    ("inode", "right"),
    [(FIRST_USER_NAMESPACE, None), (None, None), (FIRST_USER_NAMESPACE - 9, MissingRight.OUTER_NAMESPACE)],
)
def test_nothing_lies_outside_of_the_first_namespace(
    inode: int | None, right: MissingRight | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is refused there in spite of the capability is refused by something else, which nobody tells."""
    monkeypatch.setattr(rights, "effective_capabilities", lambda: 1 << CAP_SYS_PTRACE)
    monkeypatch.setattr(rights, "_namespace", lambda: inode)
    assert rights.missing_right(os.getpid()) is right


class Asked:
    """A machine on which one process is asked about by another one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **told: Any) -> None:
        self.told: dict[str, Any] = {
            "uid": b"1000\t1000\t1000\t1000", "euid": 1000, "owner": 1000, "scope": 0, "capabilities": 0,
            "namespace": FIRST_USER_NAMESPACE,
        } | told  # fmt: skip
        monkeypatch.setattr(rights, "read_whole", self.read)
        monkeypatch.setattr(os, "geteuid", lambda: self.told["euid"])
        monkeypatch.setattr(os, "stat", self.stat)

    def read(self, name: str, _folder: None) -> bytes | Refusal:
        """Three files, and no others."""
        files = {
            "/proc/7/status": None if self.told["uid"] is None else b"Name:\tx\nUid:\t%s\n" % self.told["uid"],
            "/proc/self/status": b"CapPrm:\tffff\nCapEff:\t%016x\n" % self.told["capabilities"],
            "/proc/sys/kernel/yama/ptrace_scope": None if self.told["scope"] is None else b"%d\n" % self.told["scope"],
        }
        found = files[name]
        return Refusal.ABSENT if found is None else found

    def stat(self, name: str) -> os.stat_result:
        """Who owns its files, and our user namespace."""
        found = {"/proc/7/stat": self.told["owner"], "/proc/self/ns/user": self.told["namespace"]}[name]
        if found is None:
            raise FileNotFoundError
        return os.stat_result((0, found, 0, 0, found, 0, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("told", "to_read", "to_attach"),
    [
        ({"uid": None}, None, None),
        ({}, MissingRight.MORE_CAPABILITIES, MissingRight.MORE_CAPABILITIES),
        ({"scope": None}, MissingRight.MORE_CAPABILITIES, MissingRight.MORE_CAPABILITIES),
        ({"scope": 1}, MissingRight.MORE_CAPABILITIES, MissingRight.YAMA),
        ({"scope": 3}, MissingRight.MORE_CAPABILITIES, MissingRight.YAMA),
        ({"owner": 0, "scope": 1}, MissingRight.NOT_DUMPABLE, MissingRight.NOT_DUMPABLE),
        ({"owner": None, "scope": 1}, None, None),
        *(
            ({"uid": b"\t".join(users)}, MissingRight.OTHER_USER, MissingRight.OTHER_USER)
            for users in (
                [b"0", b"1000", b"1000", b"1000"], [b"1000", b"0", b"1000", b"1000"],
                [b"1000", b"1000", b"0", b"1000"], [b"1000", b"1000", b"1000", b"0"], [b"0"] * 4,
            )
        ),
        ({"euid": 0}, MissingRight.ROOT_WITHOUT, MissingRight.ROOT_WITHOUT),
        ({"euid": 0, "scope": 3, "owner": 0}, MissingRight.ROOT_WITHOUT, MissingRight.ROOT_WITHOUT),
        ({"capabilities": 1 << CAP_SYS_PTRACE}, None, None),
        (
            {"capabilities": ~(1 << CAP_SYS_PTRACE) & (1 << 40) - 1},
            MissingRight.MORE_CAPABILITIES, MissingRight.MORE_CAPABILITIES,
        ),
        ({"capabilities": 1 << CAP_SYS_PTRACE, "scope": 2}, None, None),
        ({"capabilities": 1 << CAP_SYS_PTRACE, "scope": 3}, None, MissingRight.YAMA),
        ({"capabilities": 1 << CAP_SYS_PTRACE, "namespace": None}, None, None),
        (
            {"capabilities": 1 << CAP_SYS_PTRACE, "namespace": 1},
            MissingRight.OUTER_NAMESPACE, MissingRight.OUTER_NAMESPACE,
        ),
    ],
    ids=str,
)  # fmt: skip
def test_what_decides(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, Any], to_read: MissingRight | None, to_attach: MissingRight | None
) -> None:
    """By ptrace(2): capability, then all four user ids, then dumpable, then Yama, which is asked of attaching only."""
    Asked(monkeypatch, **told)
    assert (rights.missing_right(7), rights.missing_right(7, to_attach=True)) == (to_read, to_attach)


def test_settings_and_capabilities_as_the_kernel_tells_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sysctl that is no number, or not there, is unknown; where nothing tells of capabilities there are none."""
    assert rights.read_setting("kernel/pid_max") == int(Path("/proc/sys/kernel/pid_max").read_text())
    assert rights.read_setting("kernel/ostype") is rights.read_setting("kernel/none") is None
    line = next(one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("CapEff:"))
    assert rights.effective_capabilities() == int(line.split()[1], 16)
    assert rights._namespace() == os.stat("/proc/self/ns/user").st_ino
    monkeypatch.setattr(rights, "read_whole", lambda _name, _folder: Refusal.ABSENT)
    assert rights.effective_capabilities() == 0


def with_capabilities(names: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """As nobody, with some capabilities and no others."""
    command = [program("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups"]
    command += [f"--inh-caps=-all,{names}", f"--ambient-caps=-all,{names}", f"--bounding-set=-all,{names}"]
    command += [sys.executable, "-m", "procmem", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.mark.needs_root
def test_each_capability_gives_what_readme_says() -> None:
    """CAP_DAC_READ_SEARCH comes along, so that nobody can read the program itself."""
    bare = "+dac_read_search"
    code = "import os, sys, time; os.unlink(sys.argv[1]); print('ready', flush=True); time.sleep(1000)"
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder, "deleted.so")
        shutil.copy(_ctypes.__file__, library)
        code = f"import ctypes, sys; ctypes.CDLL(sys.argv[1]); {code}"
        with started([sys.executable, "-c", code, str(library)]) as child:
            pid = str(child.pid)
            lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
            end = next(line.split()[0].split("-")[1] for line in lines if line.endswith("[stack]"))
            stack = f"{int(end, 16) - 4096:x}"  # where arguments and environment lie
            nothing = with_capabilities(bare, "inspect", "--regions", pid)
            traced = with_capabilities(f"{bare},+sys_ptrace", "inspect", "--regions", "--deep", "--json", pid)
            restored = with_capabilities(
                f"{bare},+sys_ptrace,+checkpoint_restore", "inspect", "--regions", "--json", pid
            )
            unframed = with_capabilities(f"{bare},+sys_ptrace", "translate", "--json", pid, stack)
            framed = with_capabilities(f"{bare},+sys_ptrace,+sys_admin", "translate", "--json", pid, stack)
    assert str(RIGHTS[MissingRight.OTHER_USER]) in nothing.stdout, nothing
    document = json.loads(traced.stdout)
    assert document["totals"]["pss"] > 0
    assert not [note for note in document["warnings"] if note.startswith("mem")]
    assert "PT_LOAD" not in _evidence(document)
    assert "PT_LOAD" in _evidence(json.loads(restored.stdout))
    assert (json.loads(unframed.stdout)["frame"], json.loads(framed.stdout)["frame"] is None) == (None, False)


def _evidence(document: Any) -> str:
    """Why the text of the deleted library is taken for that."""
    rows = [row for row in document["regions"] if "deleted.so" in (row["path"] or "") and row["class"] == "text"]
    return " ".join(str(row["evidence"]) for row in rows)
