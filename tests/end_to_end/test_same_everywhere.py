"""One process, one answer: live, from a recording's folder, from its archive, from a copied tree."""

import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from procmem.parse.smaps import parse_rollup
from procmem.queries.record import record_one
from procmem.sources.live import ProcSource
from tests.programs.build import VARIANTS, build, build_alone, start, write_out
from tests.support.running import procmem, python_child, stopped

MOVING = ("pss", "uss", "swap_pss", "SwapPss", "Referenced", "cgroup", "oom_score")


def settled(value: Any) -> Any:
    """The report without what moves by itself.

    That is the clock, all that depends on who else maps the same files (PSS, and what is private or shared), and what
    the machine and the control group have besides.
    """
    if isinstance(value, dict):
        kept = {key: settled(inner) for key, inner in value.items() if key != "age_seconds" and key not in MOVING}
        return {key: inner for key, inner in kept.items() if not key.startswith(("Pss", "Private_", "Shared_"))}
    if isinstance(value, list):
        return [settled(inner) for inner in value if inner not in MOVING]
    return value


def report(*words: str) -> Any:
    """The JSON with all regions, without what moves."""
    return settled(whole_report(*words))


def whole_report(*words: str) -> Any:
    """The JSON with all regions, but for the clock."""
    run = procmem("inspect", "--json", "--regions", *words)
    assert (run.status, run.trouble) == (0, ""), run
    document = run.json
    document["process"].pop("age_seconds")
    document["surroundings"].pop("cgroup")
    document["surroundings"].pop("oom_score")
    return document


def compare_all(pid: int, folder: Path) -> None:
    """Live, folder, archive, and each again with the pid named."""
    live = report(str(pid))
    assert len(live["regions"]) > 20
    for path in (folder / "recording", folder / "recording.tar.gz"):
        run = procmem("record", "--keep-args", str(pid), "-o", str(path))
        assert run.status == 0, run
        assert live == report("--from", str(path))
        assert live == report("--from", str(path), str(pid))
        assert live == report(str(path))


@pytest.mark.needs("gcc")
@pytest.mark.parametrize("variant", ["pie", pytest.param("m32-pie", marks=pytest.mark.needs32)])
def test_a_c_program(variant: str, programs_folder: Path, tmp_path: Path) -> None:
    """A program with every sort of area, in 64 and 32 bit."""
    program = build("manifest.c", VARIANTS[variant], programs_folder)
    with start(program, "--dir", str(tmp_path), "all") as running, stopped(running.pid):
        compare_all(running.pid, tmp_path)


@pytest.mark.needs("gcc")
def test_a_program_that_shares_nothing_to_the_last_number(tmp_path: Path) -> None:
    """PSS and USS too: nobody else maps a file of this static program."""
    program = build_alone("manifest.c", tmp_path, "alone")
    scenarios = ("elf", "brk", "mmap", "threads-default")
    with start(program, "--dir", str(tmp_path), *scenarios) as running, stopped(running.pid):
        write_out(tmp_path)
        live = whole_report(str(running.pid))
        assert procmem("record", "--keep-args", str(running.pid), "-o", str(tmp_path / "r")).status == 0
        recorded = whole_report("--from", str(tmp_path / "r"))
    regions = zip(live.pop("regions"), recorded.pop("regions"), strict=True)
    assert [(one, other) for one, other in regions if one != other] == []
    assert live == recorded


def test_a_python_program(tmp_path: Path) -> None:
    """With threads."""
    code = "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,), daemon=True).start()"
    with python_child(code) as pid, stopped(pid):
        compare_all(pid, tmp_path)


class Moving:
    """A process that moved between smaps and smaps_rollup, as often as ``times``."""

    def __init__(self, target: Any, times: int) -> None:
        self._target = target
        self._times = times
        self.looks = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def read(self, name: str) -> Any:
        """Of the rollup: one page more, at first."""
        content = self._target.read(name)
        if name == "smaps_rollup":
            self.looks += 1
            if self.looks <= self._times:
                return re.sub(rb"(?m)^Rss: +(\d+) kB", lambda found: b"Rss: %8d kB" % (int(found[1]) + 4), content)
        return content


@pytest.mark.parametrize(("times", "looks"), [(0, 1), (2, 3), (99, 4)])
def test_a_recording_tells_of_one_moment(times: int, looks: int) -> None:
    """What moves is read again, and not for ever."""
    with python_child("") as pid, stopped(pid), ProcSource().open(pid) as target:
        moving = Moving(target, times)
        files = record_one(moving).raw.files
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_bytes()
    assert moving.looks == looks or (times < 99 and looks < moving.looks <= 4), "others may move its PSS as well"
    content = files["smaps_rollup"]
    assert isinstance(content, bytes)
    assert (parse_rollup(content)["Rss"] == parse_rollup(rollup)["Rss"]) == (times < 4)


