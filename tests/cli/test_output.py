"""What all commands have in common: formats that exclude each other, the width, colours, the pager, the language."""

import csv
import fcntl
import io
import json
import os
import pty
import re
import struct
import subprocess
import termios
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from procmem.cli.main import cli
from procmem.render.formats import FORMATS
from procmem.render.width import cells
from procmem.text import use_language
from procmem.text.help.commands import COMMANDS
from tests.support.running import COMMAND, FIXTURES, ROOT, procmem

THREADS = str(FIXTURES / "x86_64-6.18-python-threads")
NODE = str(FIXTURES / "x86_64-6.18-node")
LIMITED = str(FIXTURES / "i386-6.18-areas-3gib")
DENIED = str(FIXTURES / "x86_64-6.18-denied")
FORK = str(FIXTURES / "x86_64-6.18-fork")
REPORTS: dict[str, tuple[str, ...]] = {
    "inspect": (THREADS,),
    "explain": (THREADS,),
    "threads": (THREADS,),
    "shared": (THREADS,),
    "account": (THREADS,),
    "system": ("--from", FORK),
    "swap": (THREADS,),
    "diff": (THREADS, NODE),
    "simulate": (),
    "crosscheck": (LIMITED,),
    "translate": ("--sim", "0x08048123"),
    "lab": (),
}
"""Every command that gives a report, with what it needs to be called."""
PAGES: tuple[tuple[str, ...], ...] = (
    *((name, *words) for name, words in REPORTS.items()),
    ("inspect", "--regions", NODE),
    ("inspect", "--classic", "--human", LIMITED),
    ("inspect", DENIED),
    ("explain", "--why", THREADS),
    ("explain", "--glossary"),
    ("threads", NODE),
    ("shared", NODE),
    ("account", "--human", LIMITED),
    ("system", "--by", "tree", "--from", FORK),
    ("system", "--by", "user", "--from", FORK),
    ("system", "--classes", "--from", FORK),
    ("crosscheck", NODE),
    ("simulate", "--aslr"),
    ("simulate", "--kernel", "native", "--kernel-map", "classic"),
    ("simulate-memory", "--trace"),
    ("simulate", "--as", "explain"),
    ("translate", "--sim", "--pae", "--access", "write", "0xc0000000"),
    ("lab", "demand-paging"),
)


@pytest.fixture(params=["en", "zh"])
def lang(request: pytest.FixtureRequest) -> object:
    """Speak a language within a test."""
    use_language(request.param)
    yield request.param
    use_language("en")


@pytest.mark.parametrize("words", [(), ("run",), ("target",)])
def test_the_language_of_help_may_stand_anywhere(words: tuple[str, ...]) -> None:
    """Before and behind the words of a group, the option speaks for the help page of what was named."""
    pages = {
        procmem("crosscheck", *given, env={"LANG": "C"}).out
        for given in (
            ("--lang", "zh", *words, "--help"),
            ("--lang=zh", *words, "-h"),
            (*words, "--help", "--lang", "zh"),
        )
    }
    assert len(pages) == 1
    assert "用法" in next(iter(pages))
    assert f"procmem crosscheck {' '.join([*words, '['])}" in pages.pop()


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("words", PAGES, ids=" ".join)
def test_no_line_of_a_page_is_wider_than_the_output(words: tuple[str, ...], width: int, lang: str) -> None:
    """Heads, command lines, prose, tables, pictures and notes, in every language."""
    run = CliRunner().invoke(cli, [words[0], "--width", str(width), *words[1:]], standalone_mode=False)
    assert run.exception is None, run.exception
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in run.stdout.splitlines()]
    assert len(lines) > 1
    assert [line for line in lines if cells(line) > width] == []
    if lang == "zh":
        assert re.search("[\u4e00-\u9fff]", run.stdout)


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_no_line_of_a_help_page_is_wider_than_the_terminal(name: str, columns: int, lang: str) -> None:
    """Click itself counts characters, and leaves examples as they are."""
    words = [name, "--help"] if name else ["--help"]
    run = CliRunner(env={"COLUMNS": str(columns)}).invoke(cli, words, prog_name="procmem", terminal_width=columns)
    assert run.exit_code == 0
    assert [line for line in run.stdout.splitlines() if cells(line) > columns] == []
    if lang == "zh":
        told = re.search("[\u4e00-\u9fff]", run.stdout)
        assert told, run.stdout


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_has_every_format(name: str) -> None:
    """The options are those of the registry; each writes something, and two at once are a mistake of usage."""
    for one in FORMATS:
        run = procmem(name, one.option, *REPORTS[name])
        assert run.status in (0, 7), run
        assert run.out.strip()
    run = procmem(name, "--json", "--csv", *REPORTS[name])
    assert (run.status, run.out) == (2, "")
    assert "--json and --csv exclude each other" in run.err


