"""Help pages in the user's language, fitted to the terminal: Click itself counts characters, not cells."""

from collections.abc import Iterable, Sequence

import click

from procmem.render.width import cells, folded, padded

__all__ = ["HelpContext"]

_VERBATIM = "\b"
_GAP = 2


class _Formatter(click.HelpFormatter):
    """Writes text and lists so that no line is wider than the page, wide characters counted as two cells."""

    def write_text(self, text: str) -> None:
        """Paragraphs; the lines of one that begins with a backspace stay as they are where there is room."""
        room = self.width - self.current_indent
        lead = " " * self.current_indent
        parts = []
        for paragraph in text.strip("\n").split("\n\n"):
            lines = paragraph.strip("\n").split("\n")
            if lines[0].strip(" ") == _VERBATIM:
                told = [piece for line in lines[1:] for piece in _kept(line, room)]
            else:
                told = folded(_joined(lines), room)
            parts.append("".join(f"{lead}{line}\n" for line in told))
        self.write("\n".join(parts))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = _GAP) -> None:
        """A list of terms, what is said of each beside it."""
        listed = list(rows)
        first = min(max((cells(term) for term, _ in listed), default=0), col_max) + col_spacing
        lead = " " * self.current_indent
        for term, told in listed:
            rest = lead + " " * first
            if not told:
                self.write(f"{lead}{term}\n")
                continue
            head = lead + padded(term, first)
            if cells(term) > first - col_spacing:
                self.write(f"{lead}{term}\n")
                head = rest
            for line in folded(told, self.width, first=head, rest=rest):
                self.write(f"{line}\n")


def _kept(line: str, room: int) -> list[str]:
    """A line as it is, or folded below the last of its columns."""
    if cells(line) <= room:
        return [line]
    head, gap, tail = line.rstrip().rpartition("  ")
    indent = len(line) - len(line.lstrip(" "))
    if head.strip() and cells(head) + _GAP < room - 20:
        return folded(tail.lstrip(), room, first=head + gap, rest=" " * (cells(head) + _GAP))
    return folded(line.strip(), room, first=" " * indent, rest=" " * (indent + 4))


def _joined(lines: Sequence[str]) -> str:
    """The lines of a paragraph as one; between wide characters no blank is needed."""
    text = ""
    for line in lines:
        bare = line.strip()
        wide = bool(text) and cells(text[-1]) == 2 and bool(bare) and cells(bare[0]) == 2
        text += bare if not text or wide else f" {bare}"
    return text


class HelpContext(click.Context):
    """A context whose help pages are written like that."""

    formatter_class = _Formatter
