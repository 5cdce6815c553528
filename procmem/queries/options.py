"""What users write for sizes, as values."""

from procmem.parse.options import limit_of, size_of

__all__ = ["limit_of", "size_of"]
