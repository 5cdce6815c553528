"""What can happen to an address space: the system calls and faults that change it, as small values.

The machine takes one at a time; the C library's rules are nothing but makers of such events.
"""

from procmem.errors import BadInput
from procmem.model.named_tuple import NamedTuple
from procmem.model.note import Note
from procmem.model.permissions import READ_WRITE
from procmem.model.simulation import AreaRole, Base

__all__ = [
    "EEXIST",
    "EFAULT",
    "EINVAL",
    "ENOMEM",
    "CloneThread",
    "Event",
    "ExecFailed",
    "Exit",
    "Fork",
    "Map",
    "Protect",
    "Remap",
    "SetBrk",
    "Touch",
    "Unmap",
]

ENOMEM, EFAULT, EEXIST, EINVAL = 12, 14, 17, 22


class ExecFailed(BadInput):
    """The kernel would refuse to start this program, or kill it before its first instruction."""


class Map(NamedTuple):
    """mmap of private memory, of a file where ``name`` is given; ``flags`` holds VmFlag bits of the request.

    ``fixed`` is MAP_FIXED, ``no_replace`` MAP_FIXED_NOREPLACE, ``address`` without either is a hint. ``huge`` says
    that the file lies in a file system that asks for places at borders of huge pages.
    """

    length: int
    perms: str = READ_WRITE
    address: int = 0
    fixed: bool = False
    no_replace: bool = False
    name: bytes = b""
    offset: int = 0
    flags: int = 0
    role: AreaRole = AreaRole.MMAP
    base: Base = Base.MMAP
    rule: Note | None = None
    huge: bool = False


class Unmap(NamedTuple):
    """munmap: free whatever lies in the range."""

    start: int
    length: int


class Protect(NamedTuple):
    """mprotect: new rights (``rwx`` letters) for a range that must be mapped throughout.

    ``role`` and ``rule`` replace those of the parts where given. ``grows_down`` is PROT_GROWSDOWN.
    """

    start: int
    length: int
    perms: str
    role: AreaRole | None = None
    rule: Note | None = None
    grows_down: bool = False


class Remap(NamedTuple):
    """mremap with MREMAP_MAYMOVE: another length for the mapping at ``start``, elsewhere where there is no room."""

    start: int
    old_length: int
    length: int
    rule: Note | None = None


class SetBrk(NamedTuple):
    """The brk system call with a wanted end of the heap."""

    address: int
    rule: Note | None = None


class Touch(NamedTuple):
    """The program accesses one byte; below a stack this grows it."""

    address: int
    write: bool = True


class CloneThread(NamedTuple):
    """clone(CLONE_VM): one more thread in the same space; its stack was mapped before."""


class Fork(NamedTuple):
    """fork: the child's space is an equal value; pages are shared until written."""


class Exit(NamedTuple):
    """The last thread ends and the space with it."""


Event = Map | Unmap | Protect | Remap | SetBrk | Touch | CloneThread | Fork | Exit
