"""A text of a process that somebody pasted, mailed or saved, told in the form of the kernel's own files.

Whatever the text was (maps with a prompt before it, output of pmap, a crash report), what it says goes the same way as
what is read from ``/proc``: as the bytes of files.
"""

from __future__ import annotations

from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["UNKNOWN_DEVICE", "UNKNOWN_PERMISSION", "GivenText"]

UNKNOWN_DEVICE = "??:??"
"""Stands in a maps line where a text names a file and neither device nor inode; the inode then numbers the names."""
UNKNOWN_PERMISSION = "?"
"""Stands for each of the four letters that a text does not tell."""


class GivenText(NamedTuple):
    """What a text holds of one process.

    ``files`` are contents by their names below ``/proc/<pid>``; ``pid`` is None where the text does not say; ``notes``
    tell what was left out, mended or is not known in texts of this form.
    """

    files: Mapping[str, bytes]
    pid: int | None = None
    notes: tuple[Note, ...] = ()
