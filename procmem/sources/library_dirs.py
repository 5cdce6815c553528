"""Lists of directories in which the dynamic linker looks for libraries: RPATH, RUNPATH, LD_LIBRARY_PATH.

Here belongs what such a list means; in which order they are gone through is :mod:`procmem.sources.program_files`.

Source: glibc elf/dl-load.c, fillin_rpath(), _dl_dst_substitute(); ld.so(8).
"""

from __future__ import annotations

import re

from procmem.model.named_tuple import NamedTuple
from procmem.model.program_files import SearchDir, SearchList

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.program_files import ProgramObject

__all__ = ["Tokens", "expand", "library_list", "with_lists"]


class Tokens(NamedTuple):
    """What ``$ORIGIN``, ``$LIB`` and ``$PLATFORM`` stand for in the lists of one object."""

    origin: bytes
    lib: bytes
    platform: bytes = b"i686"


def library_list(text: bytes, tokens: Tokens, *, marks: bytes = b":") -> SearchList:
    """Break a list of directories up and put ``$ORIGIN`` and its like in, as fillin_rpath() does."""
    dirs = []
    for part in re.split(b"[" + marks + b"]", text):
        path = expand(part, tokens)
        if part:
            path = path.rstrip(b"/") + b"/" if path.rstrip(b"/") else b"/" if path else b""
        dirs.append(SearchDir(part, path))
    return SearchList(text, tuple(dirs))


def expand(text: bytes, tokens: Tokens) -> bytes:
    """A path with what its tokens stand for (_dl_dst_substitute())."""
    for token, value in ((b"ORIGIN", tokens.origin), (b"PLATFORM", tokens.platform), (b"LIB", tokens.lib)):
        text = text.replace(b"${" + token + b"}", value).replace(b"$" + token, value)
    return text


def with_lists(described: ProgramObject, tokens: Tokens) -> ProgramObject:
    """Put the directories of RPATH and RUNPATH in; a RUNPATH makes an RPATH void."""
    rpath, runpath = described.rpath, described.runpath
    return described._replace(
        rpath=library_list(rpath.text, tokens) if rpath and rpath.text and runpath is None else None,
        runpath=library_list(runpath.text, tokens) if runpath is not None else None,
    )
