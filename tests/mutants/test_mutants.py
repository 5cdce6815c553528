"""The list of mutants that change nothing stays true, and tests are chosen by line and time. The run is by hand."""

import ast
from pathlib import Path

import pytest

from tests.mutants.coverage_map import ANY, IMPORT, CoverageMap, digests
from tests.mutants.equivalent import ROWS, why_equivalent
from tests.mutants.sample import Mutant, left_out
from tests.mutants.trial import lines_of

ROOT = Path(__file__).resolve().parents[2]


def mutant(path: str, line: int, column: int, operator: str) -> Mutant:
    """One of a name that begins so."""
    return Mutant(path=path, line=line, column=column, operator=f"core/{operator}", occurrence=0)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]}: {row[1]}")
def test_each_line_of_the_list_is_still_there(row: tuple[str, str, str, str]) -> None:
    """A row whose line has changed says nothing any more; the mutant has to be looked at again."""
    path, text, operator, why = row
    lines = (ROOT / path).read_text().split("\n")
    assert text in [line.strip() for line in lines]
    at = next(number for number, line in enumerate(lines) if line.strip() == text)
    column, _, name = operator.rpartition(":")
    start = len(lines[at]) - len(lines[at].lstrip()) + int(column or 0)
    assert why_equivalent(ROOT, mutant(path, at + 1, start, name)) == why
    assert why_equivalent(ROOT, mutant(path, at + 1, start, "Another")) is None
    if column:
        assert why_equivalent(ROOT, mutant(path, at + 1, start + 1, name)) is None


def test_flags_of_open_share_no_bit(tmp_path: Path) -> None:
    """Whether they are joined by "or" or added up; what else is joined may share some."""
    lines = ["_F = os.O_RDONLY | os.O_CLOEXEC", "fd = os.open(a, os.O_RDONLY | os.O_CLOEXEC, dir_fd=b)", "x = a | b"]
    (tmp_path / "x.py").write_text("\n".join(lines))
    for operator, known in (("BitOr_Add", [1, 2]), ("BitOr_BitXor", [1, 2]), ("BitOr_BitAnd", [])):
        one = f"ReplaceBinaryOperator_{operator}"
        assert [at for at in (1, 2, 3) if why_equivalent(tmp_path, mutant("x.py", at, 5, one))] == known


def test_tests_are_chosen_by_line_and_time() -> None:
    """The room's own before others, the fastest first; an import's line is everybody's; one is always taken."""
    seconds = {"tests/cli/a": 1.0, "tests/parse/b": 1.0, "tests/parse/c": 5.0, "tests/parse/d": 0.1, "tests/cli/e": 1.5}
    seconds["tests/cli/f"] = 0.1
    lines = {1: [IMPORT], 3: ["tests/cli/a", "tests/parse/b", IMPORT], 4: ["tests/parse/c"], 5: ["tests/parse/d"]}
    lines |= {6: ["tests/cli/e"], 7: ["tests/cli/a", "tests/parse/b"], 8: [IMPORT, "tests/cli/f"]}
    found = CoverageMap(tests={"procmem/parse/x.py": lines}, seconds=seconds, files={})

    def chosen(*lines: int, most_seconds: float = 99) -> list[str]:
        return found.tests_for("procmem/parse/x.py", lines, most_seconds=most_seconds)

    assert chosen(6, 7) == ["tests/parse/b", "tests/cli/a", "tests/cli/e"]
    assert chosen(6, 7, most_seconds=1.5) == ["tests/parse/b"]
    assert chosen(3) == ["tests/parse/d", "tests/parse/b", "tests/cli/a", "tests/parse/c", "tests/cli/e"]
    assert chosen(8)[-1] == "tests/cli/f"  # it only imports
    assert chosen(4, most_seconds=1) == ["tests/parse/c"]
    assert chosen(4, 5) == ["tests/parse/d", "tests/parse/c"]
    assert chosen(1) == ["tests/parse/d", "tests/parse/b", "tests/cli/a", "tests/parse/c", "tests/cli/e"]
    assert chosen(6, 4) == ["tests/parse/c", "tests/cli/e"]
    assert chosen(2) == chosen(1)  # a child may run it that was killed before it could tell
    assert found.tests_for("procmem/parse/y.py", [1], most_seconds=99) == []


def test_a_line_is_tested_by_its_statement_or_by_what_uses_its_name() -> None:
    """Lines of one statement up to it; of a constant, the lines that read it."""
    code = "import os\nA = 1\nB = (\n    2,\n)\ndef f():\n    x = (\n        A\n        + 1\n    )\n    return x + B\n"
    assert lines_of(code, 9) == [7, 8, 9]
    assert lines_of(code, 11) == [11]
    assert lines_of(code, 2) == [8]
    assert lines_of(code, 4) == [11]
    assert lines_of(code, 1) == [1]
    assert lines_of("A, B = 1, 2\nprint(B)\n", 1) == [2]


