"""One word, one meaning; a fact of the kernel, of ELF or of a runtime stands in one module: read from the code."""

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import procmem
from procmem.model.snapshot import LimitName

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


def _class_values(path: str) -> frozenset[str]:
    """The texts that the plain classes of a module hold."""
    return frozenset(
        str(statement.value.value)
        for node in _trees()[path].body
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant)
    )


class Vocabulary(NamedTuple):
    """The words of one sort: the module that owns them, and how one is known in a constant elsewhere.

    ``in_bytes`` says that bytes which hold such a word are found wherever they stand, since nothing that is said to
    people is bytes; other constants count where they are compared, looked up or listed. ``headings`` are words of
    everyday language as well, which count in bytes alone.
    """

    owner: str
    holds: Callable[[str], bool]
    in_bytes: bool = True
    headings: frozenset[str] = frozenset()


def _any_of(words: Collection[str]) -> Callable[[str], bool]:
    """The word itself, also with a colon behind and a line's end before."""
    return lambda text: text.strip("\n").removesuffix(":") in words


_KERNEL_NAMES = re.compile(
    r"\[(heap|stack|vdso|vvar|vsyscall|vectors|sigpage|uprobes|anon:|anon_shmem)|memfd:|/SYSV|/dev/(zero|shm|ashmem|dri)"
    r"|\(deleted\)|/?anon_(hugepage|inode)|//anon|/secretmem|\[aio\]"
)
_LIBC_FILES = re.compile(r"\bld-(linux|musl)|^ld-$|(^|/)ld\.so\b|\bld64|\blibc\.(so|musl)|\blibc-2|^ld$")

VOCABULARIES = {
    "names in maps": Vocabulary("model/vma_names.py", lambda text: _KERNEL_NAMES.search(text) is not None),
    "files of C libraries": Vocabulary("model/libc_files.py", lambda text: _LIBC_FILES.search(text) is not None),
    "keys of /proc": Vocabulary(
        "model/proc_keys.py",
        _any_of(_class_values("model/proc_keys.py")),
        headings=frozenset({"Size", "State", "Name", "Threads", "KSM"}),
    ),
    "names of limits": Vocabulary("model/snapshot.py", _any_of(frozenset(LimitName)), in_bytes=False),
    "words of VmFlags": Vocabulary("model/vm_flags.py", _any_of(_class_values("model/vm_flags.py")), in_bytes=False),
}
"""Each sort of words that the kernel, a C library or ELF wrote, with the one module that owns it."""

_READS_TEXT = frozenset(
    {"startswith", "endswith", "removeprefix", "removesuffix", "partition", "rpartition", "split", "rsplit", "find"}
    | {"rfind", "index", "rindex", "count", "replace", "strip", "lstrip", "rstrip", "get", "pop", "setdefault"}
    | {"match", "fullmatch", "search", "compile", "sub", "findall", "finditer"}
)
"""Methods that take text apart, look something up by it, or make a pattern of it."""


def _constants(node: ast.AST) -> Iterator[ast.Constant]:
    """A constant, or those that a list of them holds."""
    if isinstance(node, ast.Constant):
        yield node
    elif isinstance(node, ast.Tuple | ast.List | ast.Set):
        for item in node.elts:
            yield from _constants(item)


def _compared(tree: ast.Module) -> Iterator[ast.Constant]:
    """The constants that decide something: compared, looked up, looked for, matched, or listed to be so."""
    for node in ast.walk(tree):
        parts: Sequence[ast.AST | None] = ()
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _READS_TEXT:
            parts = node.args
        elif isinstance(node, ast.Subscript):
            parts = [node.slice]
        elif isinstance(node, ast.Dict):
            parts = node.keys
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        elif isinstance(node, ast.For | ast.comprehension):
            parts = [node.iter]
        elif isinstance(node, ast.Tuple | ast.List | ast.Set):
            parts = node.elts
        for part in parts:
            if part is not None:
                yield from _constants(part)


