"""One field of ``/proc/<pid>/status`` for sources, which need no more of it; the whole is for ``parse.status``."""

__all__ = ["status_field"]


def status_field(status: bytes, key: str) -> bytes:
    """The value of a key, as the kernel wrote it; nothing where there is no such line."""
    text = b"\n%s" % status
    mark = b"\n%s:\t" % key.encode()
    return text.partition(mark)[2].partition(b"\n")[0]