@pytest.mark.parametrize("name", REPORTS)
def test_every_command_speaks_chinese(name: str) -> None:
    """By ``--lang`` and by LANG; JSON is the same in every language."""
    by_option = procmem(name, "--lang", "zh", *REPORTS[name])
    by_locale = procmem(name, *REPORTS[name], env={"LANG": "zh_CN.UTF-8", "LC_ALL": "", "LC_MESSAGES": ""})
    assert re.search("[\u4e00-\u9fff]{2}", by_option.out), by_option
    assert _still(by_option.out) == _still(by_locale.out)
    english, chinese = (procmem(name, "--json", "--lang", code, *REPORTS[name]) for code in ("en", "zh"))
    assert _still(english.out) == _still(chinese.out)


def _still(text: str) -> str:
    """Without what differs from run to run."""
    return re.sub(r"(?m)^.*(origin|kernel facts|内核参数).*$", "", text)


def test_an_unknown_language_is_told() -> None:
    """With those that there are."""
    run = procmem("threads", "--lang", "tlh", THREADS)
    assert (run.status, run.out) == (2, "")
    assert "en, zh" in run.err


def test_click_speaks_chinese() -> None:
    """Its own messages as well."""
    run = procmem("threads", "--lang", "zh", "--nonsense")
    assert run.status == 2
    assert "Error" not in run.err
    assert re.search("[\u4e00-\u9fff]{2}", run.err)


@pytest.mark.parametrize(
    ("name", "column"), [("shared", "object"), ("threads", "tid"), ("account", "name"), ("crosscheck", "law")]
)
def test_columns_are_chosen(name: str, column: str) -> None:
    """In text, CSV and Markdown; a document is whole, and an unknown column is a mistake that names the others."""
    for option in ((), ("--csv",), ("--markdown",)):
        run = procmem(name, "--columns", column, *option, *REPORTS[name])
        assert run.status in (0, 7), run
    lines = procmem(name, "--columns", column, "--csv", *REPORTS[name]).out.splitlines()
    assert lines[0] == column
    wrong = procmem(name, "--columns", f"{column},nothing", *REPORTS[name])
    assert (wrong.status, wrong.out) == (2, "")
    assert "--columns nothing: the columns are " in wrong.err
    assert column in wrong.err
    document = procmem(name, "--columns", column, "--json", *REPORTS[name])
    assert (document.status, document.out) == (2, "")


def test_notes_are_in_the_document_and_on_stderr() -> None:
    """So that a script that keeps the document alone still shows them; the page has them at its end."""
    for command, option in (("inspect", "--json"), ("threads", "--csv"), ("threads", "--markdown")):
        run = procmem(command, option, DENIED)
        assert "procmem: note: auxv: permission denied" in run.err
        assert run.status == 0
        assert run.out.strip()
    document = json.loads(procmem("inspect", "--json", DENIED).out)
    assert any("auxv" in text for text in document["warnings"])
    page = procmem("inspect", DENIED)
    assert page.err == ""
    assert "note: auxv: permission denied" in page.out


