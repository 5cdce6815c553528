"""The question of ``procmem doctor``: what this machine and this user allow."""

from __future__ import annotations

from procmem.analyse.doctor import checks
from procmem.model.raw import Machine, said_or_nothing
from procmem.model.reports.doctor import AbilityCheck
from procmem.parse.cgroup import memory_mount
from procmem.parse.mountinfo import option_of_proc
from procmem.parse.smaps import parse_smaps
from procmem.sources.abilities import read_abilities
from procmem.tracing.probe import probe

__all__ = ["doctor"]


def doctor() -> tuple[AbilityCheck, ...]:
    """Look at everything that reports rest on; nothing is changed."""
    seen = read_abilities()
    mountinfo = said_or_nothing(seen.mountinfo)
    mount = memory_mount(mountinfo)
    smaps = said_or_nothing(seen.smaps)
    return checks(
        user=seen.user,
        capabilities=seen.capabilities,
        release=Machine(kernel=seen.release).release,
        settings=seen.settings,
        readable=seen.readable,
        hidepid=option_of_proc(mountinfo, "hidepid"),
        pid_namespace=seen.pid_namespace,
        cgroup=None if mount is None else mount[1],
        runs_32=probe() is not None,
        mappings=len(parse_smaps(smaps, keys=())) if smaps else None,
        seconds=seen.smaps_seconds,
        faults=seen.faults,
    )
