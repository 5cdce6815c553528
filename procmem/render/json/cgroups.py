"""What a control group is, as several documents hold it."""

from __future__ import annotations

from procmem.model.cgroup_name import CgroupName
from procmem.render.escaping import json_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["about_json"]


def about_json(about: CgroupName | None) -> dict[str, Any] | None:
    """A group's name; None where its path does not tell."""
    if about is None:
        return None
    return {
        "sort": about.sort.value,
        **json_text("name", about.name),
        "runtime": about.runtime,
        **json_text("pod", about.pod),
        **json_text("user", about.user),
    }
