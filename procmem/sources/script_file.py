"""Scripts of the simulator: the text of a file, or of standard input."""

from procmem.errors import BadInput
from procmem.sources.file_helper import need_answer
from procmem.sources.files import open_given
from procmem.sources.streams import input_text

__all__ = ["read_script"]

_CHARACTERS_MAX = 16 << 20


def read_script(name: str) -> str:
    """The text of a script; ``-`` is standard input.

    Raises:
        BadInput: no such file, no text, nobody who answers for it, or more than a script may have.
    """
    if name == "-":
        return input_text(_CHARACTERS_MAX)
    need_answer(name)
    try:
        with open(open_given(name), encoding="utf-8") as file:
            text = file.read(_CHARACTERS_MAX + 1)
    except OSError as error:
        raise BadInput("unreadable-text", name=name, reason=error.strerror) from error
    except UnicodeDecodeError as error:
        raise BadInput("no-text", name=name) from error
    if len(text) > _CHARACTERS_MAX:
        raise BadInput("text-too-large", name=name, most=_CHARACTERS_MAX)
    return text
