"""What a control group is, by its path: the one place that knows how runtimes and systemd name their groups.

Each level of a path is held against the patterns below; the deepest level that fits says what the group is, those above
it say whose it is. A level that fits none belongs to the one above it: what a container makes below its own group, say.

The patterns hold for both versions, whose paths are the same. A path within a container (of a cgroup namespace) begins
there, and may tell nothing.

Sources: kubelet, pkg/kubelet/cm (cgroup_manager_linux.go, qos_container_manager_linux.go,
pod_container_manager_linux.go) for both drivers; runc, libcontainer/cgroups/systemd (``PREFIX-ID.scope``, and
``slice:prefix:name``); containerd, cri plugin; CRI-O, internal/config/cgmgr; moby, daemon/daemon_unix.go; podman,
libpod/container_internal_linux.go and pod_internal.go; lxc, src/lxc/cgroups/cgroups.h (``lxc.payload``,
``lxc.monitor``)
and lxc.cgroup of older versions; systemd.slice(5), systemd.unit(5) on escaping, pam_systemd(8),
org.freedesktop.machine1(5).
"""

from procmem.model.cgroup_name import CgroupName, GroupSort
from procmem.model.named_tuple import NamedTuple

__all__ = ["names_of", "read_cgroup_name"]

_LEVELS_MAX = 32
_SHORT_ID = 12
"""Digits of an id that runtimes themselves show."""

_UID = rb"(?P<pod>[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})"
"""Of a pod; that of a static one is the hash of its file. systemd has no dash in a name, which would be a level."""
_ID_DIGITS = 64
_ID = rb"(?P<name>[0-9a-f]{%d})" % _ID_DIGITS
_RUNTIMES = {
    b"docker": "docker",
    b"cri-containerd": "containerd",
    b"nerdctl": "containerd",
    b"crio": "cri-o",
    b"libpod": "podman",
    b"libpod-payload": "podman",
}
"""What stands before the id of a container, and who puts it there."""
_PREFIX = rb"(?P<prefix>" + b"|".join(_RUNTIMES) + rb")"
_KUBEPODS = rb"(?:[\w-]+-)?kubepods(?:-(?:burstable|besteffort|guaranteed))?"
"""The slice of a quality of service; kind and others put more before it."""


class _GroupPattern(NamedTuple):
    """A level of a path, and what it is; None for what says no more than the level above it.

    ``mark`` stands in every level that fits, which has ``least`` bytes (patterns are compiled when a level may fit,
    since every look at a process comes here), and ``above`` is what the level above has to be. Groups of the pattern
    are the ``name`` (the level itself where there is none), the ``pod``, the ``user`` and the ``prefix`` of a runtime.
    """

    sort: GroupSort | None
    mark: bytes
    level: bytes
    above: tuple[bytes, ...] = ()
    runtime: str | None = None
    least: int = 1


