"""What the system and Python say of an error, in words.

It is strerror(3) of the errors that reading and writing files can meet, and what is wrong with a regular expression.

The English sentences are those of the C library, so that one that is missing here is told in English.
"""

import errno

from procmem.text import N_, gettext

__all__ = ["system_text"]

SYSTEM = {
    errno.EPERM: N_("Operation not permitted"),
    errno.ENOENT: N_("No such file or directory"),
    errno.ESRCH: N_("No such process"),
    errno.EINTR: N_("Interrupted system call"),
    errno.EIO: N_("Input/output error"),
    errno.ENXIO: N_("No such device or address"),
    errno.E2BIG: N_("Argument list too long"),
    errno.ENOEXEC: N_("Exec format error"),
    errno.EBADF: N_("Bad file descriptor"),
    errno.EAGAIN: N_("Resource temporarily unavailable"),
    errno.ENOMEM: N_("Cannot allocate memory"),
    errno.EACCES: N_("Permission denied"),
    errno.EBUSY: N_("Device or resource busy"),
    errno.EEXIST: N_("File exists"),
    errno.EXDEV: N_("Invalid cross-device link"),
    errno.ENODEV: N_("No such device"),
    errno.ENOTDIR: N_("Not a directory"),
    errno.EISDIR: N_("Is a directory"),
    errno.EINVAL: N_("Invalid argument"),
    errno.ENFILE: N_("Too many open files in system"),
    errno.EMFILE: N_("Too many open files"),
    errno.EFBIG: N_("File too large"),
    errno.ENOSPC: N_("No space left on device"),
    errno.ESPIPE: N_("Illegal seek"),
    errno.EROFS: N_("Read-only file system"),
    errno.ENAMETOOLONG: N_("File name too long"),
    errno.ENOSYS: N_("Function not implemented"),
    errno.ELOOP: N_("Too many levels of symbolic links"),
    errno.EOPNOTSUPP: N_("Operation not supported"),
    errno.ESTALE: N_("Stale file handle"),
    errno.EDQUOT: N_("Disk quota exceeded"),
}
"""By number."""
PATTERNS = (
    N_("nothing to repeat"),
    N_("multiple repeat"),
    N_("min repeat greater than max repeat"),
    N_("missing ), unterminated subpattern"),
    N_("unbalanced parenthesis"),
    N_("unterminated character set"),
    N_("bad escape (end of pattern)"),
    N_("unexpected end of pattern"),
    N_("missing group name"),
    N_("look-behind requires fixed-width pattern"),
)
"""What Python says of a text that is no regular expression; what names a part of the pattern is told in English."""
CLOSED = N_("it is closed")
"""What a standard output says that the shell has closed."""


def system_text(reason: str) -> str:
    """What the system said, in the language in use where there are words for it."""
    return gettext(reason)
