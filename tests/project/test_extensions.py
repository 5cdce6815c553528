"""A new kind, runtime, law, language, command or architecture is one row of a table and a file of its own.

A new format has its test beside the formats. Each test adds a made-up one to its table, from outside and before the
command runs, and nothing else is touched; then the installed command must know it. A test that fails here says that
some other place has to change as well.
"""

import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from procmem.model.kinds import KINDS, ByteClass, Kind
from procmem.text import kinds as kind_words
from tests.support.running import FIXTURES, ROOT

SLEEP = FIXTURES / "x86_64-6.18-sleep"
RUN = """
import sys, types
{prelude}
from procmem.cli.main import run
sys.argv = ["procmem", *{words!r}]
sys.exit(run())
"""


def extended(prelude: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """The command with something added to one of its tables."""
    code = RUN.format(prelude=textwrap.dedent(prelude), words=list(words))
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    return run


NEW_KIND = """
from procmem.model import kinds
from procmem.text import kinds as words
NEWALLOC = kinds.Kind("newalloc", kinds.ByteClass.HEAP)
kinds.KINDS.append(NEWALLOC)
words.KINDS["newalloc"] = "Memory that newalloc manages."
"""
NEW_RUNTIME = (
    NEW_KIND
    + """
from procmem.classify.runtimes import table
from procmem.model.region import Certainty
new = table.Runtime(
    "newalloc",
    libraries=(b"libc.so.6",),
    patterns=((NEWALLOC, Certainty.GUESS, lambda block: True),),
)
table.RUNTIMES = (new, *table.RUNTIMES)
"""
)
ANONYMOUS = b"""\
555555554000-555555555000 r-xp 00000000 fe:00 11                         /usr/bin/program
7f0000000000-7f0000100000 rw-p 00000000 00:00 0
7f1000000000-7f1000001000 r-xp 00000000 fe:00 12                         /usr/lib/libc.so.6
"""


def test_a_new_allocator(tmp_path: Path) -> None:
    """Its kind, its words and its row: blocks of nobody else's are its own, in every report."""
    maps = tmp_path / "some.maps"
    maps.write_bytes(ANONYMOUS)
    run = extended(NEW_RUNTIME, "inspect", "--json", "--regions", str(maps))
    found = {region["start"]: (region["class"], region["kind"]) for region in json.loads(run.stdout)["regions"]}
    assert found["0x7f0000000000"] == ("heap", "newalloc")
    assert "Memory that newalloc manages." in extended(NEW_RUNTIME, "explain", "--lang", "en", str(maps)).stdout


def test_a_kind_without_words_is_noticed() -> None:
    """What the test on words would say of it."""
    fake = Kind("without-words", ByteClass.HEAP)
    missing = [kind for kind in (*KINDS, fake) if (kind.part or kind) not in kind_words.KINDS]
    assert missing == [fake]


NEW_LAW = """
from procmem.analyse import laws
from procmem.model.note import note
from procmem.text import laws as words
def always(case):
    yield laws._law("always", "M1", "nowhere", True, note("lowest", lowest=case.table.start[0]))
laws.CHECKS = (*laws.CHECKS, (always, False))
words.NAMES["always"] = "always so"
words.SAYS["always"] = "this holds always"
"""


def test_a_new_law() -> None:
    """It is counted by inspect and told by crosscheck."""
    counted = json.loads(extended("", "inspect", "--json", str(SLEEP)).stdout)["layout"]["laws_held"]
    assert json.loads(extended(NEW_LAW, "inspect", "--json", str(SLEEP)).stdout)["layout"]["laws_held"] == counted + 1
    assert "always so" in extended(NEW_LAW, "crosscheck", "--all", str(SLEEP)).stdout


def test_a_new_language(tmp_path: Path) -> None:
    """A catalogue in its folder: the command speaks it, and English where it has no words."""
    folder = tmp_path / "catalogues" / "eo" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    catalogue = Catalog(locale="eo")
    catalogue.add("RES: in memory now", "RES: nun en la memoro")
    with (folder / "procmem.mo").open("wb") as compiled:
        write_mo(compiled, catalogue)
    prelude = f"import procmem.text\nprocmem.text.CATALOGUES = {str(tmp_path / 'catalogues')!r}"
    run = extended(prelude, "inspect", "--lang", "eo", str(SLEEP))
    assert "nun en la memoro" in run.stdout
    assert "of files, not in memory" in run.stdout


NEW_REPORT = """
import click
from procmem.text.help import commands
module = types.ModuleType("procmem.cli.uptime")
@click.command()
def uptime():
    click.echo("up")
module.uptime = uptime
sys.modules[module.__name__] = module
commands.COMMANDS["uptime"] = "Say that we are up."
"""


def test_a_new_report() -> None:
    """A line in the table of commands and a module of its own."""
    assert extended(NEW_REPORT, "uptime").stdout == "up\n"
    assert "Say that we are up." in extended(NEW_REPORT, "--help").stdout


NEW_ARCHITECTURE = """
from procmem.model import machine
border = machine.Border(1 << 48, 1 << 48, usual=True)
machine.ARCHITECTURES = (*machine.ARCHITECTURES, machine.Architecture(("vax",), 64, (border,), 1 << 63))
"""


def test_a_new_architecture(tmp_path: Path) -> None:
    """Its border is drawn, and no law of another machine is held against it."""
    recording = tmp_path / "recorded"
    shutil.copytree(SLEEP, recording)
    about = recording / "about.toml"
    about.write_text(about.read_text().replace('machine = "x86_64"', 'machine = "vax"'))
    run = extended(NEW_ARCHITECTURE, "inspect", "--picture", str(recording))
    assert "0001000000000000" in run.stdout
    assert "0000800000000000" not in run.stdout
    document = json.loads(extended(NEW_ARCHITECTURE, "inspect", "--json", str(recording)).stdout)
    assert document["layout"] is None


NEW_LAYOUT = """
from procmem.model import machine
ours = next(row for row in machine.ARCHITECTURES if row.bits == 64)
theirs = ours.layout._replace(task_sizes=(1 << 48,), windows=(1 << 48,), program_bases=(1 << 40,), table_reach=())
new = machine.Architecture(("vax",), 64, (machine.Border(1 << 48, usual=True),), 1 << 63, theirs)
machine.ARCHITECTURES = (*machine.ARCHITECTURES, new)
"""


def test_a_new_architecture_with_a_layout_of_its_own(tmp_path: Path) -> None:
    """Its borders come from its row: a process of x86-64 breaks the laws that follow from them."""
    recording = tmp_path / "recorded"
    shutil.copytree(SLEEP, recording)
    assert json.loads(extended("", "inspect", "--json", str(recording)).stdout)["layout"]["laws_broken"] == []
    about = recording / "about.toml"
    about.write_text(about.read_text().replace('machine = "x86_64"', 'machine = "vax"'))
    broken = json.loads(extended(NEW_LAYOUT, "inspect", "--json", str(recording)).stdout)["layout"]["laws_broken"]
    assert {"place of the program", "stack on top"} <= set(broken)
