"""One word, one meaning; a fact of the kernel, of ELF or of a runtime stands in one module: read from the code."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import procmem

HOUSE = Path(procmem.__file__).parent


@cache
def _trees() -> dict[str, ast.Module]:
    """Every module's tree by its path in the package."""
    return {
        path.relative_to(HOUSE).as_posix(): ast.parse(path.read_text("utf-8")) for path in sorted(HOUSE.rglob("*.py"))
    }


def _names_of_types(tree: ast.Module) -> Iterator[str]:
    """Classes anywhere in a module, and names that it gives to types (``Block = Prose | Sheet``), TypeVars left out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp | ast.Subscript):
            yield from (
                target.id
                for target in node.targets
                if isinstance(target, ast.Name) and not target.id.startswith("_") and not target.id.isupper()
            )


def test_one_word_names_one_type() -> None:
    """A reader who meets a name knows what it is; a leading underscore makes no other word of it."""
    places = defaultdict(list)
    for path, tree in _trees().items():
        for name in _names_of_types(tree):
            places[name.lstrip("_")].append(f"{path}: {name}")
    assert len(places) > 250
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert not twice, "\n".join(f"{name}: {', '.join(found)}" for name, found in twice.items())
