"""What a control group is, in words."""

from procmem.model.cgroup_name import CgroupName, GroupSort
from procmem.text import N_, say

__all__ = ["group_text"]

_ID_SHOWN = 12
"""Digits of a container's id that its runtime shows."""
_SORTS = {
    GroupSort.CONTAINER: N_("container {name:name}"),
    GroupSort.POD: N_("pod {name:name}"),
    GroupSort.MACHINE: N_("machine {name:name}"),
    GroupSort.UNIT: N_("unit {name:name}"),
    GroupSort.SESSION: N_("session {name:name}"),
    GroupSort.SLICE: N_("slice {name:name}"),
}
_OF_RUNTIME = N_("{what} ({runtime})")
_OF_POD = N_("{what} of pod {pod:name}")
_OF_USER = N_("{what} of user {user:name}")


def group_text(about: CgroupName) -> str:
    """``container 4c01db0b339c (docker)``, ``unit nginx.service``, ``session 2 of user 1000``."""
    has_id = about.sort is GroupSort.CONTAINER and about.runtime != "lxc"
    text = say(_SORTS[about.sort], {"name": about.name[:_ID_SHOWN] if has_id else about.name})
    if about.runtime is not None:
        text = say(_OF_RUNTIME, {"what": text, "runtime": about.runtime})
    if about.pod is not None:
        text = say(_OF_POD, {"what": text, "pod": about.pod})
    if about.user is not None:
        text = say(_OF_USER, {"what": text, "user": about.user})
    return text
