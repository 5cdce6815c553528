"""Memory of graphics devices: texts as the kernel's documentation and the drivers of several vendors have them.

None of them was taken from a device: no machine of the tests has one.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from procmem.model.reports.gpu import GpuDevice, GpuMemory, GpuUse
from procmem.parse.drm_fdinfo import drm_text, parse_drm_text

MIB = 1 << 20
COMMON = "pos:\t0\nflags:\t02100002\nmnt_id:\t26\nino:\t568\n"


def fdinfo(driver: str, client: int | None, pdev: str | None, **keys: str) -> bytes:
    """What ``/proc/<pid>/fdinfo/<fd>`` says; underscores of keys are dashes."""
    lines = [f"drm-driver:\t{driver}"]
    lines += [] if client is None else [f"drm-client-id:\t{client}"]
    lines += [] if pdev is None else [f"drm-pdev:\t{pdev}"]
    lines += [f"drm-{key.replace('_', '-')}:\t{value}" for key, value in keys.items()]
    return (COMMON + "\n".join(lines) + "\n").encode()


AMD = fdinfo(
    "amdgpu",
    46,
    "0000:03:00.0",
    total_vram="1372160 KiB",
    shared_vram="16 MiB",
    active_vram="0",
    resident_vram="1048576 KiB",
    purgeable_vram="0",
    memory_vram="1048576 KiB",
    total_gtt="9476 KiB",
    resident_gtt="9476 KiB",
    engine_gfx="2000 ns",
) + (b"amd-evicted-vram:\t0 KiB\n")
INTEL = fdinfo("i915", 7, "0000:00:02.0", total_system0="512 MiB", resident_system0="256 MiB", engine_render="92 ns")
XE = fdinfo("xe", 7, "0000:00:02.0", total_vram0="4096", resident_vram0="4096", cycles_rcs="28257900")
OLD_AMD = fdinfo("amdgpu", 3, "0000:03:00.0", memory_vram="2048 KiB", memory_gtt="0 KiB", engine_gfx="12 ns")
PANTHOR = fdinfo(
    "panthor", 8, None, total_memory="2 MiB", resident_memory="1 MiB", active_memory="0", maxfreq_fragment="1 Hz"
)
ACCEL = fdinfo("intel_vpu", 3, "0000:00:0b.0")


def parsed(*texts: bytes, complete: bool = True) -> GpuUse:
    """Through the text that a recording keeps."""
    return parse_drm_text(drm_text(enumerate(texts, start=5), complete=complete))


def test_each_vendors_keys() -> None:
    """Totals and what is resident, in bytes; what a driver does not tell is unknown, engines are none of it."""
    assert parsed(AMD).devices == (
        GpuDevice(
            "amdgpu",
            "0000:03:00.0",
            1,
            (GpuMemory("vram", 1340 * MIB, 1024 * MIB, 16 * MIB, 0, 0), GpuMemory("gtt", 9476 * 1024, 9476 * 1024)),
        ),
    )
    assert parsed(INTEL).devices[0].memory == (GpuMemory("system0", 512 * MIB, 256 * MIB),)
    assert parsed(XE).devices[0].memory == (GpuMemory("vram0", 4096, 4096),)
    assert parsed(OLD_AMD).devices[0].memory == (GpuMemory("vram", None, 2 * MIB), GpuMemory("gtt", None, 0))
    assert parsed(PANTHOR).devices == (GpuDevice("panthor", None, 1, (GpuMemory("memory", 2 * MIB, MIB, None, 0),)),)
    assert parsed(ACCEL).devices == (GpuDevice("intel_vpu", "0000:00:0b.0", 1, ()),)


def test_a_client_counts_once_a_device() -> None:
    """However many descriptors it is open through; the same number on another device is another client."""
    other = INTEL.replace(b"client-id:\t7", b"client-id:\t9")
    found = parsed(INTEL, INTEL, other, XE, INTEL)
    assert [(one.driver, one.clients, one.memory[0].resident) for one in found.devices] == [
        ("i915", 2, 512 * MIB),
        ("xe", 1, 4096),
    ]


def test_without_an_id_each_descriptor_counts() -> None:
    """Nothing tells whether they are the same."""
    (device,) = parsed(*[fdinfo("msm", None, None, resident_memory="1 MiB")] * 2).devices
    assert (device.clients, device.memory[0].resident) == (2, 2 * MIB)


def test_what_one_client_does_not_tell_is_unknown_of_all() -> None:
    """A sum without a part of it would be too small."""
    told = fdinfo("xe", 1, None, total_system="1 MiB", resident_system="1 MiB")
    silent = fdinfo("xe", 2, None, total_system="1 MiB")
    assert parsed(told, silent).devices[0].memory == (GpuMemory("system", 2 * MIB, None),)


@pytest.mark.parametrize("value", ["", "-4", "1.5 MiB", "1 PiB", "many KiB", "12 KiB more"])
def test_what_is_no_size(value: str) -> None:
    """It is unknown."""
    assert parsed(fdinfo("xe", 1, None, resident_system=value)).devices[0].memory[0].resident is None


def test_descriptors_of_no_device() -> None:
    """A file, a pipe, an eventfd: nothing is kept of them."""
    assert drm_text([(3, b"pos:\t0\n"), (4, b"eventfd-count: 0\n")], complete=True) == b""
    assert parse_drm_text(b"") == GpuUse()
    assert not parsed(complete=False).complete


@given(st.binary(max_size=300))
def test_any_text_is_read(text: bytes) -> None:
    """A recording may hold anything."""
    for content in (text, b"[5]\ndrm-driver:\tx\n" + text, drm_text([(1, text)], complete=True)):
        for device in parse_drm_text(content).devices:
            assert device.clients > 0
