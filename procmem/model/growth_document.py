"""The name of the document that ``procmem growth`` writes, and reads again."""

__all__ = ["GROWTH_SCHEMA"]

GROWTH_SCHEMA = "procmem/growth/1"
