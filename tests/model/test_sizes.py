"""One reader of sizes: suffixes are powers of 1024, and what int() takes too much is refused."""

import pytest

from procmem.model.sizes import size_of_text


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("64K", 64 << 10),
        ("64k", 64 << 10),
        ("1MiB", 1 << 20),
        ("1MB", 1 << 20),
        (" 2G ", 2 << 30),
        ("3T", 3 << 40),
        ("12B", 12),
        ("0x1000", 4096),
        ("0XfF", 255),
        (str((1 << 64) - 1), (1 << 64) - 1),
    ],
)
def test_sizes(text: str, size: int) -> None:
    """In bytes."""
    assert size_of_text(text) == size


@pytest.mark.parametrize(
    "text", ["", "K", "B", "iB", "-1", "+1", "1_0", "1.5M", "0x", "0x1K1", "1KK", "٣", "1e3", "9" * 21, str(1 << 64)]
)
def test_no_sizes(text: str) -> None:
    """None, never a guess."""
    assert size_of_text(text) is None


def test_a_size_lies_below_the_end() -> None:
    """Of the address space that is meant."""
    assert size_of_text("4G", below=1 << 32) is None
    assert size_of_text("3G", below=1 << 32) == 3 << 30
