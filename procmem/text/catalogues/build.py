"""Compiles the catalogues (``.po``) to what gettext reads (``.mo``), as a hook of the build: wheels ship the result.

The same hook makes the manual pages and the completion scripts from the commands.

A wheel and an editable installation both get it; nothing compiled is kept in the repository.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["CatalogueHook", "compile_catalogues"]


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


class CatalogueHook(BuildHookInterface[Any]):
    """Hatchling calls it before it collects the files of a wheel or of an editable installation."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and name the compiled files as part of what is built."""
        del version
        root = Path(self.root)
        compiled = compile_catalogues(Path(__file__).parent)
        build_data["artifacts"] += [f"/{path.relative_to(root)}" for path in compiled]
        build_data["shared_data"].update(_shared_files(root))


def _shared_files(root: Path) -> dict[str, str]:
    """Manual pages, and what shells need to complete words, made from the commands; where each is installed."""
    sys.path.insert(0, str(root))
    from procmem.cli.completion import script  # noqa: PLC0415  # from the tree that is built
    from procmem.cli.man_pages import man_pages  # noqa: PLC0415  # the same

    folder = Path(tempfile.mkdtemp(prefix="procmem-build-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    files = {f"share/man/man1/{name}": text for name, text in man_pages().items()}
    files["share/bash-completion/completions/procmem"] = script("bash")
    files["share/zsh/site-functions/_procmem"] = script("zsh")
    files["share/fish/vendor_completions.d/procmem.fish"] = script("fish")
    found = {}
    for number, (name, text) in enumerate(files.items()):
        source = folder / str(number)
        source.write_text(text, encoding="utf-8")
        found[str(source)] = name
    return found
