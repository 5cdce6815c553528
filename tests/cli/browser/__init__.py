"""The screens of ``procmem browse``, driven by textual's own pilot, and in a real terminal."""
