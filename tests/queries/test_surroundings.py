"""Peaks and limits of living processes, and of recordings of them, beside what /proc says."""

import os
import subprocess
from pathlib import Path

from procmem.parse.cgroup import memory_group, parse_cgroup_text
from procmem.queries.examine import examine
from procmem.queries.inspect import InspectOptions, inspect
from procmem.queries.record import record_one
from procmem.queries.save_recording import save_recording
from procmem.queries.surroundings import CGROUP_FILE, read_surroundings
from procmem.queries.targets import one_target
from tests.support.running import started, state_of, wait_for


def test_what_proc_says(tmp_path: Path) -> None:
    """Live, and the same from a recording."""
    with started(["sleep", "1000"], ready=False) as process:
        pid = process.pid
        wait_for(lambda: state_of(pid) == "S" and Path(f"/proc/{pid}/comm").read_text() == "sleep\n")
        Path(f"/proc/{pid}/oom_score_adj").write_text("17")
        with one_target(str(pid)).open() as target:
            live = read_surroundings(target, examine(target).snapshot)
            recorded = record_one(target)
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        maps = Path(f"/proc/{pid}/maps").read_text()
        score = int(Path(f"/proc/{pid}/oom_score").read_text())
    kb = {key: int(value.split()[0]) * 1024 for key, value in status.items() if value.endswith("kB")}
    assert (live.peak_rss, live.peak_virt) == (kb["VmHWM"], kb["VmPeak"])
    assert (live.data, live.code, live.libraries, live.locked) == tuple(
        kb[key] for key in ("VmData", "VmExe", "VmLib", "VmLck")
    )
    assert live.mappings == sum("[vsyscall]" not in line for line in maps.splitlines())
    assert live.max_map_count == int(Path("/proc/sys/vm/max_map_count").read_text())
    assert (live.oom_score, live.oom_score_adj) == (score, 17)
    path = str(tmp_path / "sleep.tar.gz")
    save_recording([recorded], path, version="0")
    with one_target(path).open() as target:
        again = read_surroundings(target, examine(target).snapshot)
    assert again._replace(cgroup=None) == live._replace(cgroup=None)
    assert (again.cgroup and again.cgroup.path) == (live.cgroup and live.cgroup.path)


def test_the_group_is_that_of_the_kernel() -> None:
    """Where the machine mounts the memory controller, the path leads to the folder that lists us."""
    with one_target("self").open() as target:
        recorded = record_one(target)
    text = recorded.raw.files[CGROUP_FILE]
    group = memory_group(Path("/proc/self/mountinfo").read_bytes(), Path("/proc/self/cgroup").read_bytes())
    if group is None or not os.path.isdir(folder := os.fsdecode(group[0] + group[1])):
        assert not isinstance(text, bytes)
        return
    assert str(os.getpid()) in Path(folder, "cgroup.procs").read_text().split()
    assert isinstance(text, bytes)
    assert parse_cgroup_text(text)[0][0] == group[1]


def test_growth_since_a_recording(tmp_path: Path) -> None:
    """A program that took 64 MiB more: what grew stands first, and by how much."""
    program = "import sys\nx = []\nfor line in sys.stdin:\n x.append(b'x' * (64 << 20)); print('ready', flush=True)\n"
    with subprocess.Popen(["python3", "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdin
            assert process.stdout
            process.stdin.write(b"\n")
            process.stdin.flush()
            process.stdout.readline()
            path = str(tmp_path / "before.tar.gz")
            with one_target(str(process.pid)).open() as target:
                save_recording([record_one(target)], path, version="0")
            process.stdin.write(b"\n")
            process.stdin.flush()
            process.stdout.readline()
            with one_target(str(process.pid)).open() as target:
                report = inspect(target, InspectOptions(since=path))
        finally:
            process.kill()
    grown = max(report.consumers, key=lambda row: (row.rss or 0) - (row.before or 0))
    assert 64 << 20 <= (grown.rss or 0) - (grown.before or 0) <= 65 << 20
    assert sum(row.rss or 0 for row in report.consumers) == report.totals.rss
