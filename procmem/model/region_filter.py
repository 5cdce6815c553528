"""Which regions are wanted: a value that the command line fills, and that lists and explanations obey."""

from procmem.model.named_tuple import NamedTuple

__all__ = ["RegionFilter"]


class RegionFilter(NamedTuple):
    """A region must fit all that is set.

    ``classes`` and ``kinds`` are names, of which it has one; ``owner`` and ``path`` are patterns as those of a shell,
    or parts of the name; ``perms`` are permissions as maps writes them (``rw-p``), or letters that it has (``wx``).
    ``min_size`` is in bytes.
    """

    classes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    owner: str | None = None
    path: str | None = None
    perms: str | None = None
    min_size: int = 0
