"""The plainest command lines mean, without click, what they mean to click."""

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from procmem.cli.account import account
from procmem.cli.explain import explain
from procmem.cli.fast_path import plain_words
from procmem.cli.flags import INSPECT_FLAGS as FLAGS
from procmem.cli.flags import REPORT_FLAGS, SYSTEM_FLAGS, Flag
from procmem.cli.inspect import inspect
from procmem.cli.main import cli
from procmem.cli.option_rules import first_apart, rules_of
from procmem.cli.output import Output
from procmem.cli.system import system
from procmem.cli.threads import threads
from procmem.model.region_filter import RegionFilter
from procmem.queries.all_processes import SystemOptions
from procmem.queries.inspect import InspectOptions
from tests.programs.build import build
from tests.support.running import ROOT, missing_pid, procmem, python_child, started, stopped


def test_flags_set_what_click_sets() -> None:
    """Every pair of flags, in both orders, and each alone: the same arguments; what is not set is the default."""
    words = [flag.word for flag in FLAGS]
    lines = [(), *((word,) for word in words), *itertools.product(words, repeat=2)]
    for line in lines:
        plain = plain_words([*line, "1", "22"], FLAGS, "inspect")
        if _exclude_each_other(line, FLAGS, "inspect"):
            assert plain is None
            with pytest.raises(click.UsageError, match="exclude each other"):
                inspect.make_context("inspect", [*line, "1", "22"])
            continue
        by_click = inspect.make_context("inspect", [*line, "1", "22"]).params
        assert plain is not None
        pids, arguments = plain
        assert by_click.pop("targets").words == tuple(map(str, pids)) == ("1", "22")
        assert by_click.pop("moment") is None
        exports = [by_click.pop(name) for name in ("svg", "scale", "profile", "value")]
        assert exports == [None, "log", None, "rss"]
        chosen = {name: by_click.pop(name) for name in RegionFilter._fields}
        assert RegionFilter(**chosen | {"min_size": int(chosen["min_size"])}) == RegionFilter()
        assert InspectOptions(**_options(by_click)) == InspectOptions(**_options(arguments)), line
        assert Output(**by_click) == Output(**arguments), line


def _exclude_each_other(line: Sequence[str], flags: Sequence[Flag], command: str) -> bool:
    """Whether two of the flags set one argument to different values, or the rules set them apart."""
    if first_apart(rules_of(command, [flag.word for flag in flags])[0], line) is not None:
        return True
    found = {flag.word: flag for flag in flags}
    return any(
        found[one].argument == found[two].argument and found[one].value != found[two].value
        for one, two in itertools.combinations(line, 2)
    )


def _options(arguments: dict[str, Any]) -> dict[str, Any]:
    """Take the options of the question out of all arguments; those of the output stay."""
    return {name: arguments.pop(name) for name in list(arguments) if name not in Output._fields}


@pytest.mark.parametrize(
    "line",
    ["self", "0", "-", "/proc/1", "1 --from x", "1 --sort rss", "1 --help", "1 --jso", "--", "-1", "1 ²",
     "1 --class heap", "12345678901", "--procfs /x 1"],
)  # fmt: skip
def test_all_else_is_clicks(line: str) -> None:
    """Values, abbreviations, help, mistakes and other kinds of targets."""
    assert plain_words(line.split(), FLAGS) is None


@pytest.fixture
def alone(programs_folder: Path) -> Iterator[int]:
    """The pid of a static program that stands still: which pages of libraries others map makes no difference to it."""
    with started([str(build("sleeper.c", ("-static",), programs_folder))]) as child, stopped(child.pid):
        yield child.pid


