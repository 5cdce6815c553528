"""Asking the kernel for a process before all that answers is loaded."""

from procmem.sources.prefetch import prefetch_process

__all__ = ["prefetch_process"]
