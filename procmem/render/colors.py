"""Colours of the classes of memory on a terminal."""

__all__ = ["painted"]

_COLORS = {
    "text": "36", "rodata": "36", "data": "33", "bss": "33", "tls": "33", "heap": "32", "stack": "35", "mmap": "34",
    "shm": "94", "jit": "91", "guard": "90", "reserved": "90", "kernel": "90", "device": "94",
}  # fmt: skip
"""Select Graphic Rendition codes (ECMA-48) by class."""


def painted(shown: str, cls: str) -> str:
    """Text in the colour of a class; other words keep the terminal's own."""
    code = _COLORS.get(cls)
    return shown if code is None or not shown else f"\x1b[{code}m{shown}\x1b[0m"
