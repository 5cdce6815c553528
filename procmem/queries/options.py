"""What users write for sizes and addresses, as values."""

from procmem.parse.options import address_of, limit_of, size_of

__all__ = ["address_of", "limit_of", "size_of"]
