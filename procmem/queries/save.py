"""Writing what a command made: whole or not at all, and never over something that is there."""

from procmem.sources.recording.write import may_save_text, save_text

__all__ = ["may_save_text", "save_text"]
