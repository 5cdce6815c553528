"""Windows programs under Wine: sections of a PE image that Wine mapped as anonymous memory.

A section that does not begin at a page of the file cannot be mapped from it, so Wine reads it into memory. In the map
the file's name then stands at the header, and perhaps at a few other pieces; what lies between them, or directly
behind, is the image's too.

Source: Wine dlls/ntdll/unix/virtual.c, map_image_into_view().
"""

from collections.abc import Iterator

from procmem.classify.partition import Rank
from procmem.classify.runtimes.detect import Runtimes
from procmem.model import owners
from procmem.model.kinds import Part, Role, object_kind
from procmem.model.mapping import Mappings
from procmem.model.note import note
from procmem.model.permissions import permissions
from procmem.model.region import Certainty, Claim, Label
from procmem.model.snapshot import Snapshot

__all__ = ["claims"]

_IMAGES = (b".exe", b".dll", b".drv", b".sys", b".ocx", b".cpl")


def claims(mappings: Mappings, _runtimes: Runtimes, _snapshot: Snapshot) -> Iterator[Claim]:
    """Claims on the mappings of each image, and on anonymous ones that adjoin them from above."""
    image: bytes | None = None
    end = 0
    for row in range(len(mappings)):
        name = mappings.name[row]
        if mappings.inode[row]:
            image = name if name.lower().endswith(_IMAGES) else None
        elif name or mappings.start[row] != end:
            image = None
        end = mappings.end[row]
        if image is not None:
            yield _claim(mappings, row, image)


def _claim(mappings: Mappings, row: int, image: bytes) -> Claim:
    allowed = permissions(mappings.perms[row])
    role = Role.EXE if image.lower().endswith(b".exe") else Role.LIB
    part = Part.TEXT if allowed.executable else Part.DATA if allowed.writable else Part.RODATA
    certainty = Certainty.LIKELY if mappings.inode[row] else Certainty.GUESS
    label = Label(object_kind(role, part), certainty, note("pe-section", object=image), owners.ObjectFile(image))
    file = (mappings.device[row], mappings.inode[row]) if mappings.inode[row] else None
    return Claim(mappings.start[row], mappings.end[row], Rank.RUNTIME, label, file)
