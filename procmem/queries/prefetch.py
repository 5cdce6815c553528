"""Asking the kernel before all that answers is loaded: for one process, or for all of them."""

from __future__ import annotations

from procmem.sources.prefetch import prefetch_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["prefetch_process", "prefetch_processes"]


def prefetch_processes(words: Sequence[str]) -> None:
    """Begin to read all processes, where the words of the command line are such that they will be asked for."""
    from procmem.sources.prefetch_all import prefetch_all  # noqa: PLC0415  # only for system

    prefetch_all(words)
