"""The descriptors of graphics devices that a process has open, and what ``fdinfo`` says of them.

A process may have very many descriptors: only the links of the first of them are read, and only files of devices are
opened. Where the machine has no such device, nothing is looked at.
"""

from __future__ import annotations

import os
from itertools import islice

from procmem.model.numbers import whole_number
from procmem.model.raw import Refusal
from procmem.model.vma_names import KernelName
from procmem.sources.files import read_whole, refusal_of

__all__ = ["has_gpu", "read_drm_fdinfo"]

_CLASSES = ("/sys/class/drm", "/sys/class/accel")
_DEVICES = (KernelName.GRAPHICS_DEVICE.value, "/dev/accel/")
_DESCRIPTORS_MAX = 4096
"""So many links take some ten milliseconds."""
_OPEN_MAX = 256
_BYTES_MAX = 16 * 1024


def has_gpu() -> bool:
    """Whether this machine's kernel has drivers of such devices at all."""
    return any(os.access(path, os.F_OK) for path in _CLASSES)


def read_drm_fdinfo(folder: int) -> tuple[list[tuple[int, bytes]], bool] | Refusal:
    """What ``fdinfo`` says of each descriptor of a device, and whether all descriptors were looked at.

    ``folder`` is the open folder of the process.
    """
    found: list[tuple[int, bytes]] = []
    try:
        fd = os.open("fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        return refusal_of(error)
    try:
        with os.scandir(fd) as entries:
            names = [entry.name for entry in islice(entries, _DESCRIPTORS_MAX + 1)]
        for name in names[:_DESCRIPTORS_MAX]:
            if _is_device(name, fd) and (number := whole_number(name)) is not None:
                if len(found) == _OPEN_MAX:
                    return sorted(found), False
                content = read_whole(f"fdinfo/{name}", folder, limit=_BYTES_MAX)
                if isinstance(content, bytes):
                    found.append((number, content))
    except OSError as error:
        return refusal_of(error)
    finally:
        os.close(fd)
    return sorted(found), len(names) <= _DESCRIPTORS_MAX


def _is_device(name: str, fd: int) -> bool:
    try:
        return os.readlink(name, dir_fd=fd).startswith(_DEVICES)
    except OSError:  # closed meanwhile
        return False