def test_what_the_map_keeps(tmp_path: Path) -> None:
    """Line numbers stay numbers."""
    found = CoverageMap(tests={"x.py": {3: ["a"]}}, seconds={"a": 1.5}, files={"a.py": "1"})
    found.save(tmp_path / "map")
    assert CoverageMap.load(tmp_path / "map") == found


def test_tests_that_are_there_no_more_or_are_other_ones_are_forgotten(tmp_path: Path) -> None:
    """A test that is as it was keeps its lines, without being run again."""
    (tmp_path / "tests" / "parse").mkdir(parents=True)
    (tmp_path / "tests" / "parse" / "test_kept.py").write_text("")
    kept, gone = "tests/parse/test_kept.py", "tests/parse/test_gone.py"
    files = digests(tmp_path)
    lines = {1: [IMPORT, f"{gone}::b", f"{kept}::a"], 2: [f"{gone}::b"]}
    seconds = {f"{kept}::a": 1.0, f"{gone}::b": 2.0}
    before = CoverageMap(tests={"x.py": lines}, seconds=seconds, files={**files, gone: "1"})
    after = before.up_to_date(tmp_path)
    assert after.tests == {"x.py": {1: [IMPORT, f"{kept}::a"], 2: []}}
    assert (after.seconds, after.files) == ({f"{kept}::a": 1.0}, files)


def test_a_module_that_changed_is_tested_by_all_of_its_tests(tmp_path: Path) -> None:
    """Its lines are other ones by now; those of a module that did not change stay."""
    for room in ("tests", "procmem"):
        (tmp_path / room / "parse").mkdir(parents=True)
    (tmp_path / "tests" / "parse" / "test_x.py").write_text("")
    for name in ("same", "other"):
        (tmp_path / "procmem" / "parse" / f"{name}.py").write_text("")
    same, other = "procmem/parse/same.py", "procmem/parse/other.py"
    a, b = "tests/parse/test_x.py::a", "tests/parse/test_x.py::b"
    lines = {1: [IMPORT, a], 2: [b]}
    before = CoverageMap(tests={same: lines, other: lines}, seconds={a: 1.0, b: 2.0}, files=digests(tmp_path))
    (tmp_path / "procmem" / "parse" / "other.py").write_text("x = 1\n")
    after = before.up_to_date(tmp_path)
    assert after.tests == {same: lines, other: {ANY: [a, b]}}
    assert after.tests_for(same, [2], most_seconds=99) == [b]
    assert after.tests_for(other, [2], most_seconds=99) == [a, b]


def test_stars_that_are_no_products_are_left_out() -> None:
    """Of signatures and of what is unpacked: a slash in their place would mean something else, or nothing."""
    code = "def f(a, *, b):\n    return [*a, b * a], g(*a, **b), {**a}, b**a\ndef h(*c, **d):\n    return c * d\n"
    lines = code.split("\n")
    places = [(at, column) for at, line in enumerate(lines, 1) for column, letter in enumerate(line) if letter == "*"]
    spans = left_out(ast.parse(code))
    kept = [place for place in places if not any(low <= place < high for low, high in spans)]
    assert [lines[at - 1][column - 2 : column + 3] for at, column in kept] == ["b * a", " b**a", "b**a", "c * d"]


def test_columns_of_one_length(tmp_path: Path) -> None:
    """That zip() asserts it changes nothing; where rows are turned to columns it may be a check."""
    lines = ["zip(a, b, strict=True)", "zip(*a, strict=True)", "f(a, strict=True)", "zip(a, b, c=True, strict=True)"]
    (tmp_path / "x.py").write_text("\n".join(lines))
    places = [
        (at, column) for at, line in enumerate(lines, 1) for column in range(len(line)) if line[column:][:4] == "True"
    ]
    known = [place for place in places if why_equivalent(tmp_path, mutant("x.py", *place, "ReplaceTrueWithFalse"))]
    assert known == [(1, 17), (4, 25)]


def test_annotations_and_the_like_are_left_out() -> None:
    """Nothing but what runs is changed."""
    code = (
        "TYPE_CHECKING = False\n"
        "Word = bytes | None\n"
        "@dataclass(frozen=True)\n"
        "class A:\n"
        "    size: int | None = 1 | 2\n"
        "def f(a: int | str = 3 | 4) -> int | None:\n"
        "    return a | 5\n"
    )
    lines = code.split("\n")
    assert {lines[low[0] - 1][low[1] : high[1]] for low, high in left_out(ast.parse(code))} == {
        "TYPE_CHECKING = False",
        "Word = bytes | None",
        "True",
        "int | None",
        "int | str",
    }
