"""What may be read inside the target's own memory: words, and the C library's structures."""
