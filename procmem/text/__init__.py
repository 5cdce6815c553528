"""Every sentence for people, one module a subject, and the language that they are told in.

The English sentences stand in the modules of this room; other languages are gettext catalogues below ``catalogues/``,
whose message ids are the English sentences. A module of this room holds tables and functions that take codes and
figures and give a sentence. It computes nothing, and knows nothing of formats, files or the terminal. A command
imports the modules that it speaks with, and no other.

``N_`` marks a sentence of a table, ``plural`` one with a form for one and a form for many; ``say`` gives it in the
language in use, filled with figures. English needs no catalogue, and nothing is loaded for it. The language is chosen
once, by the command line or by a caller from Python; what programs read (JSON) is written inside ``with english():``.
"""

from __future__ import annotations

import os

# what str.format() itself goes through; string.Formatter takes a millisecond to load
from _string import formatter_parser  # type: ignore[import-not-found]

from procmem.errors import Misuse
from procmem.text.units import size_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from gettext import NullTranslations
    from typing import Any, ParamSpec, TypeVar

    _Shown = Callable[[Any], str]
    """Writes a figure in one of the formats of sentences."""
    _Arguments = ParamSpec("_Arguments")
    _Answer = TypeVar("_Answer")

__all__ = [
    "N_",
    "Sentence",
    "english",
    "gettext",
    "language",
    "language_of_locale",
    "languages",
    "listed",
    "ngettext",
    "plural",
    "remembered",
    "say",
    "use_language",
    "use_language_of_command",
]

DOMAIN = "procmem"
CATALOGUES = f"{os.path.dirname(__file__)}/catalogues"
_ENGLISH = "en"
_REMEMBERED = 4096

Sentence = str | tuple[str, str]
"""A sentence of a table: one form, or one for one and one for many."""


class _Spoken:
    """The language in use; English has no catalogue."""

    language = _ENGLISH
    catalogue: NullTranslations | None = None


def languages() -> tuple[str, ...]:
    """The languages that there are words for."""
    others = (name for name in os.listdir(CATALOGUES) if os.path.exists(_compiled(name)))
    return tuple(sorted([_ENGLISH, *others]))


def _compiled(name: str) -> str:
    return f"{CATALOGUES}/{name}/LC_MESSAGES/{DOMAIN}.mo"


def language() -> str:
    """The language in use."""
    return _Spoken.language


def language_of_locale(value: str) -> str:
    """The language that a LANG value asks for, English where there are no words for it."""
    word = value.partition(".")[0].partition("@")[0].partition("_")[0].lower()
    return word if word not in ("", "c", "posix", _ENGLISH) and word in languages() else _ENGLISH


def use_language(wanted: str) -> None:
    """Speak this language from now on.

    Raises:
        Misuse: there are no words for it.
    """
    if wanted == _ENGLISH:
        _Spoken.language, _Spoken.catalogue = wanted, None
        return
    if wanted not in languages():
        raise Misuse("no-language", language=wanted, languages=languages())
    from gettext import translation  # noqa: PLC0415  # English does without

    _Spoken.language, _Spoken.catalogue = wanted, translation(DOMAIN, CATALOGUES, [wanted])


def use_language_of_command(words: Sequence[str], environment: Mapping[str, str]) -> None:
    """Speak the language of ``--lang``, else that of the locale; the option parser's own messages with it.

    ``words`` is the command line. Click looks its messages up by gettext's default domain, in the language that the
    environment names: the catalogue holds them, and ``LANGUAGE`` is set where another one would be taken.

    Raises:
        Misuse: there are no words for it.
    """
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    asked = _option(words)
    local = (
        ""
        if asked is not None and asked in languages()
        else next((value for name in names if (value := environment.get(name))), "")
    )
    wanted = language_of_locale(local)
    use_language(wanted)  # a language that we do not have is refused in that of the locale
    if asked is not None:
        wanted = asked
        use_language(wanted)
    if wanted != _ENGLISH:
        from gettext import bindtextdomain, textdomain  # noqa: PLC0415  # English does without

        bindtextdomain(DOMAIN, CATALOGUES)
        textdomain(DOMAIN)
        os.environ["LANGUAGE"] = wanted


def _option(words: Sequence[str]) -> str | None:
    """The value of ``--lang``, the last where there are several; words behind ``--`` are no options."""
    value = None
    for at, word in enumerate(words):
        if word == "--":
            break
        if word == "--lang":
            value = words[at + 1] if at + 1 < len(words) else None
        elif word.startswith("--lang="):
            value = word.removeprefix("--lang=")
    return value


