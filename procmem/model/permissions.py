"""The permissions of a mapping: the four letters of maps, and the three of mmap() and mprotect(), read once.

Columns keep the text that the kernel prints, since it is shown as it stands and few texts are different; whoever wants
to know what it allows asks :func:`permissions`, which takes each different text apart once. Nobody else looks at
letters.

Source: proc_pid_maps(5); fs/proc/task_mmu.c, show_vma_header_prefix().
"""

from procmem.model.given_text import UNKNOWN_PERMISSION
from procmem.model.named_tuple import NamedTuple

__all__ = [
    "ALL_LETTERS",
    "EXECUTE",
    "NO_ACCESS",
    "PRIVATE_CODE",
    "PRIVATE_DATA",
    "PRIVATE_NONE",
    "PRIVATE_READ_ONLY",
    "READ",
    "READ_EXECUTE",
    "READ_ONLY",
    "READ_WRITE",
    "READ_WRITE_EXECUTE",
    "WRITE",
    "Permissions",
    "permissions",
    "protection_letters",
    "with_execute",
    "with_sharing",
    "with_write",
    "without_execute",
]

READ, WRITE, EXECUTE = 4, 2, 1
"""Bits of :attr:`Permissions.access`: those of a file's mode, and of PF_R, PF_W and PF_X in ELF."""

NO_ACCESS, READ_ONLY, READ_WRITE, READ_EXECUTE, READ_WRITE_EXECUTE = "---", "r--", "rw-", "r-x", "rwx"
"""Texts of three letters: what mmap() and mprotect() are asked for."""
PRIVATE_NONE, PRIVATE_READ_ONLY, PRIVATE_DATA, PRIVATE_CODE = "---p", "r--p", "rw-p", "r-xp"
"""Texts of four letters, as maps prints them."""
_PRIVATE, _SHARED = "p", "s"


class Permissions(NamedTuple):
    """What a text of permissions allows.

    ``access`` has the bits of READ, WRITE and EXECUTE; ``read_write`` says that both are allowed, ``read_only`` that
    nothing but reading is, ``inaccessible`` that nothing is. A text of three letters is neither shared nor private.
    A letter that is not known (``?``) allows nothing, and forbids nothing.
    """

    access: int
    readable: bool
    writable: bool
    executable: bool
    read_write: bool
    read_only: bool
    inaccessible: bool
    shared: bool
    private: bool


class _Read(dict[str, Permissions]):
    """Each different text, taken apart."""

    def __missing__(self, text: str) -> Permissions:
        readable, writable, executable = text[:1] == "r", text[1:2] == "w", text[2:3] == "x"
        access = READ * readable + WRITE * writable + EXECUTE * executable
        found = self[text] = Permissions(
            access=access,
            readable=readable,
            writable=writable,
            executable=executable,
            read_write=readable and writable,
            read_only=access == READ,
            inaccessible=not access and UNKNOWN_PERMISSION not in text[:3],
            shared=text[3:4] == _SHARED,
            private=text[3:4] == _PRIVATE,
        )
        return found


permissions = _Read().__getitem__
"""What a text of three or four letters allows."""


def protection_letters(access: int) -> str:
    """The three letters of some bits of READ, WRITE and EXECUTE."""
    return ("r" if access & READ else "-") + ("w" if access & WRITE else "-") + ("x" if access & EXECUTE else "-")


ALL_LETTERS = frozenset(map(protection_letters, range(8)))
"""Every text of three letters."""


def with_write(text: str) -> str:
    """The same, and writing."""
    return text[:1] + "w" + text[2:]


def with_execute(text: str) -> str:
    """The same, and executing."""
    return text[:2] + "x" + text[3:]


def without_execute(text: str) -> str:
    """The same without executing."""
    return text[:2] + "-" + text[3:]


def with_sharing(text: str, *, shared: bool) -> str:
    """The four letters of a mapping that was asked for with these three."""
    return text + (_SHARED if shared else _PRIVATE)
