"""Writing to a process's ``clear_refs``: what came of it."""

from procmem.errors import AccessRefused, ProcessGone
from procmem.model.raw import Refusal

__all__ = ["need_done"]


def need_done(refusal: Refusal | None, pid: int | None) -> None:
    """Say why ``clear_refs`` could not be written, where it could not.

    Raises:
        ProcessGone: the process has ended.
        AccessRefused: it may not be written, or this kernel has no such file.
    """
    if refusal is Refusal.GONE:
        raise ProcessGone(pid or 0, "ended")
    if refusal is Refusal.DENIED:
        raise AccessRefused(pid, "clear-refs-denied")
    if refusal is not None:
        raise AccessRefused(pid, "clear-refs-refused", refusal=refusal)
