"""Asking the kernel for a process before all that answers is loaded."""

from procmem.sources.prefetch import begin_process

__all__ = ["begin_process"]
