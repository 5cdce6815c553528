"""Scripts of the simulator: the text of a file, or of standard input."""

import sys

from procmem.errors import BadInput

__all__ = ["read_script"]


def read_script(name: str) -> str:
    """The text of a script; ``-`` is standard input.

    Raises:
        BadInput: no such file, or no text.
    """
    if name == "-":
        return "" if sys.stdin is None else sys.stdin.read()
    try:
        with open(name, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput("unreadable-script", name=name, reason=str(error)) from error
