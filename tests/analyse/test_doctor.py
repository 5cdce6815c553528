"""What a machine allows, judged: each check in each of its answers, and words for all of them."""

import json
from typing import Any

import pytest

from procmem.analyse.doctor import checks
from procmem.model.reports.doctor import Ability, AbilityCheck
from procmem.parse.mountinfo import option_of_proc
from procmem.text.pages.doctor import ABILITIES, CHECKS, CURES, FOUND
from tests.support.running import procmem

ALL_FILES = frozenset({"self/smaps", "self/smaps_rollup", "self/numa_maps", "self/pagemap", "pressure/memory"})
RICH: dict[str, Any] = {
    "user": 0, "capabilities": (1 << 41) - 1, "release": (6, 18), "hidepid": None, "pid_namespace": 0xEFFFFFFC,
    "settings": {
        "kernel/yama/ptrace_scope": 0, "kernel/randomize_va_space": 2, "vm/max_map_count": 65530,
        "vm/overcommit_memory": 0,
    },
    "readable": ALL_FILES, "cgroup": 2, "runs_32": True, "mappings": 100, "seconds": 0.001, "faults": ("all", 2),
}  # fmt: skip
POOR: dict[str, Any] = {
    "user": 1000, "capabilities": 0, "release": (4, 4), "hidepid": "2", "pid_namespace": 4026532200, "settings": {},
    "readable": frozenset(), "cgroup": None, "runs_32": False, "mappings": None, "seconds": 0.0,
    "faults": ("perf-denied", 3),
}  # fmt: skip


def found(**other: object) -> dict[str, AbilityCheck]:
    return {one.name: one for one in checks(**{**RICH, **other})}


def test_a_machine_that_allows_everything() -> None:
    """Nothing is missing, and nothing is advised."""
    assert not [one for one in found().values() if one.ability.is_short]


def test_a_machine_that_allows_nothing() -> None:
    """Everything is short of something, and each has a cure, but for what is only a figure."""
    poor = found(**POOR)
    assert [name for name, one in poor.items() if not one.ability.is_short] == []
    figures = {"randomize_va_space", "overcommit_memory", "max_map_count", "speed"}
    assert {name for name, one in poor.items() if one.found.code not in CURES and name not in CURES} == figures


@pytest.mark.parametrize(
    ("other", "name", "ability", "code"),
    [
        ({"capabilities": 0}, "others", Ability.PARTLY, "root-without"),
        ({"capabilities": 0, "user": 7}, "others", Ability.PARTLY, "own-only"),
        ({"capabilities": 0, "user": 7}, "deep", Ability.PARTLY, "own-only"),
        ({"capabilities": 0, "settings": {"kernel/yama/ptrace_scope": 1}}, "deep", Ability.PARTLY, "yama-children"),
        ({"capabilities": 0, "settings": {"kernel/yama/ptrace_scope": 3}}, "deep", Ability.NO, "yama"),
        ({"settings": {"kernel/yama/ptrace_scope": 2}}, "deep", Ability.YES, "capable"),
        ({"hidepid": "invisible"}, "listed", Ability.PARTLY, "hidepid"),
        ({"hidepid": "off"}, "listed", Ability.YES, "all-listed"),
        ({"capabilities": 1 << 40}, "map_files", Ability.YES, "capable"),
        ({"capabilities": 1 << 40}, "frames", Ability.NO, "lacks"),
        ({"release": (6, 7)}, "pagemap-scan", Ability.YES, "new-enough"),
        ({"release": (6, 6)}, "pagemap-scan", Ability.PARTLY, "too-old"),
        ({"release": None}, "cachestat", Ability.UNKNOWN, "no-release"),
        ({"capabilities": 1 << 38}, "faults", Ability.YES, "faults-all"),
        ({"capabilities": 0}, "faults", Ability.PARTLY, "own-only"),
        ({"capabilities": 0, "faults": ("user", 2)}, "faults", Ability.PARTLY, "faults-user"),
        ({"faults": ("perf-forbidden", None)}, "faults", Ability.NO, "perf-forbidden"),
        ({"faults": ("perf-absent", None)}, "faults", Ability.NO, "perf-absent"),
        ({"faults": ("perf-no-ring", 2)}, "faults", Ability.NO, "perf-no-ring"),
        ({"faults": ("no-process", None)}, "faults", Ability.UNKNOWN, "not-measured"),
        ({"faults": ("too-many-files", 2)}, "faults", Ability.UNKNOWN, "not-measured"),
        ({"user": 7}, "lab", Ability.PARTLY, "not-root"),
    ],
)
def test_each_answer(other: dict[str, object], name: str, ability: Ability, code: str) -> None:
    """What was found decides."""
    one = found(**other)[name]
    assert (one.ability, one.found.code) == (ability, code)


def test_there_are_words_for_everything() -> None:
    """Each check, each thing found, each ability; and no words for what there is not."""
    both = [*found().values(), *found(**POOR).values()]
    assert {one.name for one in both} == set(CHECKS)
    assert set(ABILITIES) == set(Ability)
    assert set(CURES) <= set(CHECKS) | set(FOUND)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b"22 1 0:20 / /proc rw,nosuid - proc proc rw,hidepid=invisible\n", "invisible"),
        (b"22 1 0:20 / /proc rw - proc proc rw,gid=4,hidepid=2\n", "2"),
        (b"22 1 0:20 / /proc rw - proc proc rw\n", None),
        (b"22 1 0:20 / /other rw - proc proc rw,hidepid=2\n", None),
        (b"22 1 0:20 / /proc rw - proc proc rw,hidepid=2\n23 1 0:21 / /proc rw - proc proc rw\n", None),
        (b"", None),
    ],
)
def test_how_proc_is_mounted(line: bytes, value: str | None) -> None:
    """The mount on top counts."""
    assert option_of_proc(line, "hidepid") == value


@pytest.mark.needs_root
def test_the_command() -> None:
    """A line a check, the same as table and document; for nobody it is another story."""
    page, table, document = (procmem("doctor", *form) for form in ((), ("--csv",), ("--json",)))
    assert (page.status, page.err) == (0, "")
    assert all(len(line) <= 80 for line in page.out.splitlines())
    names = [one["check"] for one in document.json["checks"]]
    assert names == list(CHECKS)
    assert [line.split(",")[0] for line in table.out.splitlines()[1:]] == names
    nobody = json.loads(procmem("doctor", "--json", nobody=True).out)["checks"]
    abilities = {one["check"]: one["ability"] for one in nobody}
    assert (abilities["others"], abilities["frames"], abilities["lab"]) == ("partly", "no", "partly")
    assert all(one["cure"] for one in nobody if one["check"] in ("others", "frames", "deep", "lab"))
