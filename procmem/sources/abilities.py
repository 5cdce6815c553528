"""What the kernel lets this process do and see: looked at without changing anything.

Here belong the single looks; what they mean is for ``analyse.doctor``.
"""

from __future__ import annotations

import os
import time

from procmem.model.named_tuple import NamedTuple
from procmem.model.raw import FileContent
from procmem.sources.files import read_whole
from procmem.sources.perf_events import faults_allowed
from procmem.sources.rights import YAMA_SCOPE, effective_capabilities, read_setting

__all__ = ["Abilities", "read_abilities"]

_SETTINGS = (
    YAMA_SCOPE,
    "kernel/randomize_va_space",
    "vm/max_map_count",
    "vm/overcommit_memory",
)
_FILES = ("self/smaps", "self/smaps_rollup", "self/numa_maps", "self/pagemap", "pressure/memory", "kpageflags")
_ROUNDS = 5


class Abilities(NamedTuple):
    """What was seen. ``settings`` are sysctls by name, None where there is no such; ``readable`` the files that open.

    ``capabilities`` has a bit for each; ``pid_namespace`` is its inode number; ``smaps_seconds`` is the median time of
    reading our own smaps, and ``smaps`` its text. ``faults`` says whether page faults may be watched.
    """

    user: int
    capabilities: int
    release: str
    settings: dict[str, int | None]
    readable: frozenset[str]
    mountinfo: FileContent
    pid_namespace: int | None
    smaps: FileContent
    smaps_seconds: float
    faults: tuple[str, int | None]


def read_abilities() -> Abilities:
    """Look at everything once."""
    times = []
    smaps: FileContent = b""
    for _round in range(_ROUNDS):
        began = time.perf_counter()
        smaps = read_whole("/proc/self/smaps", None)
        times.append(time.perf_counter() - began)
    return Abilities(
        user=os.geteuid(),
        capabilities=effective_capabilities(),
        release=os.uname().release,
        settings={name: read_setting(name) for name in _SETTINGS},
        readable=frozenset(name for name in _FILES if _opens(f"/proc/{name}")),
        mountinfo=read_whole("/proc/self/mountinfo", None),
        pid_namespace=_namespace(),
        smaps=smaps,
        smaps_seconds=sorted(times)[len(times) // 2],
        faults=faults_allowed(),
    )


def _opens(path: str) -> bool:
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def _namespace() -> int | None:
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return None
