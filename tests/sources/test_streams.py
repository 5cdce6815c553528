"""Standard input as a text: whole, or refused; it may have no end."""

import io
import sys

import pytest

from procmem.errors import BadInput
from procmem.sources.streams import input_text

CHARACTERS_MAX = 1 << 20


class Endless(io.StringIO):
    """An input without end, which notes how much was asked of it."""

    asked = 0

    def read(self, size: int | None = -1) -> str:
        assert size is not None
        assert size >= 0, "all of it would be too much"
        self.asked += size
        return "x" * size


def test_a_text_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mebi of characters; of more, one is read."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("é" * CHARACTERS_MAX))
    assert len(input_text()) == CHARACTERS_MAX
    endless = Endless()
    monkeypatch.setattr(sys, "stdin", endless)
    with pytest.raises(BadInput) as caught:
        input_text()
    assert (caught.value.code, caught.value.fields["most"]) == ("text-too-large", CHARACTERS_MAX)
    assert endless.asked == CHARACTERS_MAX + 1
    with pytest.raises(BadInput):
        input_text(5)
    monkeypatch.setattr(sys, "stdin", None)
    assert input_text() == ""
