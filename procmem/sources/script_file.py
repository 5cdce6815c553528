"""Scripts of the simulator: the text of a file, or of standard input."""

import sys

from procmem.errors import BadInput
from procmem.sources.files import open_given

__all__ = ["read_script"]

_CHARACTERS_MAX = 16 << 20


def read_script(name: str) -> str:
    """The text of a script; ``-`` is standard input.

    Raises:
        BadInput: no such file, no text, or more than a script may have.
    """
    if name == "-":
        return "" if sys.stdin is None else sys.stdin.read()
    try:
        with open(open_given(name), encoding="utf-8") as file:
            text = file.read(_CHARACTERS_MAX + 1)
    except OSError as error:
        raise BadInput("unreadable-script", name=name, reason=error.strerror) from error
    except UnicodeDecodeError as error:
        raise BadInput("script-no-text", name=name) from error
    if len(text) > _CHARACTERS_MAX:
        raise BadInput("script-too-large", name=name, most=_CHARACTERS_MAX)
    return text
