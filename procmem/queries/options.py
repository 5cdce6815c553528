"""What users write for sizes and addresses, as values."""

from procmem.parse.options import address_of, duration_of, limit_of, need_permissions, size_of

__all__ = ["address_of", "duration_of", "limit_of", "need_permissions", "size_of"]