def _documentation(tree: ast.Module) -> set[int]:
    """The constants that stand for themselves, to be read by people, and the names in ``__all__``."""
    told = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in tree.body:
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "__all__" and value is not None:
            told |= {id(part) for part in ast.walk(value)}
    return told


def words_elsewhere(path: str, tree: ast.Module, vocabulary: Vocabulary) -> Iterator[str]:
    """Where a module compares a word that another module owns."""
    if path == vocabulary.owner:
        return
    told = _documentation(tree)
    compared = {id(node) for node in _compared(tree)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in told:
            continue
        is_bytes = isinstance(node.value, bytes)
        text = node.value.decode("latin-1") if isinstance(node.value, bytes) else node.value
        decides = (is_bytes and vocabulary.in_bytes) or (id(node) in compared and text not in vocabulary.headings)
        if isinstance(text, str) and decides and vocabulary.holds(text):
            yield f"{path}:{node.lineno}: {node.value!r} belongs to {vocabulary.owner}"


@pytest.mark.parametrize("name", VOCABULARIES)
def test_a_word_of_the_kernel_is_compared_in_one_module(name: str) -> None:
    """All other modules ask for its enum or value; no room is exempt."""
    vocabulary = VOCABULARIES[name]
    assert vocabulary.owner in _trees()
    wrong = [found for path, tree in _trees().items() for found in words_elsewhere(path, tree, vocabulary)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("names in maps", 'if name == b"[heap]": pass'),
        ("names in maps", 'x = name.endswith(" (deleted)")'),
        ("names in maps", 'KINDS = (("sysv", b"/SYSV00000000"),)'),
        ("names in maps", 'match name:\n    case b"[stack]": pass'),
        ("files of C libraries", 'x = name.startswith((b"ld-", b"ld64"))'),
        ("names of limits", 'x = limits.get("Max stack size")'),
        ("keys of /proc", 'x = sizes["VmRSS"]'),
        ("keys of /proc", 'KEYS = ("Pss", "Swap")'),
        ("keys of /proc", 'x = b"\\nVmSize:" in status'),
        ("words of VmFlags", 'x = "gd" in flags'),
    ],
)
def test_a_word_that_stands_elsewhere_is_found(name: str, code: str) -> None:
    """The search sees each of the ways in which a word has been compared; the same in prose is no comparison."""
    assert list(words_elsewhere("somewhere.py", ast.parse(code), VOCABULARIES[name]))
    prose = ast.parse('"""[heap], Pss and ld.so (deleted)."""\nSENTENCE = N_("the kernel names it [heap]; VmRSS, gd")')
    assert not list(words_elsewhere("somewhere.py", prose, VOCABULARIES[name]))


_PERMISSION_TEXT = re.compile(r"(?!---$)[r-][w-][x-][ps]?|---[ps]")


def permission_letters(path: str, tree: ast.Module) -> Iterator[str]:
    """Where a module writes out permissions, or looks at their letters."""
    if path == "model/permissions.py":
        return
    told = _documentation(tree)
    for node in ast.walk(tree):
        found: ast.expr | None = None
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told:
            found = node if _PERMISSION_TEXT.fullmatch(node.value) else None
        elif isinstance(node, ast.Subscript) and _is_permissions(node.value):
            is_row = isinstance(node.slice, ast.Name | ast.Attribute | ast.Subscript | ast.BinOp)
            found = None if is_row else node
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            letters = any(isinstance(side, ast.Constant) and side.value for side in sides)
            found = node if letters and any(map(_is_permissions, sides)) else None
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _READS_TEXT:
            found = node if _is_permissions(node.func.value) else None
        if found is not None:
            yield f"{path}:{found.lineno}: {ast.unparse(found)} belongs to model/permissions.py"


def _is_permissions(node: ast.AST) -> bool:
    """Whether an expression is a text of permissions by its name: ``perms``, ``vma.perms``, ``table.perms[row]``."""
    if isinstance(node, ast.Subscript):
        return _is_permissions(node.value)
    return getattr(node, "attr", getattr(node, "id", "")) in ("perms", "rights")


