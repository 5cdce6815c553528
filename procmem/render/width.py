"""How wide text is on a terminal, and how it is broken, padded and shortened to a width.

Wide East Asian characters take two cells, combining marks none. What belongs here knows nothing of tables or pages.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


__all__ = ["Folder", "cells", "clipped", "folded", "padded", "shortened_name"]

_CLOSING = "\uff0c\u3002\uff1a\uff1b\uff01\uff1f\u3001\uff09\u201d\u300b\u300d"
_OPENING = "\uff08\u201c\u300a\u300c"


def cells(text: str) -> int:
    """The cells of a terminal that the text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_cells_of, text))


def _cells_of(letter: str) -> int:
    import unicodedata  # noqa: PLC0415  # a page of plain ASCII does without

    if unicodedata.east_asian_width(letter) in "WF":
        return 2
    return 0 if unicodedata.combining(letter) else 1


def padded(text: str, width: int, *, right: bool = False) -> str:
    """The text with blanks up to a width; ``right`` puts them before it."""
    if text.isascii():
        return text.rjust(width) if right else text.ljust(width)
    blanks = " " * (width - cells(text))
    return blanks + text if right else text + blanks


def clipped(text: str, width: int) -> str:
    """As much of the beginning as fits."""
    if cells(text) <= width:
        return text
    taken, used = [], 0
    for letter in text:
        used += _cells_of(letter)
        if used > width:
            break
        taken.append(letter)
    return "".join(taken)


def _clipped_end(text: str, width: int) -> str:
    """As much of the end as fits."""
    return clipped(text[::-1], width)[::-1]


def _elided(text: str, width: int, dots: str) -> str:
    """The text, its middle replaced by ``dots`` where it is too wide."""
    if cells(text) <= width:
        return text
    room = width - cells(dots)
    if room < 2:
        return clipped(text, width)
    head = room // 2
    return clipped(text, head) + dots + _clipped_end(text, room - head)


def shortened_name(name: str, width: int, dots: str) -> str:
    """A name that fits: a path without some middle folders, several words without their end, one without its middle.

    The last name of a path is kept where there is room for it. Words begin with what tells most.
    """
    if cells(name) <= width:
        return name
    room = width - cells(dots)
    if " " in name and not name.startswith("/"):
        return clipped(name, room).rstrip() + dots if room > 0 else clipped(name, width)
    at = name.rfind("/")
    room -= cells(name[at:])
    if at > 0 and room > 0:
        return clipped(name[:at], room) + dots + name[at:]
    return _elided(name, width, dots)


def folded(text: str, width: int, *, first: str = "", rest: str | None = None) -> list[str]:
    """Lines of at most ``width`` cells: broken where blanks are or, in Chinese, anywhere; never none.

    The first line begins with ``first``, the others with ``rest`` (the same where it is not given). A word that is
    wider than a line is cut, behind a hyphen where it has one.
    """
    rest = first if rest is None else rest
    if text.isascii() and "  " not in text and first.isascii() and rest.isascii():
        plain = _folded_plain(text, width, first, rest)
        if plain is not None:
            return plain
    lines: list[str] = []
    line, used = "", cells(first)
    indent = first
    for word in _words(text):
        left = word
        if lines and not line and not word.strip():
            continue  # blanks that the end of a line has swallowed
        while left:
            size = cells(left)
            bare = size - 1 if left.endswith(" ") else size
            if used + bare <= width:
                line += left
                used += size
                break
            if line.strip():
                lines.append(indent + line.rstrip())
                indent, line, used = rest, "", cells(rest)
                left = left.lstrip(" ")
                continue
            piece = clipped(left.rstrip(), max(width - used, 2))  # a word of its own that no line can hold
            if hyphen := piece.rfind("-") + 1:
                piece = piece[:hyphen]
            lines.append(indent + piece)
            left = left[len(piece) :]
            indent, line, used = rest, "", cells(rest)
            if left == " ":
                break
    if line.strip() or not lines:
        lines.append((indent + line).rstrip() if not line.strip() else indent + line.rstrip())
    return lines


class Folder:
    """Folds many texts of two parts to one width, each line behind the same ``indent``.

    Where many have the first part in common, the lines that it fills are found once: where a line is broken depends on
    nothing that comes behind it.
    """

    def __init__(self, width: int, indent: str, between: str) -> None:
        self._width, self._indent, self._between = width, indent, between
        self._room = width - cells(indent)
        self._begun: dict[str, tuple[str, str] | None] = {}

    def all(self, texts: Iterable[tuple[str, str]]) -> list[str]:
        """The lines of each text, each line with a line feed behind it."""
        indent, room, known = self._indent, self._room, self._begun
        out: list[str] = []
        for first, second in texts:
            if first not in known:
                known[first] = self._begin(first)
            begun = known[first]
            if begun is None or not second.isascii() or "  " in second or not second or " " in (second[0], second[-1]):
                out.append(self._whole(f"{first}{self._between}{second}" if second else first))
                continue
            done, line = begun
            line = f"{line} {second}"
            while len(line) > room and (end := line.rfind(" ", 0, room + 1)) > 0:
                done = f"{done}{indent}{line[:end]}\n"
                line = line[end + 1 :]
            fits = len(line) <= room
            out.append(f"{done}{indent}{line}\n" if fits else self._whole(f"{first} {second}"))
        return out

    def _begin(self, first: str) -> tuple[str, str] | None:
        """The lines that a first part fills, and what it puts on the next; None where it is not of plain words."""
        if self._between != " " or not first.isascii() or "  " in first or not self._indent.isascii():
            return None
        lines = _folded_plain(first, self._width, self._indent, self._indent)
        if lines is None:
            return None
        *filled, last = lines
        return "".join(f"{line}\n" for line in filled), last[len(self._indent) :]

    def _whole(self, text: str) -> str:
        if cells(self._indent) + cells(text) <= self._width:
            return f"{self._indent}{text}".rstrip() + "\n"
        return "\n".join(folded(text, self._width, first=self._indent)) + "\n"


def _folded_plain(text: str, width: int, first: str, rest: str) -> list[str] | None:
    """The same of plain words with single blanks between; None where one is wider than a line."""
    if not text or text[0] == " " or text[-1] == " " or width <= max(len(first), len(rest)):
        return None
    lines = []
    at, indent = 0, first
    while len(text) - at > width - len(indent):
        end = text.rfind(" ", at, at + width - len(indent) + 1)
        if end <= at:
            return None
        lines.append(indent + text[at:end])
        at, indent = end + 1, rest
    lines.append(indent + text[at:])
    return lines


def _words(text: str) -> Iterator[str]:
    """Pieces that must not be broken: words with the blank behind them, wide characters one by one."""
    if text.isascii():
        bare = text.split(" ")
        yield from (f"{word} " for word in bare[:-1])
        if bare[-1]:
            yield bare[-1]
        return
    word = ""
    for letter in text:
        wide = _cells_of(letter) == 2
        if wide:
            if letter in _CLOSING and word:
                word += letter  # closing punctuation stays on the line of what it closes
                continue
            if word and word not in _OPENING:
                yield word
                word = ""
            word += letter
        elif letter == " ":
            yield word + " "
            word = ""
        elif word and _cells_of(word[-1]) == 2 and word[-1] not in _OPENING and _cells_of(letter):
            yield word
            word = letter
        else:
            word += letter
    if word:
        yield word
