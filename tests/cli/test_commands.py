"""What every command has: help with examples, a line in README, and only imports that it needs."""

import importlib
import re
import subprocess
import sys

import click
import pytest

from procmem.errors import ExitStatus, Misuse
from procmem.queries.options import limit_of, size_of
from procmem.text.help.commands import COMMANDS
from tests.support.running import FIXTURES, ROOT, procmem

README = (ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_stands_in_readme(name: str) -> None:
    """-h and --help are the same, with examples that begin like the command."""
    run = procmem(name, "--help")
    assert (run.status, run.err) == (0, "")
    assert run.out == procmem(name, "-h").out
    assert f"procmem {name} " in run.out
    assert "Examples" in run.out
    assert f"procmem {name}" in README, f"README does not speak of procmem {name}"
    assert COMMANDS[name] in " ".join(procmem("--help").out.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help(name: str) -> None:
    """No option without a word about it."""
    module = name.replace("-", "_")
    command = getattr(importlib.import_module(f"procmem.cli.{module}"), module)
    assert isinstance(command, click.Command)
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts}"


def test_every_exit_status_stands_in_readme_and_help() -> None:
    """The table is complete."""
    numbers = [value for name, value in vars(ExitStatus).items() if name.isupper()]
    assert len(set(numbers)) == 10
    text = " ".join(procmem("--help").out.split())
    for number in numbers:
        assert re.search(rf"\| *{number} *\|", README), number
        assert re.search(rf"\b{number} [a-z]", text), number


HEAVY = {"psutil", "elftools", "tarfile", "csv", "asyncio", "importlib.metadata"}


def modules_of(*words: str) -> set[str]:
    """What Python loads for a command."""
    command = [sys.executable, "-X", "importtime", "-m", "procmem", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if "|" in line}


def test_version_loads_nothing() -> None:
    """It is asked for often."""
    loaded = modules_of("--version")
    assert "procmem" in loaded
    assert not loaded & {"click", "procmem.cli", *HEAVY}


def test_inspect_loads_what_it_needs() -> None:
    """The heavy packages only where they are used."""
    loaded = modules_of("inspect", "--from", str(FIXTURES / "x86_64-6.18-sleep"))
    assert "click" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("4096", 4096), ("64K", 65536), ("64KiB", 65536), ("1m", 1 << 20), ("2GB", 2 << 30), ("0x10", 16)],
)
def test_sizes_on_the_command_line(text: str, size: int) -> None:
    """Powers of 1024, however they are written."""
    assert size_of(text) == size


@pytest.mark.parametrize("text", ["", "K", "1.5M", "-1", "1_0", "0x1G", "1KK", "\u0663", "99999999T", "9" * 5000])
def test_sizes_that_are_none(text: str) -> None:
    """A usage error."""
    with pytest.raises(Misuse):
        size_of(text)


def test_limits_may_be_unlimited() -> None:
    """As setrlimit(2) has them; a size is what it is elsewhere."""
    assert (limit_of("unlimited", "--x"), limit_of("8M", "--x")) == (None, 8 << 20)
    with pytest.raises(Misuse, match="--x"):
        limit_of("no limit", "--x")


def test_an_option_of_another_command_is_told_so() -> None:
    """By name, in both languages; what is near to an option of its own is told as before, as is what many have."""
    run = procmem("inspect", "--findings", "self")
    assert (run.status, run.out) == (2, "")
    assert "'--findings' is an option of explain, not of inspect" in run.err
    told = procmem("explain", "--seconds", "3", "self").err
    assert "'--seconds' is an option of growth, working-set, not of explain" in told
    assert "'--findings' 是 explain 的选项" in procmem("inspect", "--lang", "zh", "--findings", "self").err
    assert "--deep" in procmem("inspect", "--deap", "self").err
    assert "No such option '--csvv'" in procmem("explain", "--csvv", "self").err