_CONTAINER, _POD = GroupSort.CONTAINER, GroupSort.POD
_PATTERNS = (
    # what watches a container is none of it
    _GroupPattern(None, b"-conmon-", rb"(?:crio|libpod)-conmon-.*"),
    # pods: cgroupfs has a folder, systemd a slice whose name holds those above it
    _GroupPattern(_POD, b"pod", rb"pod" + _UID),
    _GroupPattern(_POD, b"kubepods", _KUBEPODS + rb"-pod" + _UID + rb"\.slice"),
    _GroupPattern(_POD, b"libpod_pod_", rb"(?:[\w-]+-)?libpod_pod_(?P<pod>[0-9a-f]{64})(?:\.slice)?"),
    # containers: a name of systemd's driver where cgroupfs is in use; by systemd a scope; by cgroupfs a folder
    _GroupPattern(_CONTAINER, b".slice:", _KUBEPODS + rb"-pod" + _UID + rb"\.slice:" + _PREFIX + b":" + _ID),
    _GroupPattern(_CONTAINER, b".slice:", rb"[\w.-]+\.slice:" + _PREFIX + b":" + _ID),
    _GroupPattern(_CONTAINER, b"-", _PREFIX + b"-" + _ID + rb"(?:\.scope)?"),
    _GroupPattern(_CONTAINER, b"", _ID, above=(b"docker", b"buildkit"), runtime="docker", least=_ID_DIGITS),
    _GroupPattern(_CONTAINER, b"", _ID, above=(b"k8s.io", b"default", b"moby"), runtime="containerd", least=_ID_DIGITS),
    _GroupPattern(_CONTAINER, b"", _ID, least=_ID_DIGITS),
    _GroupPattern(_CONTAINER, b"lxc.", rb"lxc\.(?:payload|monitor)\.(?P<name>.+)", runtime="lxc"),
    _GroupPattern(_CONTAINER, b"", rb"(?P<name>.+)", above=(b"lxc", b"lxc.payload", b"lxc.monitor"), runtime="lxc"),
    # systemd: machines, sessions, users, units, slices
    _GroupPattern(GroupSort.MACHINE, b"machine-", rb"machine-(?P<name>.+)\.scope"),
    _GroupPattern(GroupSort.MACHINE, b"nspawn@", rb"systemd-nspawn@(?P<name>.+)\.service"),
    _GroupPattern(GroupSort.SESSION, b"session-", rb"session-(?P<name>c?\d+)\.scope"),
    _GroupPattern(GroupSort.UNIT, b"user@", rb"user@(?P<user>\d+)\.service"),
    _GroupPattern(GroupSort.SLICE, b"user-", rb"user-(?P<user>\d+)\.slice"),
    _GroupPattern(GroupSort.UNIT, b".s", rb".+\.(?:service|scope|socket|swap)"),
    _GroupPattern(GroupSort.UNIT, b".mount", rb".+\.mount"),
    _GroupPattern(GroupSort.SLICE, b".slice", rb".+\.slice"),
)
"""The first that fits decides."""
_OWN_TREES = frozenset({GroupSort.CONTAINER, GroupSort.MACHINE})
"""Whatever lies below one of these is its own business: of a systemd that runs in it, say."""


def read_cgroup_name(path: bytes) -> CgroupName | None:
    """What a group is; None where its path does not tell."""
    levels = path.strip(b"/").split(b"/", _LEVELS_MAX)[:_LEVELS_MAX]
    name: CgroupName | None = None
    for at, level in enumerate(levels):
        found = _read(level, levels[at - 1] if at else b"", name)
        if name is None or name.sort not in _OWN_TREES or (found is not None and found.sort is GroupSort.CONTAINER):
            name = found or name
    return name


def _read(level: bytes, over: bytes, above: CgroupName | None) -> CgroupName | None:
    """What one level is; ``above`` is what those above it are."""
    for one in _PATTERNS:
        if one.mark not in level or len(level) < one.least or (one.above and over not in one.above):
            continue
        import re  # noqa: PLC0415  # few groups have a name, and it takes a millisecond

        found = re.fullmatch(one.level, level)
        if found is None:
            continue
        if one.sort is None:
            return above
        words = found.groupdict()
        pod = (words.get("pod") or b"").replace(b"_", b"-") or None
        if one.sort is GroupSort.CONTAINER and pod is None and above is not None:
            pod = above.name if above.sort is GroupSort.POD else above.pod
        whole = pod if one.sort is GroupSort.POD else None
        return CgroupName(
            one.sort,
            whole or _unescaped(words.get("name") or level),
            one.runtime or _RUNTIMES.get(words.get("prefix") or b""),
            None if whole else pod,
            words.get("user") or (None if above is None else above.user),
        )
    return None


def names_of(name: CgroupName) -> tuple[bytes, ...]:
    """What a group is called by: what ``--cgroup`` takes besides a path."""
    short = name.name[:_SHORT_ID] if name.sort is GroupSort.CONTAINER else None
    return tuple(word for word in (name.name, short, name.pod) if word is not None)


def _unescaped(name: bytes) -> bytes:
    r"""A name of systemd, in which bytes that may not stand in one are written ``\x2d``."""
    if b"\\" not in name:
        return name
    import re  # noqa: PLC0415  # the same

    return re.sub(rb"\\x([0-9a-f]{2})", lambda found: bytes([int(found[1], 16)]), name)
