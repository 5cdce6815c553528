"""The words of ``procmem explain``, one file a language, so that they can be reviewed and translated as text."""

import tomllib
from importlib.resources import files

from procmem.errors import BadInput
from procmem.model.reports.explanation import Phrasebook

__all__ = ["language_of_locale", "languages", "phrasebook"]


def languages() -> tuple[str, ...]:
    """The languages that there are words for."""
    return tuple(
        sorted(entry.name.removesuffix(".toml") for entry in files(__name__).iterdir() if entry.name.endswith(".toml"))
    )


def phrasebook(language: str) -> Phrasebook:
    """The words of one language.

    Raises:
        BadInput: there are none for it.
    """
    if language not in languages():
        raise BadInput(f"no words for language {language!r}", hint=f"there are {', '.join(languages())}")
    text = files(__name__).joinpath(f"{language}.toml").read_text("utf-8")
    return Phrasebook(language, tomllib.loads(text))


def language_of_locale(value: str) -> str:
    """The language that a LANG value asks for, English where there are no words for it."""
    word = value.partition(".")[0].partition("_")[0].lower()
    return word if word in languages() else "en"
