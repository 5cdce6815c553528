"""Names of C++, Rust and other languages as people write them, of what linkers make of them.

What compilers append to a function that they have cut or copied, and a version, is left out. The rest is done by the
library demangle, if it is installed (extra ``symbols``): pure Python, since symbols come from
strangers' files. A name that it does not know, or that is longer than any compiler's usual ones, stays as it is.
"""

import re
from functools import lru_cache

from procmem.model.code import MANGLED_STARTS

__all__ = ["readable_name"]

_LONGEST = 2048


_CLONE = re.compile(rb"(?:\.(?:isra|constprop|part|cold|lto_priv|llvm)(?:\.\d+)*)+\Z")
"""Of GCC and Clang."""
_VERSION = re.compile(rb"@{1,2}[A-Za-z][\w.]*\Z")
"""Of versioned symbols in full symbol tables."""


@lru_cache(maxsize=20_000)
def readable_name(symbol: bytes) -> bytes:
    """The name of a symbol."""
    plain = _CLONE.sub(b"", _VERSION.sub(b"", symbol)) or symbol
    return _demangled(plain)


def _demangled(symbol: bytes) -> bytes:
    if not symbol.startswith(MANGLED_STARTS) or len(symbol) > _LONGEST:
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