def test_nothing_readable_is_still_a_table() -> None:
    """The headings, and no row: never an empty output with status 0."""
    run = procmem("inspect", "--regions", "--csv", str(FIXTURES / "x86_64-6.18-zombie"))
    assert run.status == 0
    assert run.out == "start,end,perms,virt_bytes,rss_bytes,pss_bytes,uss_bytes,swap_bytes,class,kind,certainty,owner\n"


def on_terminal(*words: str, columns: int = 80, lines: int = 24, **more: str) -> str:
    """What comes out on a terminal of that size."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    left_out = ("COLUMNS", "LINES", "PAGER", "LESS", "NO_COLOR")
    environment = {key: value for key, value in os.environ.items() if key not in left_out}
    environment |= {"TERM": "xterm", "LC_ALL": "C.UTF-8", "PYTHONUTF8": "1", **more}
    child = subprocess.Popen([*COMMAND, *words], stdin=subprocess.DEVNULL, stdout=slave, cwd=ROOT, env=environment)
    os.close(slave)
    out = b""
    while True:
        try:
            piece = os.read(master, 1 << 16)
        except OSError:
            break
        if not piece:
            break
        out += piece
    os.close(master)
    assert child.wait() == 0
    return out.decode("utf-8").replace("\r\n", "\n")


@pytest.mark.needs_terminal
def test_the_terminal_decides_the_width() -> None:
    """And COLUMNS before it; a pipe has none, and --wide asks for none."""
    piped = procmem("threads", "--wide", THREADS).out
    assert max(map(len, piped.splitlines())) > 120
    for columns in (80, 120):
        text = on_terminal("threads", "--color", "never", THREADS, columns=columns, lines=90)
        assert max(map(len, text.splitlines())) <= columns
    assert max(map(len, on_terminal("threads", THREADS, lines=90, COLUMNS="60").splitlines())) <= 60
    assert on_terminal("threads", "--wide", THREADS, lines=90).startswith(piped[:200])


@pytest.mark.needs_terminal
def test_a_long_page_goes_through_the_pager(tmp_path: Path) -> None:
    """$PAGER, unless --no-pager; not one that fits the screen, and never CSV."""
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho PAGED\nexec cat\n")
    pager.chmod(0o755)
    long = ("explain", "--color", "never", NODE)
    assert on_terminal(*long, PAGER=str(pager)).startswith("PAGED\n")
    for words in ((*long, "--no-pager"), ("inspect", "--csv", "--regions", NODE), ("lab", "--width", "60")):
        lines = 24 if words[0] != "lab" else 200
        assert "PAGED" not in on_terminal(*words, lines=lines, PAGER=str(pager))
    assert "PAGED" not in on_terminal(*long, PAGER=str(pager), TERM="dumb")
    assert "5855" in on_terminal(*long, PAGER=str(tmp_path / "missing"))


@pytest.mark.needs_terminal
def test_colours_are_for_terminals_that_want_them() -> None:
    """--color decides, else the terminal, NO_COLOR and TERM."""
    words = ("explain", "--brief", "--no-pager", THREADS)
    assert "\x1b[" in on_terminal(*words)
    assert "\x1b[" not in on_terminal(*words, NO_COLOR="1")
    assert "\x1b[" not in on_terminal(*words, TERM="dumb")
    assert "\x1b[" not in on_terminal(*words, "--color", "never")
    assert "\x1b[" not in procmem(*words).out
    assert "\x1b[32m" in procmem(*words, "--color", "always").out
    assert "\x1b[" in on_terminal("inspect", "--no-pager", THREADS)


def test_pictures_are_ascii_where_the_locale_is() -> None:
    """In the C locale."""
    for words in (("inspect", "--picture", THREADS), ("simulate", "--picture")):
        run = procmem(*words, env={"LC_ALL": "C", "LANG": "C"})
        assert run.out.isascii()
        assert "+------" in run.out


def test_every_command_has_the_options_of_the_language() -> None:
    """And every report those of its output."""
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        commands = command.commands.values() if isinstance(command, click.Group) else [command]
        for one in commands:
            options = {option for param in one.params for option in param.opts}
            assert "--lang" in options, name
            if name in REPORTS:
                wanted = {"--columns", "--wide", "--width", "--color", "--pager", *(form.option for form in FORMATS)}
                assert wanted <= options, name


@pytest.mark.parametrize(
    "words",
    [("inspect",), ("inspect", "--regions"), ("explain",), ("threads",), ("shared",), ("account",)],
    ids=" ".join,
)
def test_rows_of_several_tell_whose_they_are(words: tuple[str, ...]) -> None:
    """One table in CSV, with the pid and what the user called it; as many rows as of each alone."""
    alone = [list(csv.reader(io.StringIO(procmem(*words, "--csv", target).out))) for target in (THREADS, NODE)]
    together = list(csv.reader(io.StringIO(procmem(*words, "--csv", THREADS, NODE).out)))
    assert together[0] == ["pid", "target", *alone[0][0]]
    expected = [
        [pid, target, *row]
        for pid, target, rows in (("4766", THREADS, alone[0]), ("5855", NODE, alone[1]))
        for row in rows[1:]
    ]
    assert together[1:] == expected
    tables = procmem(*words, "--markdown", THREADS, NODE).out.split("\n\n")
    assert [table.splitlines()[2].split(" | ")[0] for table in tables] == ["| 4766", "| 5855"]


def test_notes_of_several_tell_whose_they_are() -> None:
    """On stderr nothing else says it."""
    run = procmem("threads", "--csv", THREADS, DENIED)
    assert run.status == 0
    assert f"procmem: note: {DENIED}: smaps: permission denied" in run.err
    assert procmem("threads", "--csv", THREADS, DENIED, "--columns", "pid,tid").out.startswith("pid,tid\n4766,4766\n")


@pytest.mark.needs_terminal
def test_a_finished_bar_is_gone() -> None:
    """What looks at all processes has a bar on stderr; when it is done the line is clear again."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    command = [*COMMAND, "shared", "self"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=slave, env=environment, cwd=ROOT) as child:
        os.close(slave)
        child.communicate(timeout=60)
    shown = read_terminal(master)
    assert "100%" in shown
    assert shown.endswith("\x1b[A\r\x1b[2K")


