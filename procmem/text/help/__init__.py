"""What ``--help`` says, one module a command; the parser shows it in the user's language.

Paragraphs have an empty line between them, and the first can stand alone.
"""

__all__ = ["first_paragraph"]


def first_paragraph(text: str) -> str:
    """What a command does, as a list of commands tells it."""
    return text.split("\n\n", maxsplit=1)[0]
