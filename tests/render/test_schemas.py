"""JSON is a contract: every document of every command keeps its schema, which ships in the package and is strict."""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from procmem.cli.main import cli
from procmem.errors import AccessRefused
from procmem.sources.dataset.engine import named_queries
from tests.support.made_fleet import write_fleet
from tests.support.running import FIXTURES, python_child, recordings, targets

SCHEMAS = sorted(
    entry.name.removesuffix(".json") for entry in files("procmem.render.json").joinpath("schemas").iterdir()
)
OF_A_PROCESS: tuple[tuple[str, ...], ...] = (
    ("inspect",),
    ("inspect", "--regions"),
    ("inspect", "--classic", "--regions", "--deep"),
    ("explain",),
    ("explain", "--findings"),
    ("threads",),
    ("shared",),
    ("account",),
    ("crosscheck",),
    ("swap",),
)
ABOUT_MAPPINGS = ("shared", "crosscheck", "swap")
OF_A_MACHINE: tuple[tuple[str, ...], ...] = (
    ("system",),
    ("system", "--by", "user"),
    ("system", "--by", "tree"),
    ("system", "--by", "cgroup"),
    ("system", "--classes"),
    ("system", "--mappings"),
)
SLEEP = str(FIXTURES / "x86_64-6.18-sleep")
OTHERS: tuple[tuple[str, ...], ...] = (
    ("diff", SLEEP, str(FIXTURES / "x86_64-6.18-bash")),
    ("diff", SLEEP, SLEEP, "--fail-if-grows", "heap>10%"),
    ("dataset", "schema"),
    ("explain", "--glossary"),
    ("learn", "--all"),
    ("learn", "--list"),
    ("doctor",),
    ("lab",),
    ("lab", "demand-paging"),
    ("simulate",),
    ("simulate", "--aslr", "--kernel", "native", "--kernel-map", "classic"),
    ("simulate", "--kernel-map", "arm64-4k-48"),
    ("simulate-memory", "--trace"),
    ("simulate", "--as", "inspect"),
    ("simulate", "--as", "explain"),
    ("translate", "--sim", "0x08048123"),
    ("translate", "--sim", "--pae", "--access", "write", "0xc0000000"),
)


