"""Compiles the catalogues (``.po``) to what gettext reads (``.mo``), when a wheel is built: wheels ship the result.

A wheel and an editable installation both get it; nothing compiled is kept in the repository.
"""

import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

__all__ = ["compile_catalogues"]


def compile_catalogues(folder: Path) -> tuple[Path, ...]:
    """Compile every catalogue below a folder that is newer than what was made of it; all compiled files."""
    compiled = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        compiled.append(target)
        if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        with source.open("rb") as text:
            catalogue = read_po(text)
        unfinished = target.with_suffix(f".{os.getpid()}")
        with unfinished.open("wb") as binary:
            write_mo(binary, catalogue)
        unfinished.replace(target)  # tests side by side may compile at once
    return tuple(compiled)