@pytest.mark.parametrize("line", ["", "--json", "--regions --csv", "--classic --markdown", "--picture"])
def test_both_ways_print_the_same(alone: int, line: str) -> None:
    """For a process that stands still; ``--procfs /proc`` is the way through click.

    Its control group does not stand still: what it is charged, and whether it swaps, is others' doing. So the answer
    of click is one of the two that the plain way gives before and after it, in one of ten tries: what differs by the
    way differs in all of them.
    """
    words = ("inspect", *line.split(), str(alone))
    for _ in range(10):
        before, clicked, after = (procmem(*words, *more) for more in ((), ("--procfs", "/proc"), ()))
        assert before.status == clicked.status == after.status == 0
        plain = [_without_moments(before.out), _without_moments(after.out)]
        if _without_moments(clicked.out) in plain:
            break
    assert _without_moments(clicked.out) in plain


def _without_moments(text: str) -> list[str]:
    """Without figures: the time since the start, and shares of files that others map too, may differ."""
    return [re.sub(r"[0-9.]+", "#", re.sub(r" +|-+", " ", line)) for line in text.split("\n")]


@pytest.mark.parametrize("words", [("inspect",), ("inspect", "--json")])
def test_errors_are_the_same(words: tuple[str, ...]) -> None:
    """One line and the documented status, for one that is gone and for some of several."""
    gone = str(missing_pid())
    for pids, status in (((gone,), 3), ((str(os.getpid()), gone), 42)):
        plain = procmem(*words, *pids)
        clicked = procmem(*words, *pids, "--procfs", "/proc")
        assert (plain.status, clicked.status) == (status, status)
        assert "Traceback" not in plain.err
        assert plain.err.split("(")[0].strip() == clicked.err.split("(")[0].strip()


STANDARD = {"click", "contextlib", "dataclasses", "enum", "functools", "re", "shutil", "typing", "warnings"}
SLOW = {*STANDARD, "types"} | {
    f"procmem.{name}"
    for name in (
        "analyse.picture",
        "cli.main",
        "classify.target_memory.look",
        "model.deep",
        "model.machine_evidence",
        "queries.all_processes",
        "render.drawing",
        "render.json.inspect",
        "sources.prefetch_all",
        "text.notes",
        "text.pages.drawing",
    )
}


def test_a_plain_line_loads_nothing_slow() -> None:
    """That is what it is for: neither click nor typing, which takes a tenth of the time; nor what is not asked for."""
    with started(["sleep", "1000"], ready=False) as child:
        text = (
            "import sys; from procmem.cli.fast_path import run_plain\n"
            f"status = run_plain(['inspect', '{child.pid}'])\n"
            f"print(status, sorted({SLOW!r} & set(sys.modules)), file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-S", "-c", text], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr == "0 []\n"


@pytest.mark.needs("unshare")
@pytest.mark.needs_root
def test_all_processes_are_read_without_loading_what_is_slow() -> None:
    """Among processes without odd names, which would have to be escaped.

    Where it is seen that some may share their memory, the kernel is asked by ctypes, which loads types.
    """
    text = (
        "import sys; from procmem.cli.fast_path import run_plain\n"
        "status = run_plain(['system'])\n"
        f"print(status, sorted({STANDARD | {'collections'}!r} & set(sys.modules)), file=sys.stderr)"
    )
    alone = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", 'sleep 60 & sleep 60 & exec "$@"', "sh"]
    command = [*alone, sys.executable, "-S", "-c", text]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.count("sleep") == 2
    assert done.stderr == "0 []\n"


def test_flags_of_system_set_what_click_sets() -> None:
    """Every pair of flags; a word that is no flag leaves it to click."""
    for line in [(), *itertools.product([flag.word for flag in SYSTEM_FLAGS], repeat=2)]:
        if _exclude_each_other(line, SYSTEM_FLAGS, "system"):
            assert plain_words(line, SYSTEM_FLAGS, "system") is None
            with pytest.raises(click.UsageError, match="exclude each other"):
                system.make_context("system", list(line))
            continue
        by_click = system.make_context("system", list(line)).params
        assert int(by_click.pop("min_size")) == SystemOptions().min_size
        assert (by_click.pop("every"), by_click.pop("count")) == (None, None)
        assert plain_words(line, SYSTEM_FLAGS, "system") is not None
        pids, arguments = plain_words(line, SYSTEM_FLAGS, "system") or ([], {})
        assert not pids
        assert SystemOptions(**_options(by_click)) == SystemOptions(**_options(arguments)), line
        assert Output(**by_click) == Output(**arguments), line
    assert plain_words(["--top", "3"], SYSTEM_FLAGS) is None
    for words in (["system", "12"], ["system", "--nothing"], ["inspect"]):
        assert CliRunner().invoke(cli, words).exit_code == 2