def test_letters_of_permissions_are_read_in_one_module() -> None:
    """All others ask what they allow."""
    wrong = [found for path, tree in _trees().items() for found in permission_letters(path, tree)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "code",
    [
        'x = vma.perms[1] == "w"',
        'x = "x" in mappings.perms[row]',
        'x = mappings.perms[row].startswith("---")',
        'x = table.perms[row][:2] != "rw"',
        'x = Map(size, "rw-")',
        'x = perms == "r-xp"',
        "x = perms[:3]",
    ],
)
def test_letters_that_are_read_elsewhere_are_found(code: str) -> None:
    """The ways in which some thirty modules have looked at them."""
    assert list(permission_letters("somewhere.py", ast.parse(code)))
    fine = ast.parse('x = permissions(mappings.perms[row + 1]).writable and perms[row] == PRIVATE_DATA and mode == "w"')
    assert not list(permission_letters("somewhere.py", fine))


_ELF_CONSTANT = re.compile(r"_?(PF_[RWX]|(EM|ET|PT|PN|DT|DF|DF_1|SHT|SHF|STB|STT|NT)_[A-Z0-9_]+)")
_AUXV_CONSTANT = re.compile(r"_?AT_[A-Z]+")


def test_numbers_of_elf_stand_once() -> None:
    """Constants of ELF are given their numbers in model/elf, keys of the auxiliary vector in model/auxv."""
    wrong, seen = [], 0
    for path, tree in _trees().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Name) or not isinstance(node.ctx, ast.Store):
                continue
            for pattern, owner in ((_ELF_CONSTANT, "model/elf.py"), (_AUXV_CONSTANT, "model/auxv.py")):
                if pattern.fullmatch(node.id):
                    seen += 1
                    if path != owner:
                        wrong.append(f"{path}:{node.lineno}: {node.id} belongs to {owner}")
    assert seen > 40
    assert not wrong, "\n".join(wrong)


_TOLD_FIELDS = frozenset({"sentence", "title", "heading", "owner_name", "told", "label_text"})
"""Fields that hold text for people, or names that are shown as they are."""