@cache
def schema(name: str) -> dict[str, Any]:
    """A schema as it ships."""
    text = files("procmem.render.json").joinpath("schemas", f"{name}.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def document(*words: str) -> Any:
    """What the command prints."""
    run = CliRunner().invoke(cli, [*words, "--json"], standalone_mode=False)
    assert run.exception is None, (words, run.exception)
    return json.loads(run.stdout)


def check(found: Any) -> None:
    """Hold a document against the schema that it names."""
    name = found["schema"].removeprefix("procmem/").removesuffix("/1")
    problems = [
        f"{'/'.join(map(str, problem.absolute_path))}: {problem.message[:300]}"
        for problem in Draft202012Validator(schema(name)).iter_errors(found)
    ]
    assert problems == []


@pytest.mark.parametrize("recording", recordings(), ids=lambda path: path.name)
def test_every_document_of_a_recording(recording: Any) -> None:
    """Of each process in it, and of all of them."""
    refused = "denied" in recording.name  # its mappings could not be read: what is about nothing else has no answer
    for words in OF_A_PROCESS:
        for target in targets(recording):
            if refused and words[0] in ABOUT_MAPPINGS:
                run = CliRunner().invoke(cli, [words[0], "--json", *words[1:], *target], standalone_mode=False)
                assert (run.return_value, run.stdout) == (4, "")
            else:
                check(document(*words, *target))
    for words in OF_A_MACHINE:
        if refused and not {"--classes", "--mappings"}.isdisjoint(words):
            run = CliRunner().invoke(cli, [*words, "--json", "--from", str(recording)], standalone_mode=False)
            assert isinstance(run.exception, AccessRefused)
            assert run.stdout == ""
        else:
            check(document(*words, "--from", str(recording)))


@pytest.mark.parametrize("words", OTHERS, ids=" ".join)
def test_every_other_document(words: tuple[str, ...]) -> None:
    """What needs no recording, or two; a script gives a list."""
    found = document(*words)
    for one in found if isinstance(found, list) else [found]:
        check(one)


def test_documents_of_a_living_process() -> None:
    """The machine's own files are read as well."""
    with python_child("x = bytearray(1 << 20)") as pid:
        mapped = document("inspect", "--regions", str(pid))["regions"][0]["start"]
        for words in (*OF_A_PROCESS, ("explain", "--address", mapped)):
            check(document(*words, str(pid)))
        check(document("translate", str(pid), "0x400000"))
        check(document("working-set", str(pid), "--seconds", "0.05"))
        check(document("working-set", str(pid), "--seconds", "0.05", "--regions"))
        for line in CliRunner().invoke(cli, ["watch", str(pid), "--count", "1", "--json"]).stdout.splitlines():
            check(json.loads(line))


def test_answers_about_a_dataset(tmp_path: Path) -> None:
    """Of every named query, of values of every sort, of nothing."""
    fleet = str(tmp_path / "fleet")
    write_fleet(fleet, rows=3000, hosts=3, days=2)
    for name in named_queries():
        check(document("dataset", "query", fleet, "--named", name))
    for sql in ("SELECT * FROM processes", "SELECT * FROM regions LIMIT 9", "SELECT 1 WHERE false"):
        check(document("dataset", "query", fleet, sql))


@pytest.mark.machine
def test_documents_of_the_machine() -> None:
    """All processes, and the swap of all."""
    check(document("system"))
    check(document("swap", "--interval", "0.1"))


def objects(part: Any, path: str = "") -> list[tuple[str, dict[str, Any]]]:
    """Every schema of an object within a schema."""
    found = []
    if isinstance(part, dict):
        if part.get("type") == "object":
            found.append((path, part))
        for key, value in part.items():
            found += objects(value, f"{path}/{key}")
    elif isinstance(part, list):
        for number, value in enumerate(part):
            found += objects(value, f"{path}/{number}")
    return found


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_strict(name: str) -> None:
    """Valid themselves; each object names all its keys, and requires them but for the twins of what is not UTF-8."""
    Draft202012Validator.check_schema(schema(name))
    for path, part in objects(schema(name)):
        if "properties" not in part:
            assert isinstance(part["additionalProperties"], dict), path
            continue
        assert part["additionalProperties"] is False, path
        left = set(part["properties"]) - set(part["required"])
        assert all(key.endswith("_hex") and key.removesuffix("_hex") in part["properties"] for key in left), path


def test_every_schema_is_met() -> None:
    """By a document of the lists above, or by one that needs a program that runs, or root."""
    elsewhere = {
        "crosscheck",
        "crosscheck-script",
        "growth",
        "watch",
        "working-set",
        "lab-restore",
        "series-growth",
        "system-look",
        "dataset-query",
    }
    met = {document(*words, *targets(FIXTURES / "x86_64-6.18-sleep")[0])["schema"] for words in OF_A_PROCESS}
    met |= {document(*words, "--from", SLEEP)["schema"] for words in OF_A_MACHINE}
    for words in OTHERS:
        found = document(*words)
        met.add((found[0] if isinstance(found, list) else found)["schema"])
    assert {name.split("/")[1] for name in met} == set(SCHEMAS) - elsewhere


def test_a_key_too_much_or_too_few_is_found() -> None:
    """The check itself would notice."""
    found = document("threads", SLEEP)
    for spoiled in ({**found, "more": 1}, {key: value for key, value in found.items() if key != "shared"}):
        with pytest.raises(AssertionError):
            check(spoiled)


def test_documents_of_a_text_that_tells_less(tmp_path: Path) -> None:
    """A debugger shows no letter for shared and private, an old one no permissions at all: each is a question mark."""
    rows = "0x555555554000     0x555555556000     0x2000        0x0  {}/usr/bin/true\n"
    for perms in ("r--p  ", ""):
        text = tmp_path / f"text{len(perms)}"
        head = f"Start Addr         End Addr           Size       Offset  {'Perms  ' if perms else ''}objfile\n"
        text.write_text("process 7\nMapped address spaces:\n\n" + head + rows.format(perms))
        for words in (("inspect", "--regions"), ("explain",)):
            check(document(*words, "--from", str(text)))