@pytest.mark.parametrize(("name", "command"), [("account", account), ("explain", explain), ("threads", threads)])
def test_flags_of_reports_set_what_click_sets(name: str, command: click.Command) -> None:
    """Every pair of flags of a report; the command's own options are click's, and as if they were not given."""
    unset = command.make_context(name, ["1"]).params
    for line in [(), *itertools.product([flag.word for flag in REPORT_FLAGS], repeat=2)]:
        plain = plain_words([*line, "1", "22"], REPORT_FLAGS, name)
        if _exclude_each_other(line, REPORT_FLAGS, name):
            assert plain is None
            continue
        by_click = command.make_context(name, [*line, "1", "22"]).params
        assert plain is not None
        pids, arguments = plain
        assert by_click.pop("targets").words == tuple(map(str, pids))
        own = _options(by_click)
        assert own == {key: unset[key] for key in own}
        assert Output(**by_click) == Output(**arguments), line


@pytest.mark.parametrize(
    "line", ["explain", "explain --csv", "account", "account --json", "account --human", "threads", "threads --json"]
)
def test_reports_are_the_same_both_ways(alone: int, line: str) -> None:
    """Of a process that stands still, and shares no page of a file with whoever looks at it."""
    for _ in range(10):
        answers = [procmem(*line.split(), str(alone), *more) for more in ((), ("--procfs", "/proc"))]
        assert [answer.status for answer in answers] == [0, 0]
        plain, clicked = (_without_moments(answer.out) for answer in answers)
        if plain == clicked:
            break
    assert plain == clicked


@pytest.mark.parametrize("command", ["explain", "account", "threads"])
def test_a_plain_report_loads_no_click(command: str) -> None:
    """Nor what writes documents for programs."""
    text = (
        "import os, sys; from procmem.cli.fast_path import run_plain\n"
        f"status = run_plain([{command!r}, str(os.getppid())])\n"
        "loaded = {'click', 'dataclasses', 'procmem.cli.main', 'procmem.render.json.inspect'} & set(sys.modules)\n"
        "print(status, sorted(loaded), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-S", "-c", text], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr == "0 []\n"


def test_flags_are_clicks_options() -> None:
    """Each word of the table is an option of the command, with a help of its own."""
    options = {name: param for param in inspect.params for name in param.opts if isinstance(param, click.Option)}
    helps = [options[flag.word].help for flag in FLAGS]
    assert all(helps)
    assert len(set(helps)) == len(FLAGS)


@pytest.mark.parametrize("words", [("--json", "--csv"), ("--bytes", "--human"), ("--csv", "--markdown")])
def test_two_formats_or_two_units_are_refused(words: tuple[str, ...]) -> None:
    """On the way without click as well; one that is given twice is no mistake."""
    run = procmem("inspect", *words, "self")
    assert (run.status, run.out) == (2, "")
    assert f"{words[0]} and {words[1]} exclude each other" in run.err
    assert procmem("inspect", words[0], words[0], "self").status == 0


NO_REFERENCES = """
import os, sys, typing
def refused(*about, **more):
    os.write(2, repr(about[1:]).encode())
    os._exit(9)
typing.ForwardRef.__init__ = refused
sys.argv = ["procmem", *sys.argv[1:]]
from procmem.__main__ import main
main()
"""


@pytest.mark.parametrize("command", ["inspect", "system"])
def test_nothing_is_compiled_to_answer_a_plain_line(command: str) -> None:
    """A NamedTuple whose annotations are texts has each of them compiled, and the first one costs two milliseconds."""
    with python_child("") as pid:
        words = [str(pid)] if command == "inspect" else []
        line = [sys.executable, "-c", NO_REFERENCES, command, *words]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
