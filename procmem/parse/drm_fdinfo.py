"""What drivers of graphics devices say of an open descriptor in ``/proc/<pid>/fdinfo``: lines that begin with ``drm-``.

A client (struct drm_file) may be open through several descriptors, each of which tells all of it: it counts once a
device. Keys that are not about memory, and those of one driver alone, are left out.

Source: Documentation/gpu/drm-usage-stats.rst; drivers/gpu/drm/drm_file.c, drm_fdinfo_print_size().
"""

from __future__ import annotations

from procmem.model.numbers import whole_number
from procmem.model.reports.gpu import GpuDevice, GpuMemory, GpuUse
from procmem.model.unknown import exact_sum

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    _Client = Mapping[str, bytes]

__all__ = ["drm_text", "parse_drm_text"]

_PREFIX = b"drm-"
_DRIVER, _PDEV, _CLIENT = "driver", "pdev", "client-id"
_FIGURES = ("total", "resident", "shared", "active", "purgeable")
_MEMORY = "memory"
"""The older name of ``resident``, which some drivers print beside it (amdgpu)."""
_UNITS = {b"": 1, b"KiB": 1 << 10, b"MiB": 1 << 20, b"GiB": 1 << 30}
_CUT = b"cut"
_LINES_MAX = 65_536


def drm_text(found: Iterable[tuple[int, bytes]], *, complete: bool) -> bytes:
    """The lines of drivers of each descriptor, as one text: what a recording keeps."""
    lines = [] if complete else [_CUT]
    for number, content in found:
        told = [line for line in content.split(b"\n") if line.startswith(_PREFIX)]
        lines += [b"[%d]" % number, *told] if told else []
    return b"".join(line + b"\n" for line in lines)


def parse_drm_text(content: bytes) -> GpuUse:
    """The devices of :func:`drm_text`, each client counted once."""
    clients: dict[tuple[str, str, str], dict[str, bytes]] = {}
    lines = content.split(b"\n")[:_LINES_MAX]
    of_descriptor: dict[str, bytes] = {}
    descriptors = []
    for line in lines:
        if line.startswith(b"["):
            of_descriptor = {}
            descriptors.append((line, of_descriptor))
        elif line.startswith(_PREFIX):
            key, _, value = line[len(_PREFIX) :].partition(b":")
            of_descriptor[_words(key)] = value.strip()
    for number, keys in descriptors:
        if _DRIVER in keys:
            device = _words(keys[_DRIVER]), _words(keys.get(_PDEV, b""))
            # without an id nothing tells whether two descriptors are of one client
            client = _words(keys[_CLIENT]) if _CLIENT in keys else f"{_words(number)}"
            clients.setdefault((*device, client), keys)
    by_device: dict[tuple[str, str], list[_Client]] = {}
    for (driver, pdev, _), keys in clients.items():
        by_device.setdefault((driver, pdev), []).append(keys)
    return GpuUse(
        tuple(GpuDevice(driver, pdev or None, len(own), _memory(own)) for (driver, pdev), own in by_device.items()),
        complete=_CUT not in lines[:1],
    )


def _words(text: bytes) -> str:
    return text.decode("ascii", "backslashreplace")


def _memory(clients: Iterable[_Client]) -> tuple[GpuMemory, ...]:
    """The sums over clients, by kind of memory, in the order of the driver."""
    found: dict[str, list[dict[str, int | None]]] = {}
    for keys in clients:
        own: dict[str, dict[str, int | None]] = {}
        for key, value in keys.items():
            figure, _, name = key.partition("-")
            if name and figure in (*_FIGURES, _MEMORY):
                own.setdefault(name, {})[figure] = _size(value)
        for name, figures in own.items():
            found.setdefault(name, []).append({**figures, "resident": figures.get("resident", figures.get(_MEMORY))})
    return tuple(
        GpuMemory(name, *(exact_sum([figures.get(figure) for figures in rows]) for figure in _FIGURES))
        for name, rows in found.items()
    )


def _size(value: bytes) -> int | None:
    """Bytes of ``12``, ``12 KiB``, ``12 MiB``; None for what is no size."""
    number, _, unit = value.partition(b" ")
    size = whole_number(number)
    scale = _UNITS.get(unit.strip())
    return None if size is None or scale is None else size * scale
