"""Recordings below a folder: those of many machines are kept in folders by host, or by day."""

import os
from collections.abc import Iterator

__all__ = ["folder_name", "recordings_below"]

_DEPTH_MAX = 8
_OF_A_RECORDING = frozenset({"about.toml", "maps", "smaps", "status"})


def recordings_below(path: str, depth: int = _DEPTH_MAX) -> Iterator[str]:
    """The path itself where it is a file or a recording, else what lies in the folder, in the order of names.

    Names that begin with a dot are left out, and so are links to folders.
    """
    try:
        names = sorted(os.listdir(path))
    except OSError:  # a file; or nothing that can be read, which its reader will tell
        yield path
        return
    if _OF_A_RECORDING.intersection(names) or not depth:
        yield path
        return
    for name in names:
        inner = os.path.join(path, name)
        if name.startswith(".") or (os.path.islink(inner) and os.path.isdir(inner)):
            continue
        yield from recordings_below(inner, depth - 1)


def folder_name(path: str) -> str:
    """What the folder is called that something lies in."""
    return os.path.basename(os.path.dirname(os.path.abspath(path)))
