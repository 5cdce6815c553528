"""The standard streams of this process, for the command line."""

from procmem.sources.streams import binary_output, buffered, drop_output, input_text

__all__ = ["binary_output", "buffered", "drop_output", "input_text"]
