"""Completion, asked as shells ask, in real shells; and the manual pages."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from procmem.cli.crosscheck import crosscheck
from procmem.cli.dataset import dataset
from procmem.cli.main import cli
from procmem.cli.man_pages import man_pages
from procmem.text import use_language
from procmem.text.help.commands import COMMANDS
from tests.support.running import ROOT, python_child

BASH = """
eval "$(procmem completion bash)"
compopt() { :; }
try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _procmem_completion procmem; echo "${COMPREPLY[*]}"; }
"""


@pytest.fixture
def on_path(tmp_path: Path) -> dict[str, str]:
    """An environment in which ``procmem`` is this tree's command."""
    command = tmp_path / "procmem"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m procmem "$@"\n')
    command.chmod(0o755)
    return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}


def asked(words: str, at: int, env: dict[str, str]) -> list[tuple[str, str]]:
    """What is answered to zsh: each with what is said of it."""
    env = {**env, "_PROCMEM_COMPLETE": "zsh_complete", "COMP_WORDS": words, "COMP_CWORD": str(at)}
    lines = subprocess.run(["procmem"], env=env, capture_output=True, text=True, check=True).stdout.splitlines()
    return [(lines[number + 1], lines[number + 2]) for number in range(0, len(lines) - 2, 3)]


def test_pids_come_with_names(on_path: dict[str, str]) -> None:
    """Those that begin so, for targets and for --pid; a kernel thread is none."""
    with python_child("") as pid:
        comm = Path(f"/proc/{pid}/comm").read_text().strip()
        for words in (f"procmem inspect {pid}", f"procmem explain --pid {pid}"):
            assert (str(pid), comm) in asked(words, len(words.split()) - 1, on_path)
    assert "2" not in dict(asked("procmem inspect ", 2, on_path)) or "kthreadd" not in Path("/proc/2/comm").read_text()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("procmem ins", ["inspect"]),
        ("procmem co", ["completion"]),
        ("procmem inspect --class he", ["heap"]),
        ("procmem explain --kind jvm-h", ["jvm-heap", "jvm-heap-reserve"]),
        ("procmem lab hug", ["huge-pages", "hugetlb"]),
        ("procmem inspect --fro", ["--from"]),
        ("procmem completion z", ["zsh"]),
        ("procmem inspect --class nothing", []),
    ],
)
def test_words_that_are_known(words: str, found: list[str], on_path: dict[str, str]) -> None:
    """Commands, options, classes, kinds, experiments."""
    assert [word for word, _ in asked(words, len(words.split()) - 1, on_path)] == found


def test_a_name_that_a_shell_would_take_apart_is_left_out(on_path: dict[str, str], tmp_path: Path) -> None:
    """A process may call itself ``$(reboot)``."""
    with python_child("import ctypes; ctypes.CDLL(None).prctl(15, b'$(touch x)y')"):
        names = [word for word, _ in asked("procmem inspect --name ", 3, on_path)]
    assert names
    assert not [name for name in names if set(name) & set("$`;& ")]
    assert not (tmp_path / "x").exists()


@pytest.mark.needs("bash")
def test_in_bash(on_path: dict[str, str]) -> None:
    """The script that is printed, read by the shell itself."""
    run = subprocess.run(
        ["bash", "-c", BASH + "try procmem expl\ntry procmem inspect --class stac\n"],
        env=on_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.split() == ["explain", "stack"]


@pytest.mark.needs("fish")
def test_in_fish(on_path: dict[str, str]) -> None:
    """The same, with what is said of each."""
    script = "procmem completion fish | source; complete -C 'procmem expl'; complete -C 'procmem inspect --class stac'"
    run = subprocess.run(["fish", "-c", script], env=on_path, capture_output=True, text=True, check=True)
    lines = run.stdout.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["explain", "stack"]
    assert "memory map" in lines[0]


@pytest.mark.needs("zsh")
def test_zsh_reads_the_script(on_path: dict[str, str]) -> None:
    """No syntax error, and the function is there behind compinit."""
    script = 'autoload -U compinit; compinit -D; eval "$(procmem completion zsh)"; whence -w _procmem_completion'
    run = subprocess.run(["zsh", "-fc", script], env=on_path, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "_procmem_completion: function"


def test_each_command_has_a_manual_page() -> None:
    """With its options and what the exit statuses are."""
    pages = man_pages()
    inner = [f"dataset-{name}" for name in dataset.commands] + [f"crosscheck-{name}" for name in crosscheck.commands]
    assert sorted(pages) == sorted(["procmem.1", *(f"procmem-{name}.1" for name in (*COMMANDS, *inner))])
    for name, page in pages.items():
        for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS"):
            assert f"\n.SH {section}\n" in page, name
        assert "\n\\fB\\-h, \\-\\-help\\fR\n" in page, name
    assert "\\-\\-regions" in pages["procmem-inspect.1"]
    assert "\\-\\-host\\-by\\-folder" in pages["procmem-dataset-add.1"]


@pytest.mark.needs("groff")
def test_groff_has_nothing_to_say_against_them(tmp_path: Path) -> None:
    """No warnings; no line begins with a request that is none."""
    for name, page in man_pages().items():
        (tmp_path / name).write_text(page)
        run = subprocess.run(
            ["groff", "-man", "-Tutf8", "-ww", str(tmp_path / name)], capture_output=True, text=True, check=True
        )
        assert not run.stderr, f"{name}: {run.stderr}"
        assert "procmem" in run.stdout


def test_languages_do_not_stay_in_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Help in Chinese, modules loaded while it is spoken, and then English again; manual pages are always English."""
    pages = man_pages()
    english = {name: CliRunner().invoke(cli, [name, "--help"]).stdout for name in ("inspect", "system", "simulate")}
    for name in english:
        monkeypatch.delitem(sys.modules, f"procmem.cli.{name}")
    use_language("zh")
    try:
        for name, page in english.items():
            chinese = CliRunner().invoke(cli, [name, "--help"]).stdout
            assert re.search("[\u4e00-\u9fff]", chinese)
            assert chinese != page
        assert man_pages() == pages
    finally:
        use_language("en")
    for name, page in english.items():
        assert CliRunner().invoke(cli, [name, "--help"]).stdout == page
    assert man_pages() == pages
    assert not re.search("[\u4e00-\u9fff]", "".join(pages.values()))
