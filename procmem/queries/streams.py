"""The standard streams of this process, for the command line."""

from procmem.sources.streams import buffered, drop_output, input_text

__all__ = ["buffered", "drop_output", "input_text"]
