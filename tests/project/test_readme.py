"""README tells the truth: its output is produced, its commands run, its files are there."""

import re
import shlex
import subprocess
import sys
import tomllib

import pytest

from tests.support.running import ROOT, procmem

READMES = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh.md")}
README = READMES["README.md"]
_OUTPUT = re.compile(r"<!-- output: procmem ([^\n]*) -->\n```console\n\$ procmem ([^\n]*)\n(.*?)```", re.DOTALL)

AS_WRITTEN = {"PYTHONUTF8": "1", "LC_ALL": "C.UTF-8", "LANGUAGE": "", "COLUMNS": "80"}
"""Whoever runs the tests may speak another language, on a wider terminal."""


@pytest.mark.parametrize("name", READMES)
def test_the_sample_output_is_what_comes_out(name: str) -> None:
    """Character by character."""
    outputs = _OUTPUT.findall(READMES[name])
    assert outputs, f"{name} shows no output"
    for words, shown, text in outputs:
        assert words == shown
        run = procmem(*shlex.split(words), env=AS_WRITTEN)
        assert (run.status, run.out) == (0, text)


def test_the_two_commands_are_each_one_line() -> None:
    """What .ci/run takes out of it is exactly one line; both begin with nothing but Python, in both languages."""
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert len(lines) == 2
    assert lines == [line for line in READMES["README.zh.md"].splitlines() if line.startswith("python3 -m venv")]
    assert lines[0].endswith("procmem inspect self")
    assert "'.[test]'" in lines[1]
    assert lines[1].endswith("tests/check.py")
    script = (ROOT / ".ci" / "run").read_text()
    found = re.search(r"sed -n '/(.*?)/p' README.md", script)
    assert found is not None
    pattern = found[1].replace(r"\[", "[").replace(r"\]", "]")
    assert pattern == "^python3 -m venv .*[test]"


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"`((?:procmem|tests|fixtures)/(?!recording/)[\w./]*)`", README)))
)
def test_what_it_names_is_there(name: str) -> None:
    """Folders and files."""
    assert (ROOT / name).exists()


def test_every_room_stands_in_it() -> None:
    """A newcomer finds each by name."""
    rooms = {path.name for path in (ROOT / "procmem").iterdir() if path.is_dir() and (path / "__init__.py").exists()}
    for room in rooms:
        assert f"`procmem/{room}`" in README, room


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("README.md", "## Commands", "## Exit status"), ("README.zh.md", "## 命令", "## 退出状态")],
)
def test_every_option_it_shows_exists(name: str, first: str, last: str) -> None:
    """In the blocks of commands."""
    block = READMES[name].split(first, 1)[1].split(last, 1)[0]
    helps: dict[str, str] = {}
    for command, options in re.findall(r"procmem ([a-z]+(?:-[a-z]+)*)([^\n#|`]*)", block):
        text = helps.setdefault(command, procmem(command, "--help").out)
        for option in re.findall(r"(?<!\S)--?[a-z][a-z-]*", options):
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", text), f"{command} has no {option}"


def test_the_project_says_the_same() -> None:
    """Python's version stands in both places alike."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11"
    assert "Python 3.11 or newer" in README


def test_the_example_from_python_prints_what_stands_below_it() -> None:
    """It is run as it is written, from the checkout."""
    found = re.search(r"<!-- example -->\n```python\n(.*?)```\n```text\n(.*?)```", README, re.DOTALL)
    assert found is not None
    run = subprocess.run([sys.executable, "-c", found[1]], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (run.returncode, run.stderr, run.stdout) == (0, "", found[2])
