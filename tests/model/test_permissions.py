"""Permissions: each of the sixteen texts of maps says what it allows, and is put together again."""

from itertools import product

import pytest

from procmem.model.permissions import (
    ALL_LETTERS,
    EXECUTE,
    READ,
    WRITE,
    permissions,
    protection_letters,
    with_execute,
    with_sharing,
    with_write,
    without_execute,
)

TEXTS = ["".join(letters) for letters in product("r-", "w-", "x-", "ps")]


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_says_what_it_allows(text: str) -> None:
    """Letter by letter, and what follows from them together."""
    found = permissions(text)
    assert (found.readable, found.writable, found.executable) == ("r" in text, "w" in text, "x" in text)
    assert (found.shared, found.private) == ("s" in text, "p" in text)
    assert found.inaccessible == text.startswith("---")
    assert found.read_only == text.startswith("r--")
    assert found.read_write == text.startswith("rw")
    assert found.access == READ * ("r" in text) + WRITE * ("w" in text) + EXECUTE * ("x" in text)
    assert with_sharing(protection_letters(found.access), shared=found.shared) == text


def test_three_letters_are_neither_shared_nor_private() -> None:
    """What mmap() is asked for says nothing of sharing."""
    assert sorted(ALL_LETTERS) == sorted({text[:3] for text in TEXTS})
    for text in ALL_LETTERS:
        assert not permissions(text).shared
        assert not permissions(text).private


def test_one_letter_changes() -> None:
    """The others stay, also the fourth."""
    assert with_write("r--p") == "rw-p"
    assert with_execute("rw-") == "rwx"
    assert without_execute("r-xs") == "r--s"
