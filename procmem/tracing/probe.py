"""A tiny program of our own that asks the running kernel what no file tells.

How many pages the kernel's own mappings take, how long the auxiliary vector is, and by which rule the
heap is named can only be seen in a process of such a program. So we write one, byte by byte, run it under the wanted
personality, stop it at its first instruction, and read its ``maps`` and ``auxv``. It needs no compiler, no
library and no right that its user lacks. Where such programs cannot run, nothing is guessed here.

Source of the layout: System V gABI, ELF header and program header; the code is ``pause`` in a loop.
"""

import contextlib
import os
import struct
import tempfile

from procmem.model.elf import EM_386, EM_X86_64, ET_EXEC, PF_R, PF_W, PF_X, PT_LOAD
from procmem.model.machine import LAYOUT_X86_64, architecture_of
from procmem.model.named_tuple import NamedTuple
from procmem.tracing.tracee import CannotStart, Started, Tracee
from procmem.tracing.untraced import Untraced

__all__ = ["KernelSettings", "ProbeReading", "probe", "probe_program", "read_kernel_settings"]

_CODE = {
    32: b"\xb8\x1d\x00\x00\x00\xcd\x80\xeb\xf7",
    64: b"\xb8\x22\x00\x00\x00\x0f\x05\xeb\xf7",
}
"""mov eax, 29 or 34 (pause); int 0x80 or syscall; jmp back."""
_BASE = {32: 0x0804_8000, 64: 0x40_0000}
_HEADERS = {32: 52 + 32, 64: 64 + 56}
_ADDR_NO_RANDOMIZE = 0x004_0000
_LIMIT_BYTES = 1 << 20


class ProbeReading(NamedTuple):
    """What the probe's ``maps`` and ``auxv`` said, as bytes."""

    maps: bytes
    auxv: bytes


class KernelSettings(NamedTuple):
    """Settings of the running kernel that decide layouts; None where the file may not be read or is not there."""

    machine: str
    release: str
    randomize: int | None
    legacy: int | None
    mmap_min_addr: int | None
    rnd_compat_bits: int | None
    rnd_bits: int | None
    command_line: bytes
    cpus: int


def probe_program(bits: int = 32, code: bytes | None = None) -> bytes:
    """The program: an ELF header, one segment of code with a page of BSS behind it, nine bytes of code, or others."""
    base, headers, code = _BASE[bits], _HEADERS[bits], _CODE[bits] if code is None else code
    size, entry, rights = headers + len(code), base + headers, PF_R | PF_W | PF_X
    # the BSS ends where the heap would begin: older kernels then name it [heap]
    if bits == 64:
        ident = b"\x7fELF\x02\x01\x01" + bytes(9)
        header = struct.pack("<HHIQQQIHHHHHH", ET_EXEC, EM_X86_64, 1, entry, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        segment = struct.pack("<IIQQQQQQ", PT_LOAD, rights, 0, base, base, size, 0x2000, 0x1000)
        return ident + header + segment + code
    ident = b"\x7fELF\x01\x01\x01" + bytes(9)
    header = struct.pack("<HHIIIIIHHHHHH", ET_EXEC, EM_386, 1, entry, 52, 0, 0, 52, 32, 1, 0, 0, 0)
    segment = struct.pack("<8I", PT_LOAD, 0, base, base, size, 0x2000, rights, 0x1000)
    return ident + header + segment + code


def probe(personality: int = 0, bits: int = 32) -> ProbeReading | None:
    """Run the probe and read it; None where this machine does not run x86 programs of so many bits."""
    machine = architecture_of(os.uname().machine, bits)
    if not (machine.runs_i386 if bits == 32 else machine.layout is LAYOUT_X86_64):
        return None
    with contextlib.ExitStack() as stack:
        path = _written(stack, probe_program(bits))
        if path is None:
            return None
        how = Started(path, (b"probe",), (), personality | _ADDR_NO_RANDOMIZE)
        try:
            child = _started(stack, how)
            return ProbeReading(child.proc_file("maps"), child.proc_file("auxv")) if child.alive else None
        except OSError:
            return None


def _started(stack: contextlib.ExitStack, how: Started) -> Tracee | Untraced:
    """The program, held still: by tracing it, or where that is forbidden when it pauses by itself."""
    try:
        return stack.enter_context(Tracee(how))
    except CannotStart:
        return stack.enter_context(Untraced(how))


def _written(stack: contextlib.ExitStack, program: bytes) -> bytes | None:
    """Put the program into a file that may be executed: in memory, or else in the temporary folder."""
    with contextlib.suppress(OSError, AttributeError):
        descriptor = os.memfd_create("probe", 0)
        stack.callback(os.close, descriptor)
        os.write(descriptor, program)
        return b"/proc/self/fd/%d" % descriptor
    with contextlib.suppress(OSError):
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="procmem-"))
        path = os.path.join(folder, "probe")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o700)
        try:
            os.write(descriptor, program)
        finally:
            os.close(descriptor)
        return os.fsencode(path)
    return None


def read_kernel_settings() -> KernelSettings:
    """Read the settings of the running kernel."""
    system = os.uname()
    return KernelSettings(
        machine=system.machine,
        release=system.release,
        randomize=_number("/proc/sys/kernel/randomize_va_space"),
        legacy=_number("/proc/sys/vm/legacy_va_layout"),
        mmap_min_addr=_number("/proc/sys/vm/mmap_min_addr"),
        rnd_compat_bits=_number("/proc/sys/vm/mmap_rnd_compat_bits"),
        rnd_bits=_number("/proc/sys/vm/mmap_rnd_bits"),
        command_line=_text("/proc/cmdline"),
        cpus=len(os.sched_getaffinity(0)),
    )


def _text(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(_LIMIT_BYTES)
    except OSError:
        return b""


def _number(path: str) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdigit() else None
