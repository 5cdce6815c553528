"""What is left out of recordings: every argument but the program's name, and what is mounted where."""

import pytest

from procmem.model.raw import Machine, RawProcess, Refusal
from procmem.parse.redact import without_arguments, without_mounts


def process(**files: bytes | Refusal) -> RawProcess:
    """A process with these files; ``__`` stands for a slash."""
    return RawProcess(7, {name.replace("__", "/"): content for name, content in files.items()}, {}, None, {}, Machine())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"mysql\0-psecret\0", b"mysql\0<redacted>\0"),
        (b"mysql\0-psecret\0-hhost\0-uroot\0", b"mysql\0<redacted>\0<redacted>\0<redacted>\0"),
        (b"mysql\0-psecret", b"mysql\0<redacted>\0"),
        (b"mysql\0\0-psecret\0\0", b"mysql\0<redacted>\0<redacted>\0<redacted>\0"),
        (b"mysql\0", b"mysql\0"),
        (b"mysql", b"mysql\0"),
        (b"\0", b"\0"),
        (b"", b""),
    ],
)
def test_of_a_command_line_the_program_and_a_count_remain(before: bytes, after: bytes) -> None:
    """Of the process and of its threads; nothing else is changed."""
    found = without_arguments(process(cmdline=before, task__7__cmdline=before, comm=before))
    assert found.files == {"cmdline": after, "task/7/cmdline": after, "comm": before}


def test_what_could_not_be_read_stays_refused() -> None:
    """There is nothing to leave out."""
    refused = process(cmdline=Refusal.DENIED, mountinfo=Refusal.GONE)
    assert without_arguments(refused) == without_mounts(refused) == refused


def test_of_mounts_only_shared_memory_remains() -> None:
    """And of it only the device."""
    lines = (
        b"22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n"
        b"30 22 0:26 / /home/me/secret rw,nosuid shared:4 - tmpfs tmpfs rw,size=4k\n"
    )
    found = without_mounts(process(mountinfo=lines, comm=b"x\n")).files
    assert found["comm"] == b"x\n"
    kept = found["mountinfo"]
    assert isinstance(kept, bytes)
    assert b"0:26" in kept
    assert b"secret" not in kept
    assert b"8:1" not in kept
