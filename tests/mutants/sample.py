"""Which mutants there are, by cosmic-ray's operators, and a random few of them.

A place in the code is drawn first and one operator that fits it second: a comparison has seven replacements and a
number has two, and should not be drawn seven times as often.

Left out is what no test can or should tell apart: annotations (nothing evaluates them, or importing fails at once),
``==`` for ``is`` and the other way round (the same for enums, None and small numbers), the options of dataclass
decorators, what is guarded by TYPE_CHECKING, and stars that are no products.
"""

import ast
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Mutant", "draw", "left_out"]

_SAME = ("Eq_Is", "Is_Eq", "NotEq_IsNot", "IsNot_NotEq")
_BY_ARGUMENTS = ("VariableReplacer", "VariableInserter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change: in a module (path from the root), at a line and column, by an operator of cosmic-ray's."""

    path: str
    line: int
    column: int
    operator: str
    occurrence: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}:{self.operator.removeprefix('core/')}"

    def code(self, root: Path) -> str:
        """The text of the whole module after the change."""
        from cosmic_ray import mutating, plugins  # noqa: PLC0415  # nothing but a run needs it

        text = (root / self.path).read_text()
        changed: str | None = mutating.mutate_code(text, plugins.get_operator(self.operator)(), self.occurrence)
        assert changed is not None
        return changed


def draw(root: Path, room: str, *, seed: int, count: int) -> list[Mutant]:
    """So many mutants of a room, the same for the same seed and code."""
    places: defaultdict[tuple[str, int, int], list[Mutant]] = defaultdict(list)
    for path in sorted((root / "procmem" / room).rglob("*.py")):
        for mutant in _mutants_of(root, path):
            places[mutant.path, mutant.line, mutant.column].append(mutant)
    chance = random.Random(f"{seed} {room}")  # it draws a sample
    chosen = chance.sample(sorted(places), min(count, len(places)))
    return [chance.choice(places[place]) for place in chosen]


def _mutants_of(root: Path, path: Path) -> Iterator[Mutant]:
    from cosmic_ray import plugins  # noqa: PLC0415  # nothing but a run needs it
    from cosmic_ray.ast import ast_nodes, get_ast  # noqa: PLC0415  # the same

    text = path.read_text()
    spans = left_out(ast.parse(text))
    nodes = list(ast_nodes(get_ast(text)))
    for name in plugins.operator_names():
        if name.endswith((*_SAME, *_BY_ARGUMENTS)):
            continue
        operator: Any = plugins.get_operator(name)()
        at = -1
        for node in nodes:
            for (line, column), _ in operator.mutation_positions(node):
                at += 1
                if not any(low <= (line, column) < high for low, high in spans):
                    yield Mutant(
                        path=str(path.relative_to(root)), line=line, column=column, operator=name, occurrence=at
                    )


def left_out(tree: ast.Module) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """The parts that are not changed: line and column where each begins, and where it has ended."""
    parts: list[ast.expr | ast.stmt] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
            parts.append(node.annotation)
        elif isinstance(node, ast.FunctionDef) and node.returns is not None:
            parts.append(node.returns)
        elif isinstance(node, ast.ClassDef):
            calls = [call for call in node.decorator_list if isinstance(call, ast.Call)]
            parts += [keyword.value for call in calls for keyword in call.keywords]
        elif (isinstance(node, ast.Assign) and _is_of_types(node)) or (
            isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        ):
            parts.append(node)
    return [*map(_span, parts), *_stars(tree)]


def _stars(tree: ast.Module) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Stars that unpack, or stand in a signature: no products and no powers."""
    starred: list[ast.expr | ast.arg | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Starred) or (isinstance(node, ast.keyword) and node.arg is None):
            starred.append(node.value)
        elif isinstance(node, ast.Dict):
            starred += [value for key, value in zip(node.keys, node.values, strict=True) if key is None]
        elif isinstance(node, ast.arguments):
            starred += [node.vararg, node.kwarg, *node.kwonlyargs[:1]]
    for part in starred:
        if part is not None:
            yield (part.lineno, max(part.col_offset - len("*, "), 0)), (part.lineno, part.col_offset)


def _span(part: ast.expr | ast.stmt) -> tuple[tuple[int, int], tuple[int, int]]:
    return (part.lineno, part.col_offset), (part.end_lineno or 0, part.end_col_offset or 0)


def _is_of_types(node: ast.Assign) -> bool:
    """``TYPE_CHECKING = False``, and names for types: ``Word = bytes | None``."""
    names = [target.id for target in node.targets if isinstance(target, ast.Name)]
    return "TYPE_CHECKING" in names or any(
        isinstance(part, ast.Name) and part.id in {"Callable", "None", "bytes", "int", "str", "tuple", "dict"}
        for part in ast.walk(node.value)
        if isinstance(node.value, ast.BinOp | ast.Subscript)
    )
