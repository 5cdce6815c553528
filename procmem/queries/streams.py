"""The standard output of this process, where nobody takes it any more."""

from procmem.sources.streams import drop_output

__all__ = ["drop_output"]
