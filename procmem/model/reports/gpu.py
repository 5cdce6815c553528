"""Memory of graphics devices and accelerators that a process has open, as their drivers tell it."""

from procmem.model.named_tuple import NamedTuple

__all__ = ["GpuDevice", "GpuMemory", "GpuUse"]


class GpuMemory(NamedTuple):
    """Buffers of a process in one kind of memory of a device (``vram0``, ``gtt``, ``system``).

    All are bytes, None is unknown. ``total`` are all buffers, shared ones included, ``resident`` those that have memory
    now, ``shared`` those that others hold as well, ``active`` those that the device works on, ``purgeable`` those that
    may be dropped.
    """

    name: str
    total: int | None = None
    resident: int | None = None
    shared: int | None = None
    active: int | None = None
    purgeable: int | None = None


class GpuDevice(NamedTuple):
    """One device: its driver, its place on the PCI bus (None where it has none), how often it is open, its memory."""

    driver: str
    pdev: str | None
    clients: int
    memory: tuple[GpuMemory, ...]


class GpuUse(NamedTuple):
    """The devices of a process; not ``complete`` where it has more open descriptors than were looked at."""

    devices: tuple[GpuDevice, ...] = ()
    complete: bool = True
