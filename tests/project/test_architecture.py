"""The architecture, held without exemptions: imports go only downward, no circles, rooms that join hold calls only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import procmem

HOUSE = Path(procmem.__file__).parent

LOWER = frozenset({"sources", "parse", "classify", "analyse", "simulate", "tracing", "text"})
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"errors"}),
    frozenset({"model"}),
    LOWER,
    frozenset({"queries", "render"}),
    frozenset({"lab"}),
    frozenset({"api"}),
    frozenset({"cli"}),
)
"""From the bottom up: a room imports itself and what lies below it, never a room beside it."""
NARROWED = {
    "render": frozenset({"errors", "model", "text"}),
    "cli": frozenset({"errors", "model", "text", "render", "queries", "lab", "api"}),
}
"""Rooms that may see less than what lies below them."""


ENTRIES = {
    "procmem": frozenset({"api", "errors"}),
    "procmem.__main__": frozenset({"cli"}),
    "procmem.pytest_plugin": frozenset({"api", "errors", "model", "text"}),
}
"""The faces of the package, for Python, for the command line and for pytest, and the rooms that each may open.

They stand on top of all floors: no room imports one of them.
"""
ON_TOP = {name.partition(".")[2] for name in ENTRIES}


def _allowed(room: str) -> frozenset[str]:
    """The rooms that a room may import."""
    at = next(number for number, floor in enumerate(FLOORS) if room in floor)
    below = frozenset().union(*FLOORS[:at])
    return NARROWED.get(room, below) | {room}


def _modules() -> dict[str, Path]:
    """Every module by its dotted name."""
    names = {}
    for path in sorted(HOUSE.rglob("*.py")):
        parts = ("procmem", *path.relative_to(HOUSE).with_suffix("").parts)
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def _imports(path: Path, known: dict[str, Path]) -> Iterator[str]:
    """The project's modules that a file imports anywhere in it, for types only included."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "procmem")
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            if (node.module or "").split(".")[0] == "procmem":
                for alias in node.names:
                    name = f"{node.module}.{alias.name}"
                    yield name if name in known else node.module or ""


def test_imports_go_only_downward() -> None:
    """The one sentence of the import rule; the faces of the package stand on top."""
    known = _modules()
    wrong = []
    seen = 0
    for name, path in known.items():
        room = name.split(".")[1] if "." in name else ""
        if room in ON_TOP:
            continue
        for target in _imports(path, known):
            there = target.split(".")[1] if "." in target else ""
            seen += 1
            if there and there not in _allowed(room):
                wrong.append(f"{name} imports {target}")
    assert seen > 500, "the walk has found too few imports to judge"
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ENTRIES)
def test_an_entry_opens_its_own_door_alone(name: str) -> None:
    """They stand on top, and still reach for nothing below what answers for them."""
    known = _modules()
    rooms = {target.split(".")[1] for target in _imports(known[name], known) if "." in target}
    assert rooms
    assert rooms <= ENTRIES[name]


def test_no_two_files_import_each_other_in_a_circle() -> None:
    """Neither at the top of a file nor inside a function nor for types."""
    known = _modules()
    graph = {name: sorted(set(_imports(path, known)) - {name}) for name, path in known.items()}
    packages = {name for name, path in known.items() if path.name == "__init__.py"}
    done: set[str] = set()
    trail: list[str] = []

    def walk(name: str) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name in done or name in packages - {"procmem.text"}:
            return
        trail.append(name)
        for target in graph.get(name, ()):
            walk(target)
        trail.pop()
        done.add(name)

    for name in graph:
        walk(name)
    assert len(done) > 150


def test_every_room_stands_on_a_floor() -> None:
    """A folder that the rule does not know would be judged by nothing."""
    rooms = {path.name for path in HOUSE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    rooms |= {path.stem for path in HOUSE.glob("*.py")} - {"__init__", *ON_TOP}
    assert rooms <= frozenset().union(*FLOORS), rooms


def test_the_command_line_alone_knows_click() -> None:
    """Nothing but ``cli`` imports Click."""
    for path in sorted(HOUSE.rglob("*.py")):
        if path.relative_to(HOUSE).parts[0] != "cli":
            assert "import click" not in path.read_text("utf-8"), path


JOINING = ("queries", "api", "cli")
PARSING_MODULES = frozenset({"re", "struct"})
PARSING_CALLS = frozenset({"open", "int.from_bytes", "struct.unpack", "os.open", "os.read", "os.pread", "os.readlink"})


def _joining_files() -> list[Path]:
    """The files of the rooms that join others."""
    return [path for path in sorted(HOUSE.rglob("*.py")) if path.relative_to(HOUSE).with_suffix("").parts[0] in JOINING]


def test_rooms_that_join_others_hold_calls_only() -> None:
    """No bytes are taken apart there, and no file is opened: that is for ``parse`` and ``sources``."""
    wrong = []
    for path in _joining_files():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            where = f"{path.relative_to(HOUSE)}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Import) and PARSING_MODULES & {alias.name for alias in node.names}:
                wrong.append(f"{where} imports what takes text apart")
            elif isinstance(node, ast.ImportFrom) and node.module in PARSING_MODULES:
                wrong.append(f"{where} imports from {node.module}")
            elif isinstance(node, ast.Constant) and isinstance(node.value, bytes):
                wrong.append(f"{where} holds the bytes {node.value!r}")
            elif isinstance(node, ast.Call) and ast.unparse(node.func) in PARSING_CALLS:
                wrong.append(f"{where} calls {ast.unparse(node.func)}")
    assert len(_joining_files()) > 20
    assert not wrong, "\n".join(wrong)
