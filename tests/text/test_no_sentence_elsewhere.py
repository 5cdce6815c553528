"""No sentence for people stands outside ``procmem.text``.

A string is taken for a sentence where it has three words or more, two of them in small letters. What a program reads is
none: docstrings and annotations, values of enumerations, what is looked up or compared, codes that ``procmem.text`` has
words for, arguments of Python's own exceptions (a mistake of ours, or caught at once), and text with line breaks
inside, which is a program, a script or a style sheet.
"""

import ast
import builtins
import re
from collections.abc import Iterator
from pathlib import Path

import procmem
from tests.text.test_codes import all_codes

PACKAGE = Path(procmem.__file__).parent
_WORD = re.compile(r"[A-Za-z]?[a-z']+(?:-[a-z]+)?")
_BUILT_IN = {name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, Exception)}


def looks_like_a_sentence(text: str) -> bool:
    """Three words or more, two of them in small letters, on one line."""
    stripped = [piece.strip(".,;:!?()\"'[]{}`") for piece in text.split()]
    words = [piece for piece in stripped if _WORD.fullmatch(piece)]
    return len(words) >= 3 and sum(word.islower() for word in words) >= 2 and "\n" not in text.strip("\n")


def _read_by_programs(tree: ast.AST) -> Iterator[ast.AST | None]:
    """The nodes of a module whose strings nobody is told."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(bases=bases, body=body):
                if {"Enumeration", "TextEnumeration"} & {getattr(base, "id", "") for base in bases}:
                    yield from body
            case ast.FunctionDef(returns=returns):
                yield returns
            case ast.arg(annotation=annotation) | ast.AnnAssign(annotation=annotation):
                yield annotation
            case ast.Expr(value=ast.Constant() as told):
                yield told
            case ast.Dict(keys=keys):
                yield from keys
            case ast.Compare(left=left, comparators=others):
                yield from (left, *others)
            case ast.Subscript(slice=index):
                yield index
            case ast.Call(func=ast.Attribute(attr="get" | "setdefault" | "total" | "column"), args=[key, *_]):
                yield key
            case ast.Call(func=ast.Name(id=name), args=arguments) if name in _BUILT_IN or name in ("soft", "TypeVar"):
                yield from arguments
            case _:
                pass


def sentences_of(source: str, codes: set[str]) -> list[str]:
    """The sentences of a module."""
    tree = ast.parse(source)
    quiet = {id(inner) for node in _read_by_programs(tree) if node is not None for inner in ast.walk(node)}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            quiet |= {id(value) for value in node.values}
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else " {} " for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if id(node) not in quiet and text not in codes and looks_like_a_sentence(text):
            found.append(f"{node.lineno}: {text!r}")
    return found


def test_no_sentence_stands_outside_of_text() -> None:
    """Every other room gives codes and figures."""
    codes = all_codes()
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.relative_to(PACKAGE)
        if room.parts[0] != "text" and (sentences := sentences_of(path.read_text("utf-8"), codes)):
            found[str(room)] = sentences
    assert found == {}


def test_the_rule_sees_sentences_and_leaves_codes_alone() -> None:
    """A test that finds nothing anywhere would prove nothing."""
    assert sentences_of('say("it has ended by itself")', set()) == ["1: 'it has ended by itself'"]
    assert sentences_of('say(f"process {pid} has no memory")', set()) == ["1: 'process  {}  has no memory'"]
    for source in (
        'say("it has ended by itself")',
        '"""It has ended by itself."""',
        'table["it has ended by itself"]',
        'raise ValueError("it has ended by itself")',
        'say("Kbytes     RSS   Dirty Mode  Mapping")',
        'say("malloc a 8\\nfree a or what")',
    ):
        assert sentences_of(source, {"it has ended by itself"}) == []
