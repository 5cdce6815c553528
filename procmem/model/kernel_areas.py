"""Areas of an address space that no process has: the kernel's part of it, and the address spaces of arm64.

Here belongs what is computed of them for whole machines; the address space of one program is
:mod:`procmem.model.simulation`.
"""

from __future__ import annotations

from procmem.model.enumeration import TextEnumeration
from procmem.model.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.note import Note

__all__ = ["Arm64Kind", "Arm64Space", "KernelArea"]


class KernelArea(NamedTuple):
    """A part of the gigabyte above user space; ``rule`` says where it ends or begins and why."""

    start: int
    end: int
    name: str
    rule: Note


class Arm64Kind(TextEnumeration):
    """Page sizes of arm64, and bits of its addresses, that a kernel can be built for."""

    K4_39 = "arm64-4k-39"
    K4_48 = "arm64-4k-48"
    K4_52 = "arm64-4k-52"
    K16_36 = "arm64-16k-36"
    K16_47 = "arm64-16k-47"
    K16_48 = "arm64-16k-48"
    K16_52 = "arm64-16k-52"
    K64_42 = "arm64-64k-42"
    K64_48 = "arm64-64k-48"
    K64_52 = "arm64-64k-52"


class Arm64Space(NamedTuple):
    """The address space of arm64 with a page size, in bytes, so many bits of an address, and ``levels`` of tables.

    ``areas`` are user space, what lies between, and the kernel's; likely, not exact.
    """

    page_size: int
    bits: int
    levels: int
    areas: tuple[KernelArea, ...]
