"""What is made when a wheel is built: catalogues that gettext reads, manual pages, and completion for shells.

Hatchling loads this file by its path, from the tree that is built; an editable installation gets the same.
"""

import atexit
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["WheelHook"]


class WheelHook(BuildHookInterface[Any]):
    """Hatchling calls it before it collects the files of a wheel or of an editable installation."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make them, and name them as part of what is built."""
        del version
        root = Path(self.root)
        sys.path.insert(0, str(root))
        from procmem.text.catalogues.build import compile_catalogues  # noqa: PLC0415  # of the tree that is built

        compiled = compile_catalogues(root / "procmem/text/catalogues")
        build_data["artifacts"] += [f"/{path.relative_to(root)}" for path in compiled]
        build_data["shared_data"].update(_shared_files())


def _shared_files() -> dict[str, str]:
    """What is installed below share: each file as it was made, and where it goes."""
    from procmem.cli.completion import script  # noqa: PLC0415  # of the tree that is built
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
