"""Processes by name: the kernel keeps 15 bytes of it, and a longer one is told by the command line."""

import pytest

from procmem.sources import find


@pytest.mark.parametrize(
    ("name", "called", "full"),
    [
        (b"a-name-of-15-by", b"/bin/a-name-of-15-bytes-and-more\0x", b"a-name-of-15-bytes-and-more"),
        (b"a-name-of-15-by", b"a-name-of-15-by\0", b"a-name-of-15-by"),
        (b"a-name-of-15-by", b"/bin/python3\0a-name-of-15-bytes", b"a-name-of-15-by"),
        (b"a-name-of-14-b", b"a-name-of-14-bytes\0", b"a-name-of-14-b"),
        (b"", b"something\0", b""),
    ],
)
def test_a_name_of_15_bytes_may_be_longer(
    monkeypatch: pytest.MonkeyPatch, name: bytes, called: bytes, full: bytes
) -> None:
    """A shorter one is whole, whatever its command line begins with."""
    monkeypatch.setattr(find, "read_start", lambda *_: called)
    assert find._full_name("7", name) == full
