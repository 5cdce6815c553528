"""The standard streams of this process, for the command line."""

from procmem.sources.streams import drop_output, input_text

__all__ = ["drop_output", "input_text"]
