"""The one rule of the house: a room imports ``model`` and ``errors``, never a neighbour."""

import ast
from pathlib import Path

import procmem

HOUSE = Path(procmem.__file__).parent
JOINTS = ("cli", "pipeline", "__main__")
FOR_ALL = {"model", "errors"}


def test_only_the_joints_know_more_than_one_room() -> None:
    """``pipeline*``, ``cli`` and ``__main__`` join the rooms; nobody else looks over the fence."""
    seen = 0
    for path in sorted(HOUSE.rglob("*.py")):
        room = path.relative_to(HOUSE).parts[0].removesuffix(".py")
        if room.startswith(JOINTS):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: imports are written in full"
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in names:
                if name.startswith("procmem."):
                    seen += 1
                    assert name.split(".")[1] in FOR_ALL | {room, "__version__"}, f"{path} imports {name}"
    assert seen > 50, "the walk has found no imports to judge"


def test_the_command_line_alone_knows_click() -> None:
    """Nothing but ``cli`` imports Click, and nothing that everybody imports is heavy."""
    for path in sorted(HOUSE.rglob("*.py")):
        text = path.read_text("utf-8")
        if path.relative_to(HOUSE).parts[0] != "cli":
            assert "import click" not in text, path
