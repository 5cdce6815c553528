"""What this machine and this user allow, judged: each thing that reports rest on, and whether it can be had.

Source: capabilities(7); ptrace(2); proc(5), "hidepid"; Documentation/admin-guide/LSM/Yama.rst; fs/proc/task_mmu.c and
mm/filemap.c for what came with which version.
"""

from __future__ import annotations

from collections.abc import Iterator

from procmem.model.capabilities import CAP_CHECKPOINT_RESTORE, CAP_PERFMON, CAP_SYS_ADMIN, CAP_SYS_PTRACE, holds
from procmem.model.namespaces import FIRST_PID_NAMESPACE
from procmem.model.note import note
from procmem.model.reports.doctor import Ability, AbilityCheck

__all__ = ["checks"]

_PAGEMAP_SCAN, _CACHESTAT = (6, 7), (6, 5)
_YAMA_CHILDREN = 1
_REFUSALS_OF_FAULTS = frozenset({"perf-denied", "perf-forbidden", "perf-no-ring", "perf-absent"})


def checks(
    *,
    user: int,
    capabilities: int,
    release: tuple[int, int] | None,
    settings: dict[str, int | None],
    readable: frozenset[str],
    hidepid: str | None,
    pid_namespace: int | None,
    cgroup: int | None,
    runs_32: bool,
    mappings: int | None,
    seconds: float,
    faults: tuple[str, int | None],
) -> tuple[AbilityCheck, ...]:
    """Every check, in the order in which one would ask.

    ``release`` is the kernel's, ``hidepid`` the option of the mount of /proc (None where it has none), ``cgroup`` the
    version of the memory controller, ``mappings`` how many of our own were read in ``seconds``;
    ``faults`` is what came of watching our own page faults, and the setting that decides it.
    """
    may_trace, is_admin = holds(capabilities, CAP_SYS_PTRACE), holds(capabilities, CAP_SYS_ADMIN)

    def there(name: str) -> AbilityCheck:
        return _either(name.rpartition("/")[2], name in readable, "there", "not-there")

    def since(name: str, wanted: tuple[int, int]) -> AbilityCheck:
        if release is None:
            return AbilityCheck(name, Ability.UNKNOWN, note("no-release"))
        figures = {"major": wanted[0], "minor": wanted[1]}
        found = note("new-enough" if release >= wanted else "too-old", **figures)
        return AbilityCheck(name, Ability.YES if release >= wanted else Ability.PARTLY, found)

    return (
        _others(user, may=may_trace),
        _hidden(hidepid),
        _either("machine", pid_namespace in (None, FIRST_PID_NAMESPACE), "whole-machine", "namespace"),
        there("self/smaps"),
        there("self/smaps_rollup"),
        there("self/numa_maps"),
        there("self/pagemap"),
        since("pagemap-scan", _PAGEMAP_SCAN),
        _either("frames", is_admin, "capable", "lacks", capability="CAP_SYS_ADMIN"),
        _either(
            "map_files",
            is_admin or holds(capabilities, CAP_CHECKPOINT_RESTORE),
            "capable",
            "lacks",
            capability="CAP_CHECKPOINT_RESTORE",
        ),
        *_deep(settings.get("kernel/yama/ptrace_scope"), may=may_trace),
        _faults(*faults, may=holds(capabilities, CAP_PERFMON) or is_admin),
        _cgroup(cgroup),
        _either("pressure", "pressure/memory" in readable, "there", "not-there"),
        since("cachestat", _CACHESTAT),
        _either("programs-32", runs_32, "runs", "runs-not"),
        _laboratory(user),
        *_settings(settings),
        _speed(mappings, seconds),
    )


def _either(name: str, fine: bool, yes: str, no: str, **figures: object) -> AbilityCheck:  # the question itself
    return (
        AbilityCheck(name, Ability.YES, note(yes, **figures))
        if fine
        else AbilityCheck(name, Ability.NO, note(no, **figures))
    )


def _laboratory(user: int) -> AbilityCheck:
    if user == 0:
        return AbilityCheck("lab", Ability.YES, note("as-root"))
    return AbilityCheck("lab", Ability.PARTLY, note("not-root"))


def _others(user: int, *, may: bool) -> AbilityCheck:
    if may:
        return AbilityCheck("others", Ability.YES, note("capable", capability="CAP_SYS_PTRACE"))
    return AbilityCheck("others", Ability.PARTLY, note("root-without" if user == 0 else "own-only"))


def _hidden(hidepid: str | None) -> AbilityCheck:
    if hidepid in (None, "0", "off"):
        return AbilityCheck("listed", Ability.YES, note("all-listed"))
    return AbilityCheck("listed", Ability.PARTLY, note("hidepid", value=hidepid))


def _deep(scope: int | None, *, may: bool) -> Iterator[AbilityCheck]:
    if may or not scope:
        ability = Ability.YES if may else Ability.PARTLY
        yield AbilityCheck("deep", ability, note("capable", capability="CAP_SYS_PTRACE") if may else note("own-only"))
    elif scope == _YAMA_CHILDREN:
        yield AbilityCheck("deep", Ability.PARTLY, note("yama-children", value=scope))
    else:
        yield AbilityCheck("deep", Ability.NO, note("yama", value=scope))


def _faults(answer: str, setting: int | None, *, may: bool) -> AbilityCheck:
    if answer == "all" and may:
        return AbilityCheck("faults", Ability.YES, note("faults-all"))
    if answer in ("all", "user"):
        return AbilityCheck("faults", Ability.PARTLY, note("own-only" if answer == "all" else "faults-user"))
    if answer not in _REFUSALS_OF_FAULTS:  # no /proc, too few open files: nothing that says whether they may be watched
        return AbilityCheck("faults", Ability.UNKNOWN, note("not-measured"))
    return AbilityCheck("faults", Ability.NO, note(answer, value="?" if setting is None else setting))


def _cgroup(version: int | None) -> AbilityCheck:
    if version is None:
        return AbilityCheck("cgroup", Ability.NO, note("no-controller"))
    return AbilityCheck("cgroup", Ability.YES, note("controller", version=version))


_FIGURES = (
    ("randomize_va_space", "kernel/randomize_va_space"),
    ("overcommit_memory", "vm/overcommit_memory"),
    ("max_map_count", "vm/max_map_count"),
)


def _settings(settings: dict[str, int | None]) -> Iterator[AbilityCheck]:
    for name, place in _FIGURES:
        value = settings.get(place)
        if value is None:
            yield AbilityCheck(name, Ability.UNKNOWN, note("no-setting"))
        else:
            yield AbilityCheck(name, Ability.FIGURE, note("setting", value=value))


def _speed(mappings: int | None, seconds: float) -> AbilityCheck:
    if not mappings:
        return AbilityCheck("speed", Ability.UNKNOWN, note("not-measured"))
    each = seconds / mappings
    return AbilityCheck(
        "speed", Ability.FIGURE, note("speed", mappings=mappings, microseconds=each * 1e6, thousand=each * 1e7)
    )
