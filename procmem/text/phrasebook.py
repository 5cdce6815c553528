"""The words of ``procmem explain``, one file a language."""

import tomllib
from importlib.resources import files

from procmem.errors import BadInput
from procmem.model.reports.explanation import Phrasebook
from procmem.text import languages

__all__ = ["phrasebook"]


def phrasebook(language: str) -> Phrasebook:
    """The words of one language.

    Raises:
        BadInput: there are none for it.
    """
    if language not in languages():
        raise BadInput(f"no words for language {language!r}", hint=f"there are {', '.join(languages())}")
    text = files("procmem.text").joinpath(f"{language}.toml").read_text("utf-8")
    return Phrasebook(language, tomllib.loads(text))