def _told_functions(tree: ast.Module) -> set[str]:
    """What a module imports of ``procmem.text``: functions there answer with text for people."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[:2] == ["procmem", "text"]
        for alias in node.names
    }


def branches_on_text(path: str, tree: ast.Module) -> Iterator[str]:
    """Where a module decides by text made for people: compares it, looks into it, or takes it apart."""
    if path.split("/", maxsplit=1)[0] == "text":
        return  # where the text is made
    makers = _told_functions(tree)
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        told = {
            target.id
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and _is_told(node.value, makers, set())
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(function):
            looked_at: Sequence[ast.AST] = ()
            if isinstance(node, ast.Compare) and not any(isinstance(way, ast.Is | ast.IsNot) for way in node.ops):
                looked_at = [node.left, *node.comparators]
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _READS_TEXT:
                looked_at = [node.func.value]
            if any(_is_told(part, makers, told) for part in looked_at):
                yield f"{path}:{getattr(node, 'lineno', 0)}: {ast.unparse(node)}"


def _is_told(node: ast.AST, makers: set[str], told: set[str]) -> bool:
    """Whether an expression is text for people: a field of that name, or what a function of ``procmem.text`` gave."""
    if isinstance(node, ast.Name):
        return node.id in told
    if isinstance(node, ast.Attribute):
        return node.attr in _TOLD_FIELDS
    if isinstance(node, ast.IfExp):
        return _is_told(node.body, makers, told) or _is_told(node.orelse, makers, told)
    if isinstance(node, ast.BoolOp):
        return any(_is_told(value, makers, told) for value in node.values)
    if isinstance(node, ast.Subscript):
        return isinstance(node.value, ast.Name) and node.value.id in makers
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in makers


def test_nothing_is_decided_by_text_for_people() -> None:
    """Values carry codes: a sentence may be worded anew, or be in another language."""
    wrong = [found for path, tree in _trees().items() for found in branches_on_text(path, tree)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "line",
    [
        'if kind_sentence(region).startswith("A guard"): pass',
        'text = kind_sentence(region)\n    return text.partition(". ")[0]',
        'return region.label.owner_name == b"Java"',
        'return "arena" in finding.title',
        'text = kind_sentence(region)\n    return text == "Memory."',
    ],
)
def test_a_decision_by_text_is_found(line: str) -> None:
    """The ways in which that has been done; passing text on, or asking whether there is any, is none."""
    code = f"from procmem.text.kinds import kind_sentence\ndef f(region, finding):\n    {line}\n"
    assert list(branches_on_text("render/somewhere.py", ast.parse(code)))
    fine = "from procmem.text.kinds import kind_sentence\ndef f(region):\n    return kind_sentence(region) or None\n"
    assert not list(branches_on_text("render/somewhere.py", ast.parse(fine)))


def test_every_kind_is_given_by_some_rule() -> None:
    """A kind that nothing is ever called has words, a schema and a colour for nothing."""
    defined = {
        target.id
        for node in _trees()["model/kinds.py"].body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "_kind"
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    used = {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for tree in _trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load)
    }
    assert len(defined) > 40
    assert not defined - used


_SENTENCE_PIECE = re.compile(r"[A-Za-z]{2,} | [A-Za-z]{2,}")
_TAKES_APART = frozenset({"startswith", "endswith", "removeprefix", "removesuffix", "partition", "rpartition", "find"})
_FOR_PEOPLE = ("analyse", "render", "queries", "cli", "api.py", "text")


def branches_on_sentences(path: str, tree: ast.Module) -> Iterator[str]:
    """Where a module asks what a text of several words begins with, ends in or holds: values carry codes for that."""
    if path.split("/", maxsplit=1)[0] not in _FOR_PEOPLE:
        return
    for node in ast.walk(tree):
        parts: Sequence[ast.expr] = ()
        if isinstance(node, ast.Compare) and any(isinstance(one, ast.In | ast.NotIn) for one in node.ops):
            parts = [node.left]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _TAKES_APART:
            parts = node.args
        for constant in (one for part in parts for one in _constants(part)):
            text = constant.value.decode("latin-1") if isinstance(constant.value, bytes) else constant.value
            if isinstance(text, str) and _SENTENCE_PIECE.search(text):
                yield f"{path}:{constant.lineno}: {ast.unparse(node)} looks into a text for people"


def test_nobody_decides_by_a_text_for_people() -> None:
    """Owners, notes and kinds are values."""
    wrong = [found for path, tree in _trees().items() for found in branches_on_sentences(path, tree)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "code",
    ['x = owner.startswith("thread ")', 'x = "of thread" in label', 'x = name.endswith((b" (gone)", b" is big"))'],
)
def test_a_text_that_is_looked_into_is_found(code: str) -> None:
    """In the ways in which owners were once read."""
    assert list(branches_on_sentences("render/somewhere.py", ast.parse(code)))
    assert not list(branches_on_sentences("render/somewhere.py", ast.parse('x = name.startswith("/") or "rss" in y')))


_JOINS_LISTS = ("model", "errors.py", "text/__init__.py")


def lists_in_english(path: str, tree: ast.Module) -> Iterator[str]:
    """Where a module parts words by a comma itself: ``text.listed`` does it as each language does."""
    if path.startswith(_JOINS_LISTS):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join":
            between = node.func.value
            if isinstance(between, ast.Constant) and between.value in (", ", "; "):
                yield f"{path}:{node.lineno}: {ast.unparse(node)}"


def test_lists_are_parted_as_the_language_does() -> None:
    """A figure of a sentence may be a tuple of words."""
    wrong = [found for path, tree in _trees().items() for found in lists_in_english(path, tree)]
    assert not wrong, "\n".join(wrong)


def test_a_list_that_is_parted_elsewhere_is_found() -> None:
    """With a comma or a semicolon; what is no list of words is none of it."""
    assert list(lists_in_english("render/somewhere.py", ast.parse('x = ", ".join(words) + "; ".join(clauses)')))
    assert not list(lists_in_english("render/somewhere.py", ast.parse('x = ",".join(cells) + "".join(lines)')))
