"""What a control group is, as those call it who made it: a container of a pod, a unit of systemd, a session."""

from procmem.model.enumeration import Enumeration
from procmem.model.named_tuple import NamedTuple

__all__ = ["CgroupName", "GroupSort"]


class GroupSort(Enumeration):
    """What a group holds."""

    CONTAINER = "container"
    POD = "pod"
    """All containers of a pod, or what is not in one of them."""
    MACHINE = "machine"
    """A virtual machine, or a container that has its own init, registered with systemd-machined."""
    UNIT = "unit"
    """A service, scope or socket of systemd."""
    SESSION = "session"
    """A login session."""
    SLICE = "slice"
    """Units and slices of systemd below it."""


class CgroupName(NamedTuple):
    """What a group is.

    ``name`` is the container's id or name, the pod's uid, the name of a unit, session or slice. ``runtime`` is who made
    the container, None where the path does not say. ``pod`` is the uid of the pod that it belongs to, ``user`` the
    number of the user whose systemd has the unit, or whose session it is.
    """

    sort: GroupSort
    name: bytes
    runtime: str | None = None
    pod: bytes | None = None
    user: bytes | None = None

    @property
    def container(self) -> bytes | None:
        """The container, or the machine, whose processes are in it."""
        return self.name if self.sort in (GroupSort.CONTAINER, GroupSort.MACHINE) else None

    @property
    def pod_uid(self) -> bytes | None:
        """The pod that it is, or belongs to."""
        return self.name if self.sort is GroupSort.POD else self.pod

    @property
    def unit(self) -> bytes | None:
        """The unit of systemd that it is."""
        return self.name if self.sort is GroupSort.UNIT else None
