"""A row of the table by class: apart, since sums over all processes need nothing else of a report on one."""

from procmem.model.named_tuple import NamedTuple

__all__ = ["ClassRow"]


class ClassRow(NamedTuple):
    """The sums of one class; ``virt`` leaves gate VMAs out, as the kernel's VmSize does."""

    cls: str
    virt: int
    rss: int | None
    pss: int | None
    uss: int | None
    swap: int | None
    regions: int
