"""The table of unique symbols that the dynamic linker grows while it relocates C++ objects.

Each growth is a request to its allocator, so the number of such symbols is visible in the map.

Source: glibc elf/dl-lookup.c, do_lookup_unique(); sysdeps/generic/dl-hash.h and elf/dl-misc.c,
_dl_higher_prime_number().
"""

from collections.abc import Iterator

__all__ = ["unique_tables"]

_FIRST = 31
_PRIMES = (7, 13, 31, 61, 127, 251, 509, 1021, 2039, 4093, 8191, 16381, 32749, 65521)


def unique_tables(symbols: int, entry: int) -> Iterator[int]:
    """The sizes in bytes of all tables made until so many symbols are in; ``entry`` is the size of one record."""
    if not symbols:
        return
    slots = _FIRST
    yield slots * entry
    for entered in range(symbols):
        # a new symbol finds the table three quarters full, and takes a larger one first
        if 3 * slots <= 4 * entered:
            slots = next((prime for prime in _PRIMES if prime > slots), slots)
            yield slots * entry
