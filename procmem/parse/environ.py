"""``/proc/<pid>/environ``: what of it the dynamic linker looks at. Source: proc_pid_environ(5); ld.so(8)."""

__all__ = ["linker_variables"]

_OF_THE_LINKER = (b"LD_", b"GLIBC_TUNABLES=")


def linker_variables(data: bytes) -> tuple[bytes, ...]:
    """The variables that decide which libraries are loaded, as ``NAME=value``; the rest is nobody's business."""
    return tuple(text for text in data.split(b"\0") if text.startswith(_OF_THE_LINKER) and b"=" in text)