@pytest.mark.needs_terminal
def test_a_dumb_terminal_has_no_bar() -> None:
    """It could not take it away."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "dumb"}
    with subprocess.Popen(
        [*COMMAND, "shared", "self"], stdout=subprocess.PIPE, stderr=slave, env=environment, cwd=ROOT
    ) as child:
        os.close(slave)
        child.communicate(timeout=60)
    assert read_terminal(master) == ""


def read_terminal(master: int) -> str:
    """All that was written to a terminal whose other end is closed."""
    data = b""
    try:
        while piece := os.read(master, 65_536):
            data += piece
    except OSError:  # EIO: nobody has the other end any more
        pass
    os.close(master)
    return data.decode("utf-8", "replace")


def test_states_are_told_in_the_language() -> None:
    """On a page for a person; JSON has what the kernel writes."""
    zombie = str(FIXTURES / "x86_64-6.18-zombie")
    assert "(zombie)" not in procmem("inspect", zombie, "--lang", "zh").out
    assert "Z (zombie)" in procmem("inspect", zombie, "--lang", "en").out
    assert procmem("inspect", zombie, "--lang", "zh", "--json").json["process"]["state"] == "Z (zombie)"
    assert "kernel space" not in procmem("crosscheck", THREADS, "--lang", "zh").out
    missing = procmem("simulate", "--script", "/no/such/file", "--lang", "zh").err
    assert "No such file" not in missing
