"""Looks for monitoring: what is read when, and that no process breaks one."""

import os
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from procmem.model.reports.metrics import GroupLabels
from procmem.model.reports.system import ProcessRow
from procmem.queries import metrics as module
from procmem.queries.metrics import SHARE, Metrics, MetricsOptions
from procmem.queries.system import AllProcesses, read_all
from procmem.render.openmetrics import label_text
from tests.support.running import python_child, started

pytestmark = pytest.mark.machine
NAMED = "import pathlib\npathlib.Path('/proc/self/comm').write_bytes({name!r})\n"


def looker(**options: Any) -> Metrics:
    """What looks at processes of our own user, or as the options say."""
    return Metrics(MetricsOptions(**options), label_text)


def test_a_look_tells_of_a_process_what_its_files_say() -> None:
    """Sums of one process are its own figures."""
    with python_child(NAMED.format(name=b"looked-at")) as pid:
        metrics = looker(name="looked-at", by=("name", "user", "cgroup"), kinds=("brk",))
        (group,) = metrics.look().groups
        assert group.detailed == 0
        assert metrics.look_at_mappings() == 1
        report = metrics.look()
        (group,) = report.groups
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        score = int(Path(f"/proc/{pid}/oom_score").read_text())
    assert group.labels.name == "looked-at"
    assert (group.processes, group.detailed, group.threads) == (1, 1, 1)
    assert group.virtual == 1024 * int(status["VmSize"].split()[0])
    assert group.peak == 1024 * int(status["VmHWM"].split()[0])
    assert group.page_tables == 1024 * int(status["VmPTE"].split()[0])
    assert group.oom_score == score
    assert group.pss is not None
    assert sum(row.pss or 0 for row in group.classes) == pytest.approx(group.pss, rel=0.2)
    assert group.kinds["brk"] > 0
    assert group.regions is not None
    assert report.max_map_count == int(Path("/proc/sys/vm/max_map_count").read_text())


def test_a_large_process_rests_until_reading_it_is_a_small_part_of_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Meanwhile its size is read from status alone, and PSS is what it was; its mappings wait as well."""
    read: list[tuple[bool, set[int | None]]] = []

    def watched(source: Any, pids: Iterable[int | None], *, quick: bool, also: Any, **more: Any) -> AllProcesses:
        pids = list(pids)
        read.append((quick, set(pids)))
        return read_all(source, pids, quick=quick, also=lambda target, row, _: also(target, row, 10.0), **more)

    monkeypatch.setattr(module, "read_all", watched)
    with python_child(NAMED.format(name=b"very-large")) as pid:
        metrics = looker(name="very-large")
        first = metrics.look().groups[0]
        second = metrics.look().groups[0]
        due = metrics._known[pid].due
    assert [pid in pids for quick, pids in read if not quick] == [True, False]
    assert [pid in pids for quick, pids in read if quick] == [False, True]
    assert second.pss == first.pss is not None
    assert due > 10.0 / SHARE / 2
    assert metrics.look_at_mappings() <= 1
    assert metrics.look_at_mappings() == 0


def test_of_other_control_groups_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """However large a process is, it does not feel that others are looked at."""
    read: set[int | None] = set()

    def watched(source: Any, pids: Iterable[int | None], **more: Any) -> AllProcesses:
        pids = list(pids)
        read.update(pids)
        return read_all(source, pids, **more)

    monkeypatch.setattr(module, "read_all", watched)
    with python_child("") as pid:
        assert looker(cgroup="no such group").look().groups == ()
        assert not read
        assert looker(cgroup="*").look().processes > 0
        assert pid in read


def test_what_happens_to_processes_breaks_no_look() -> None:
    """Names of any bytes, processes that end meanwhile, zombies; those that are gone are forgotten."""
    names = [b'quo"te\\', b"new\nline", b"\xff\xfe\xfa", b"", b"esc\x1b[2J", b"_other", "汉字".encode()]
    fork_bomb = (
        "import os, time\nprint('ready', flush=True)\n"
        "while True:\n    pid = os.fork() or os._exit(0)\n    time.sleep(0.001)\n    os.waitpid(pid, 0)\n"
    )
    metrics = looker(by=("name", "user", "cgroup"), series=2000, detail_every=1.0)
    pids = []
    with started([sys.executable, "-c", fork_bomb]):
        for name in names:
            child = os.fork()
            if not child:
                Path("/proc/self/comm").write_bytes(name)
                signal.pause()
                os._exit(0)
            pids.append(child)
        for _ in range(20):
            report = metrics.look()
            metrics.look_at_mappings()
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
    assert set(pids) <= metrics._known.keys()
    metrics.look()  # of zombies
    for pid in pids:
        os.waitpid(pid, 0)
    metrics.look()
    assert not set(pids) & metrics._known.keys()
    labels = [group.labels for group in report.groups]
    assert len(set(labels)) == len(labels)
    shown = {label.name for label in labels}
    assert {'quo"te\\', "new\\x0aline", "\\xff\\xfe\\xfa", "esc\\x1b[2J", "汉字"} <= shown | {""}


def test_another_process_of_the_same_pid_begins_anew() -> None:
    """What was known of the one before is not told of it."""
    with python_child(NAMED.format(name=b"same-pid")) as pid:
        metrics = looker(name="same-pid")
        metrics.look()
        metrics.look_at_mappings()
        known = metrics._known[pid]
        known.start = 1
        known.due = 0.0
        (group,) = metrics.look().groups
    assert known is not metrics._known.get(pid)
    assert group.detailed == 0


@pytest.mark.parametrize(
    ("path", "labels"),
    [
        (b"/system.slice/nginx.service", ("", "", "nginx.service")),
        (b"/system.slice/docker-" + b"a" * 64 + b".scope", ("a" * 64, "", "")),
        (
            b"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod12345678_1234_1234_1234_123456789abc.slice"
            b"/cri-containerd-" + b"b" * 64 + b".scope",
            ("b" * 64, "12345678-1234-1234-1234-123456789abc", ""),
        ),
        (b"/user.slice", ("", "", "")),
    ],
)
def test_labels_are_read_from_the_control_group(path: bytes, labels: tuple[str, str, str]) -> None:
    """Container, pod and unit, with the path itself; only where that is what processes are grouped by."""
    row = ProcessRow(1, 0, 0, "root", b"x", 0, 0, 0, 0, 0, 0, cgroup=path)
    found = looker(by=("cgroup",))._labels(row)
    assert (found.container, found.pod, found.unit) == labels
    assert found.cgroup == label_text(path)
    assert found.name == found.user == ""
    assert looker(by=("name", "user"))._labels(row) == GroupLabels(name="x", user="root")
