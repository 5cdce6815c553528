"""Names of C++, Rust and other languages as people write them, of what linkers make of them.

The work is done by the library demangle, if it is installed (extra ``symbols``): pure Python, since symbols come from
strangers' files. A name that it does not know, or that is longer than any compiler's usual ones, stays as it is.
"""

from functools import lru_cache

__all__ = ["readable_name"]

_LONGEST = 2048
_STARTS = (b"_Z", b"_R", b"$s", b"_$s", b"_D")
"""Of the Itanium C++ ABI (and Rust's older scheme), Rust's v0, Swift, D."""


@lru_cache(maxsize=20_000)
def readable_name(symbol: bytes) -> bytes:
    """The name of a symbol."""
    if not symbol.startswith(_STARTS) or len(symbol) > _LONGEST:
        return symbol
    try:
        import demangle  # noqa: PLC0415  # an extra, and only for such names
    except ImportError:
        return symbol
    try:
        found = demangle.demangle(symbol.decode("ascii"))
    except Exception:  # whatever a damaged name provokes
        return symbol
    return found.encode("utf-8", "replace") if isinstance(found, str) and found else symbol
