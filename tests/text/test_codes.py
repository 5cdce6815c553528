"""Every code that a room gives has words, and every word has a code: nothing is told by its code, nothing is dead."""

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import procmem
import procmem.errors
import procmem.text
from procmem.errors import ProcmemError
from procmem.text.errors import ERRORS, error_text, hint_text

PACKAGE = Path(procmem.__file__).parent
OTHER_ROOMS = [path for path in sorted(PACKAGE.rglob("*.py")) if path.relative_to(PACKAGE).parts[0] != "text"]
TREES = [ast.parse(path.read_text("utf-8")) for path in OTHER_ROOMS]
CHOSEN_BY_USERS = {"ALSO", "COMMANDS", "FAMILIES", "GLOSSARY", "QUERIES"}
"""Tables whose keys are words that users type, not codes: names of commands, metrics, queries."""


def _tables() -> Iterator[tuple[str, dict[object, object]]]:
    """Every table of words: the dictionaries of ``procmem.text``'s modules that have names of constants."""
    for module in pkgutil.walk_packages(procmem.text.__path__, "procmem.text."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, dict) and name.strip("_").isupper() and name not in CHOSEN_BY_USERS:
                yield f"{module.name}.{name}", value


def _constants(node: ast.AST) -> Iterator[str]:
    """The strings that an expression can be: itself, or both sides of a choice."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _constants(node.body)
        yield from _constants(node.orelse)


def _calls(names: set[str]) -> Iterator[tuple[str, ast.Call]]:
    """Calls of functions, methods and classes of these names, outside of ``procmem.text``."""
    for tree in TREES:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in names:
                    yield name, node


def _error_classes() -> dict[str, int]:
    """Every class of errors with the place of the code among its arguments; they stand in several rooms."""
    for path in OTHER_ROOMS:
        if "class" in path.read_text("utf-8") and path.name != "__main__.py":
            importlib.import_module(".".join(("procmem", *path.relative_to(PACKAGE).with_suffix("").parts)))
    found = {}
    pending: list[type[ProcmemError]] = [ProcmemError]
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        found[kind.__name__] = list(inspect.signature(kind).parameters).index("code")
    return found


def _raised() -> set[str]:
    """The codes of all errors that are made anywhere."""
    classes = _error_classes()
    codes = {"no-process"}  # what ProcessGone says where nothing is known
    for name, call in _calls(set(classes)):
        if len(call.args) > classes[name]:
            codes |= set(_constants(call.args[classes[name]]))
    for path in PACKAGE.joinpath("text").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Misuse":
                codes |= set(_constants(node.args[0]))
    return codes


def all_codes() -> set[str]:
    """Everything that ``procmem.text`` has words for by a table; tables by several words count by each of them."""
    keys = (part for _, table in _tables() for key in table for part in (key if isinstance(key, tuple) else (key,)))
    return {str(key) for key in keys}


def test_every_error_has_words_and_every_word_an_error() -> None:
    """The codes of raise sites and those of the table are the same."""
    raised = _raised()
    assert len(raised) > 80, "the walk has found too few to judge"
    assert raised == set(ERRORS)


def test_every_note_has_words() -> None:
    """The first argument of ``note()`` is a key of one of the tables."""
    known = {key for _, table in _tables() for key in table}
    codes = {code for _, call in _calls({"note"}) if call.args for code in _constants(call.args[0])}
    assert len(codes) > 150, "the walk has found too few to judge"
    assert set() == codes - known


def test_no_word_is_dead() -> None:
    """Each key of a table stands somewhere else too: as a code, a field, the name of a value, or a choice of words."""
    words = [ast.parse(path.read_text("utf-8")) for path in sorted(PACKAGE.joinpath("text").glob("*.py"))]
    keys = {id(key) for tree in words for node in ast.walk(tree) if isinstance(node, ast.Dict) for key in node.keys}
    nodes = [node for tree in (*TREES, *words) for node in ast.walk(tree) if id(node) not in keys]
    used = {node.value for node in nodes if isinstance(node, ast.Constant)}
    dead = [
        (name, key)
        for name, table in _tables()
        for key in table
        for part in (key if isinstance(key, tuple) else (key,))
        if isinstance(part, str) and part not in used
    ]
    assert dead == []


def test_an_error_is_a_sentence_and_a_hint() -> None:
    """The frame of its kind, its own words, and what helps: its own hint before that of its kind."""
    line = procmem.errors.MalformedFile("status", 3, "not-key-value", b"junk")
    assert str(line) == error_text(line) == "status, line 3: not 'Key: value': b'junk'"
    assert hint_text(line) == "the file is damaged, cut off, or no such file"
    gone = procmem.errors.ProcessGone(0, "pid-zero")
    assert (str(gone), hint_text(gone)) == ("process 0: no such process", "pids begin with 1")
    assert hint_text(procmem.errors.ProcessGone(7)) == ""
