"""What pmap calls a process: its command line, or its name where it has none."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.snapshot import Stat

__all__ = ["pmap_title"]


def pmap_title(cmdline: bytes | None, stat: Stat | None) -> bytes:
    """The words of ``cmdline`` with blanks between, or the name of ``stat`` in brackets."""
    words = b"" if cmdline is None else cmdline.rstrip(b"\0").replace(b"\0", b" ")
    if words:
        return words
    name = b"?" if stat is None else stat.comm
    return b"[" + name + b"]" + (b" <defunct>" if stat is not None and stat.state == "Z" else b"")