def test_another_proc_tree(tmp_path: Path) -> None:
    """The real /proc by another name, and a copy in which the links of files lead to their heads."""
    with python_child("") as pid, stopped(pid):
        live = report(str(pid))
        assert live == report("--procfs", "/proc", str(pid))
        linked, plain = tmp_path / "linked", tmp_path / "plain"
        copy_process(pid, linked / str(pid), links=True)
        copy_process(pid, plain / str(pid), links=False)
        copy_process(pid, tmp_path / "heads" / str(pid), links=True, most=8192)
    for words in (
        ("--procfs", str(linked), str(pid)),
        ("--procfs", str(plain), str(pid)),
        ("--from", str(plain), str(pid)),
        ("--from", str(plain)),
        (str(plain / str(pid)),),
    ):
        copied = report(*words)
        assert live["totals"] == copied["totals"]
        assert elf_ranges(live) == elf_ranges(copied), words
    # of the heads of files the program headers are left, which tell data and BSS; sections lie further back
    headed = report("--procfs", str(tmp_path / "heads"), str(pid))
    assert live["totals"] == headed["totals"]
    assert elf_ranges(live, "data", "bss") == elf_ranges(headed, "data", "bss")
    # a recording may come from a stranger: its links are not followed, and nothing is certain without the files
    distrusted = report("--from", str(linked), str(pid))
    assert live["totals"] == distrusted["totals"]
    assert not [r for r in distrusted["regions"] if r["kind"] == "exe-text" and r["certainty"] == "certain"]


def elf_ranges(document: Any, *classes: str) -> list[tuple[str, str, str, str]]:
    """The ranges of ELF objects, and what each is."""
    return [
        (region["start"], region["end"], region["class"], region["kind"])
        for region in document["regions"]
        if region["kind"].startswith(("exe-", "lib-", "ld-")) and region["class"] in (classes or region["class"])
    ]


def copy_process(pid: int, folder: Path, *, links: bool, most: int = 1 << 40) -> None:
    """What ``cp`` can take from /proc/PID, and the mapped files under the names of their links."""
    (folder / "map_files").mkdir(parents=True)
    heads = folder.parent.with_suffix(".heads")
    heads.mkdir()
    shutil.copyfile("/proc/uptime", folder.parent / "uptime")
    for name in ("maps", "smaps", "status", "stat", "statm", "auxv", "comm", "cmdline", "limits"):
        (folder / name).write_bytes(Path(f"/proc/{pid}/{name}").read_bytes())
    program = os.readlink(f"/proc/{pid}/exe")
    for line in (folder / "maps").read_text().splitlines():
        words = line.split(maxsplit=5)
        if len(words) < 6 or not words[5].startswith("/") or not Path(words[5]).is_file():
            continue
        head = heads / words[4]
        if not head.exists():
            head.write_bytes(Path(words[5]).read_bytes()[:most])
        for name in (f"map_files/{words[0]}", *(["exe"] if words[5] == program else [])):
            (folder / name).unlink(missing_ok=True)
            if links:
                (folder / name).symlink_to(head)
            else:
                os.link(head, folder / name)


def test_a_bare_smaps_is_nearly_as_good(tmp_path: Path) -> None:
    """Without pid, status and files: sizes are exact, classes by names and patterns alone."""
    with python_child("") as pid, stopped(pid):
        live = report(str(pid))
        smaps = tmp_path / "smaps.txt"
        smaps.write_bytes(Path(f"/proc/{pid}/smaps").read_bytes())
        maps = tmp_path / "maps.txt"
        maps.write_bytes(Path(f"/proc/{pid}/maps").read_bytes())
    bare = report("--from", str(smaps))
    for key in ("virt", "rss", "swap"):
        assert live["totals"][key] == bare["totals"][key]
    assert not [r for r in bare["regions"] if r["class"] in ("text", "data", "bss") and r["certainty"] == "certain"]
    names_only = report(str(maps))
    assert live["totals"]["virt"] == names_only["totals"]["virt"]
    assert names_only["totals"]["rss"] is None, "maps does not know it: unknown, not zero"
    assert {region["rss"] for region in names_only["regions"]} == {None}


def test_arguments_are_redacted_unless_asked_for(tmp_path: Path) -> None:
    """They may hold secrets; the program's name stays."""
    secret = "pass" + "word-4711"
    with python_child(f"secret = {secret!r}") as pid:
        plain, kept = tmp_path / "plain", tmp_path / "kept.tar.gz"
        assert procmem("record", str(pid), "-o", str(plain)).status == 0
        assert procmem("record", "--keep-args", str(pid), "-o", str(kept)).status == 0
    for path in plain.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path
    assert secret not in str(report(str(plain))["process"]["cmdline"])
    assert secret in str(report(str(kept))["process"]["cmdline"])
    assert not list(plain.rglob("environ"))
