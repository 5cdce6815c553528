"""What may be looked at inside the target's memory, and what its libraries' symbols say about where.

Only ``--deep`` fills this. ``memory`` gives words of pages that are resident, and nothing of other pages.
"""

from __future__ import annotations

from collections.abc import Mapping

from procmem.model.named_tuple import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.ports import MemoryReader

__all__ = ["DEEP_CONSTANTS", "DEEP_SYMBOLS", "DeepLook"]

DEEP_SYMBOLS = (
    "_rtld_global",
    "_rtld_global_ro",
    "_dl_stack_used",
    "_dl_stack_user",
    "_dl_stack_cache",
    "_dl_tls_static_size",
    "stack_used",
    "__stack_user",
    "stack_cache",
)
"""Variables of glibc whose addresses tell where its thread lists are (ld.so; static programs; libpthread)."""

DEEP_CONSTANTS = (
    "_thread_db_rtld_global__dl_stack_used",
    "_thread_db_rtld_global__dl_stack_user",
    "_thread_db_pthread_list",
    "_thread_db_pthread_tid",
    "_thread_db_sizeof_pthread",
)
"""Constants that glibc exports for debuggers (nptl_db): a size, or {bits, count, offset}."""


class DeepLook(NamedTuple):
    """``symbols`` maps an object's path to its symbols' link-time addresses; ``constants`` the exported bytes."""

    memory: MemoryReader
    symbols: Mapping[bytes, Mapping[str, int]]
    constants: Mapping[str, bytes]
