"""Options that would be passed over in silence are a wrong use, and what is told of them is true."""

import click
import pytest

from procmem.cli import option_rules
from procmem.cli.crosscheck import crosscheck
from procmem.cli.dataset import dataset
from procmem.cli.main import cli
from procmem.text.help.commands import COMMANDS
from tests.support.running import FIXTURES, procmem

SLEEP = str(FIXTURES / "x86_64-6.18-sleep")
FORK = str(FIXTURES / "x86_64-6.18-fork")
IN_GROUPS = {**crosscheck.commands, **dataset.commands}


def command_of(name: str) -> click.Command:
    """A command, or one of a group."""
    found = IN_GROUPS[name] if name in IN_GROUPS else cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", sorted({*option_rules._APART, *option_rules._NEEDS}))
def test_rules_name_options_that_there_are(name: str) -> None:
    """A word that no option has would be a rule that never holds."""
    known = {word for param in command_of(name).params for word in (*param.opts, *param.secondary_opts)}
    own = (*option_rules._APART.get(name, ()), *option_rules._NEEDS.get(name, ()))
    assert {word for firsts, seconds in own for word in (*firsts, *seconds)} <= known


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("inspect", SLEEP, "--picture", "--csv"), "--picture and --csv exclude each other"),
        (("inspect", SLEEP, "--picture", "--regions"), "--picture and --regions exclude each other"),
        (("inspect", SLEEP, "--human", "--json"), "--human and --json exclude each other"),
        (("inspect", SLEEP, "--sort", "address"), "--sort address sorts regions"),
        (("inspect", SLEEP, "--sort", "rss", "--json"), "--sort rss sorts regions"),
        (("inspect", "--from", SLEEP, "--children"), "--from and --children exclude each other"),
        (("inspect", "--from", SLEEP, "--at", "+5s"), f"'{SLEEP}' is no series"),
        (("inspect", "self", "--at", "+5s"), "'self' is no series"),
        (("record", "1", "--for", "5s", "-o", "x"), "--for says nothing without --every"),
        (("inspect", "--procfs", "/proc", "--children", "1"), "--procfs and --children exclude each other"),
        (("explain", "--glossary", "--brief"), "--glossary and --brief exclude each other"),
        (("explain", SLEEP, "--findings", "--why"), "--findings and --why exclude each other"),
        (("explain", SLEEP, "--flat", "--csv"), "--flat and --csv exclude each other"),
        (("explain", SLEEP, "--class", "heap", "--json"), "--class and --json exclude each other"),
        (("threads", SLEEP, "--width", "100", "--csv"), "--width and --csv exclude each other"),
        (("system", "--from", FORK, "--classes", "--top", "3"), "--classes and --top exclude each other"),
        (("system", "--from", FORK, "--quick", "--sort", "pss"), "--sort pss needs sizes"),
        (("swap", SLEEP, "--interval", "3"), "--interval measures what moves"),
        (("swap", SLEEP, "--top", "3", "--json"), "--top and --json exclude each other"),
        (("simulate", "--memory", "--ram", "16M", "--swap", "8M"), "what --memory did is a command of its own now"),
        (("simulate", "--swappiness", "10"), "'--swappiness' is an option of simulate-memory, not of simulate"),
        (("simulate", "--ram", "1G"), "--ram says nothing without --kernel-map"),
        (("simulate-memory", "--pae"), "--pae is of a native kernel"),
        (("simulate", "--as", "explain", "--picture"), "--as and --picture exclude each other"),
        (("simulate", "--picture", "--no-picture"), "--picture and --no-picture exclude each other"),
        (("translate", SLEEP, "400000", "--access", "read"), "--access says nothing without --sim"),
        (("serve", "--textfile", "x", "--listen", "127.0.0.1:1"), "--textfile and --listen exclude each other"),
        (("serve", "--count", "1"), "--count says nothing without --textfile"),
        (("serve", "--no-detail", "--kind", "brk"), "--no-detail and --kind exclude each other"),
        (("dataset", "add", "--all", "--name", "x", "-o", "x"), "--all and --name exclude each other"),
        (("dataset", "query", "x", "SELECT 1", "--show-sql"), "--show-sql says nothing without --named"),
        (("crosscheck", "run", "--aslr", "--repeat", "3", "--stage", "main", "x"), "--repeat and --stage exclude"),
    ],
    ids=lambda value: " ".join(value[:1] + value[-2:]) if isinstance(value, tuple) else "",
)
def test_no_option_is_passed_over(words: tuple[str, ...], says: str) -> None:
    """Told with the usage, before anything is read."""
    run = procmem(*words)
    assert (run.status, run.out) == (2, ""), run
    assert f"Error: {says}" in run.err


def test_what_is_default_is_no_option_given() -> None:
    """Only what stands on the command line counts."""
    for words in (
        ("simulate", "--json"),
        ("translate", "--sim", "08048400"),
        ("swap", SLEEP),
        ("system", "--from", FORK),
    ):
        assert procmem(*words).status == 0, words


def test_commands_have_rules_by_their_names() -> None:
    """A command that was renamed would lose its rules."""
    assert {*option_rules._APART, *option_rules._NEEDS} <= {*COMMANDS, *IN_GROUPS}


@pytest.mark.parametrize(
    "words",
    [("watch", "self", "--count", "1"), ("swap", "--from", str(FIXTURES / "x86_64-6.18-sleep"))],
    ids=["watch", "swap"],
)
@pytest.mark.parametrize("seconds", ["nan", "-nan", "inf", "1e999", "-1"])
def test_an_interval_is_a_number_of_seconds(words: tuple[str, ...], seconds: str) -> None:
    """No comparison with "nan" holds, so that it lies in any range."""
    run = procmem(*words, "--interval", seconds)
    assert (run.status, run.out) == (2, ""), run
    assert "--interval" in run.err