class english:  # noqa: N801  # read as a phrase: ``with english():``
    """Speak English within a block or a function: for what programs read, which does not change with the language."""

    def __enter__(self) -> None:
        self._kept = _Spoken.catalogue
        _Spoken.catalogue = None

    def __exit__(self, *error: object) -> None:
        _Spoken.catalogue = self._kept

    def __call__(self, function: Callable[_Arguments, _Answer]) -> Callable[_Arguments, _Answer]:
        """As a decorator: the whole function speaks English."""

        def speaking_english(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Answer:
            with english():
                return function(*args, **kwargs)

        speaking_english.__doc__ = function.__doc__
        return speaking_english


def N_(sentence: str) -> str:  # noqa: N802  # the name that extraction of messages knows
    """Mark a sentence of a table for translation; it is translated where it is said."""
    return sentence


def plural(one: str, many: str) -> tuple[str, str]:
    """Mark a sentence of a table that has a form for one and one for many; its figure ``count`` decides."""
    return one, many


def gettext(sentence: str) -> str:
    """A sentence in the language in use."""
    return sentence if _Spoken.catalogue is None else _Spoken.catalogue.gettext(sentence)


def ngettext(one: str, many: str, count: int) -> str:
    """The form of a sentence for a count, in the language in use."""
    if _Spoken.catalogue is None:
        return one if count == 1 else many
    return _Spoken.catalogue.ngettext(one, many, count)


def listed(words: Iterable[str], between: str = N_(", ")) -> str:
    """Several words or clauses in a row, parted as the language in use does it; ``between`` is ``", "`` or ``"; "``."""
    return gettext(between).join(words)


def say(sentence: Sentence, figures: Mapping[str, object] | None = None) -> str:
    """A sentence of a table in the language in use, filled with figures.

    ``{swap:size}`` is bytes with a unit, ``{swap:kB}`` whole kB as the kernel counts them, ``{file:name}`` bytes of another process as text (undecodable ones as
    surrogates, which ``render`` makes visible); a tuple is a list of words; other formats are Python's.
    """
    if isinstance(sentence, tuple):
        assert figures is not None, sentence
        count = figures["count"]
        assert isinstance(count, int)
        template = ngettext(*sentence, count)
    else:
        template = gettext(sentence)
    if figures is None:
        return template
    parsed = _PARSED.get(template)
    if parsed is None:
        parsed = _PARSED[template] = _parse(template)
    pattern, fields = parsed
    return pattern % tuple([shown(figures[name]) for name, shown in fields])


_PARSED: dict[str, tuple[str, list[tuple[str, _Shown]]]] = {}
"""Sentences taken apart: a pattern of the operator ``%``, and the figures in it by name, each with what writes it. A
report says one many thousand times."""


def _parse(template: str) -> tuple[str, list[tuple[str, _Shown]]]:
    pattern = ""
    fields: list[tuple[str, _Shown]] = []
    for literal, name, form, conversion in formatter_parser(template):
        pattern += literal.replace("%", "%%")
        if name is not None:
            pattern += "%s"
            fields.append((name, repr if conversion == "r" else _FORMATS.get(form) or _by_format(form)))
    return pattern, fields


def _kib_text(size: int | None) -> str:
    return gettext("unknown") if size is None else f"{size // 1024} kB"


def _name_text(name: object) -> str:
    if isinstance(name, tuple):
        return listed(map(str, name))
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else str(name)


_FORMATS: dict[str, _Shown] = {"size": size_text, "kB": _kib_text, "name": _name_text}


def _by_format(form: str) -> _Shown:
    """Writes in a format of Python's."""
    return lambda value: listed(map(str, value)) if isinstance(value, tuple) else format(value, form)


def remembered(words: Callable[_Arguments, _Answer]) -> Callable[_Arguments, _Answer]:
    """A decorator: keep what a function says of things, in each language; most regions of a process are told alike.

    The things are hashable.
    """
    known: dict[tuple[object, ...], _Answer] = {}

    def said(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Answer:
        key = (_Spoken.catalogue, args, *kwargs.items())
        if key not in known:
            if len(known) >= _REMEMBERED:
                known.clear()
            known[key] = words(*args, **kwargs)
        return known[key]

    return said
