"""Whose a byte range is, within a sentence."""

from procmem.model.owners import Arena, ArenaBlock, MainThread, Owner, Thread, owner_name
from procmem.text import N_, gettext, listed, say

__all__ = ["owner_text"]


def owner_text(owner: Owner | None) -> str:
    """A thread, an arena or the main thread in words; files, labels and allocators by their names. Empty for nobody."""
    match owner:
        case Thread(tid, None):
            return say(N_("thread {tid}"), {"tid": tid})
        case Thread(tid, comm):
            return say(N_("thread {name:name} ({tid})"), {"tid": tid, "name": comm or b"?"})
        case MainThread():
            return gettext(N_("main thread"))
        case Arena(address, tids) if tids:
            words = {"address": address, "tids": listed(map(str, tids[:_TIDS_SHOWN]))}
            return say(N_("arena {address:x} of thread {tids}"), words)
        case Arena(address, _):
            return say(N_("arena {address:x}"), {"address": address})
        case ArenaBlock(address):
            return say(N_("block {address:x}"), {"address": address})
        case _:
            return (owner_name(owner) or b"").decode("utf-8", "surrogateescape")


_TIDS_SHOWN = 8
