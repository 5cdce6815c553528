"""How a process holds the memory of one object that it may map several times; computed in ``analyse.freed``."""

from procmem.model.named_tuple import NamedTuple

__all__ = ["ObjectUse"]


class ObjectUse(NamedTuple):
    """How a process holds the pages of one object, its own copies of them left out; sizes in bytes.

    ``times`` is how often it maps the same part of it. ``counted`` is what RES counts; ``once`` the same with each
    page counted once: exact where ``alone``, the most that it can be where not. ``alone`` says whether the figures
    agree with nobody else mapping these pages; ``shared`` is what of ``counted`` is mapped more than once, and
    ``shared_once`` what of that remains when each page is counted once.
    """

    times: int
    counted: int
    once: int
    alone: bool
    shared: int
    shared_once: int

    @property
    def again(self) -> int:
        """What RES counts beyond the first time: at least this."""
        return self.counted - self.once

    @property
    def counts_again(self) -> bool:
        """Whether RES counts pages more than once."""
        return self.times > 1 and self.again > 0
