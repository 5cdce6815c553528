"""One field of ``/proc/<pid>/status`` for sources, which need no more of it; the whole is for ``parse.status``."""

import re

__all__ = ["status_field"]


def status_field(status: bytes, key: str) -> bytes:
    """The value of a key, as the kernel wrote it; nothing where there is no such line."""
    found = re.search(rb"(?m)^%s:\t(.*)$" % key.encode(), status)
    return found[1] if found else b""
