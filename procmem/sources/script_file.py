"""Texts that a user names: those of a file, or of standard input."""

from procmem.errors import BadInput
from procmem.sources.file_helper import need_answer
from procmem.sources.files import open_given
from procmem.sources.streams import input_text

__all__ = ["read_script", "read_text"]

_CHARACTERS_MAX = 16 << 20


def read_script(name: str) -> str:
    """The text of a script of the simulator.

    Raises:
        BadInput: as :func:`read_text`.
    """
    return read_text(name, _CHARACTERS_MAX)


def read_text(name: str, most: int) -> str:
    """A text of at most so many characters; ``-`` is standard input.

    Raises:
        BadInput: no such file, no text, nobody who answers for it, or more than that.
    """
    if name == "-":
        return input_text(most)
    need_answer(name)
    try:
        with open(open_given(name), encoding="utf-8") as file:
            text = file.read(most + 1)
    except OSError as error:
        raise BadInput("unreadable-text", name=name, reason=error.strerror) from error
    except UnicodeDecodeError as error:
        raise BadInput("no-text", name=name) from error
    if len(text) > most:
        raise BadInput("text-too-large", name=name, most=most)
    return text
