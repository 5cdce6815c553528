"""Every sentence has a translation in every language, with the same figures, and no catalogue holds more."""

import gettext as machinery
import importlib
import os
import pkgutil
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir

import procmem.text
import procmem.text.help
from procmem.errors import Misuse
from procmem.render.width import cells
from procmem.text import click as click_words
from tests.make_catalogues import CATALOGUES, extracted, read_catalogue
from tests.support import running

LANGUAGES = [name for name in procmem.text.languages() if name != "en"]

TO_PROGRAMMERS = {
    "%(prog)s, version %(version)s",
    "Arguments take exactly one parameter declaration, got {length}: {decls}.",
    "Boolean option {decl!r} cannot use the same flag for true/false.",
    "Could not determine name for option with declarations {decls!r}",
    "Invalid start character for option ({option})",
    "Name '{name}' defined twice",
    "No options defined but a name was passed ({name}). Did you mean to declare an argument instead? Did you mean to"
    " pass '--{name}'?",
    "Unknown color {colour!r}",
    "Unknown standard stream '{name}'",
    "Windows error: {error}",
    "d",
}
"""What Click says to who writes a program, or elsewhere than on Linux: no user of ours meets it."""


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    """The language is state of the whole program: each test leaves it as it was."""
    domain, kept = machinery.textdomain(), os.environ.get("LANGUAGE")
    yield
    procmem.text.use_language("en")
    machinery.textdomain(domain)
    os.environ.pop("LANGUAGE", None)
    if kept is not None:
        os.environ["LANGUAGE"] = kept


def _messages(path: Path) -> dict[object, Message]:
    return {message.id: message for message in read_catalogue(path) if message.id}


def _fields(text: str) -> set[str]:
    """The placeholders of a sentence, with the way they are written."""
    return {f"{name}!{convert}:{form}" for _, name, form, convert in string.Formatter().parse(text) if name is not None}


def _forms(value: object) -> list[str]:
    return [value] if isinstance(value, str) else list(value) if isinstance(value, list | tuple) else []


def test_there_is_another_language() -> None:
    """Without one the tests below would prove nothing."""
    assert "zh" in LANGUAGES


@pytest.mark.parametrize("name", LANGUAGES)
def test_each_sentence_is_translated_and_nothing_else(name: str) -> None:
    """What stands in the modules and what stands in the catalogue are the same sentences; none is empty or a guess."""
    catalogue = _messages(CATALOGUES / name / "LC_MESSAGES" / "procmem.po")
    assert {message.id for message in extracted() if message.id} == set(catalogue)
    assert [it.id for it in catalogue.values() if it.fuzzy or not all(_forms(it.string)) or not it.string] == []


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_translation_has_the_figures_of_its_sentence(name: str) -> None:
    """A figure left out would keep something from the reader; a name that does not exist would be an error."""
    wrong = []
    for message in _messages(CATALOGUES / name / "LC_MESSAGES" / "procmem.po").values():
        wanted = _fields(_forms(message.id)[-1])
        wrong += [(message.id, form) for form in _forms(message.string) if _fields(form) != wanted]
    assert wrong == []


def test_the_parsers_own_messages_are_in_the_catalogues() -> None:
    """All that the installed Click can say to a user stands in the module of its messages."""
    folder = os.path.dirname(click.__file__)
    says = {_forms(message)[0] for _, _, message, _, _ in extract_from_dir(folder, [("**.py", "python")])}
    assert says - TO_PROGRAMMERS <= {_forms(message)[0] for message in click_words.MESSAGES}


@pytest.mark.parametrize("name", procmem.text.languages())
def test_lines_of_help_that_are_kept_fit_a_terminal(name: str) -> None:
    """Examples and lists stand line by line: with the indent of the page no line is wider than 80 columns."""
    procmem.text.use_language(name)
    kept = 0
    for module in pkgutil.iter_modules(procmem.text.help.__path__):
        for text in vars(importlib.import_module(f"procmem.text.help.{module.name}")).values():
            if not isinstance(text, str) or "\b" not in text:
                continue
            for paragraph in procmem.text.gettext(text).strip("\n").split("\n\n"):
                first, *lines = paragraph.strip("\n").split("\n")
                if first.strip(" ") == "\b":
                    kept += len(lines)
                    assert [line for line in lines if cells(line) > 78] == [], module.name
    assert kept > 50, "the walk has found too few to judge"


def test_english_loads_nothing() -> None:
    """The fast path speaks English without gettext."""
    code = "import sys, procmem.text as t; t.use_language('en'); print(t.gettext('path'), 'gettext' in sys.modules)"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "path False\n"


def test_language_of_the_command_line_goes_before_the_locale() -> None:
    """``--lang`` decides; else the first of LC_ALL, LC_MESSAGES and LANG that is set."""
    use, spoken = procmem.text.use_language_of_command, procmem.text.language
    for words, environment, expected in (
        ([], {}, "en"),
        ([], {"LANG": "zh_CN.UTF-8"}, "zh"),
        ([], {"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ([], {"LANG": "C", "LC_MESSAGES": "zh_TW"}, "zh"),
        ([], {"LANG": "de_DE.UTF-8"}, "en"),
        (["explain", "1", "--lang", "en"], {"LANG": "zh_CN.UTF-8"}, "en"),
        (["explain", "--lang=zh", "1"], {}, "zh"),
        (["run", "--", "ls", "--lang=zh"], {}, "en"),
    ):
        use(words, environment)
        assert expected == spoken(), (words, environment)
    with pytest.raises(Misuse, match="no words for language 'xx'"):
        use(["--lang", "xx"], {})


def test_click_speaks_the_language_too() -> None:
    """Its usage errors come from our catalogue, whatever the locale of the program is."""
    code = (
        "import os, procmem.text as t; t.use_language_of_command(['--lang', 'zh'], os.environ)\n"
        "import click; print(click.NoSuchOption('--nosuch').format_message())"
    )
    for locale in ("C", "C.UTF-8", "en_US.UTF-8"):
        env = {**os.environ, "LC_ALL": locale, "LANGUAGE": "", "PYTHONUTF8": "1"}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, encoding="utf-8", check=True)
        assert "没有" in done.stdout, locale


def test_the_line_of_usage_speaks_the_language_too() -> None:
    """Its words for options, commands and arguments; the names of what a command takes stay."""
    for words in (("--help",), ("explain", "--help")):
        line = running.procmem("--lang", "zh", *words).out.splitlines()[0]
        assert "选项" in line, line
        assert "[OPTIONS]" not in line
        assert "[ARGS]" not in line


def test_a_block_can_be_told_in_english() -> None:
    """What programs read does not change with the user's language."""
    procmem.text.use_language("zh")
    assert procmem.text.gettext("path") == "路径"
    with procmem.text.english():
        assert procmem.text.gettext("path") == "path"
    assert procmem.text.gettext("path") == "路径"


def test_figures_in_sentences() -> None:
    """Sizes get units, names of processes are decoded, and a count chooses the form."""
    say, plural = procmem.text.say, procmem.text.plural
    assert say("{used:size} of {total:size}", {"used": 1_572_864, "total": None}) == "1.5 MiB of ?"
    assert say("{name:name} at {at:#x}", {"name": b"caf\xe9", "at": 16}) == "caf\udce9 at 0x10"
    assert say("{word!r}", {"word": "x"}) == "'x'"
    both = plural("{count} page", "{count} pages")
    assert [say(both, {"count": count}) for count in (1, 2)] == ["1 page", "2 pages"]
