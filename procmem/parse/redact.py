"""Leaving secrets out of what is recorded."""

from collections.abc import Sequence

from procmem.model.raw import RawProcess, Refusal
from procmem.parse.mountinfo import MEMORY_TYPES, devices_alone

__all__ = ["first_word", "without_arguments", "without_mounts"]


def without_arguments(raw: RawProcess) -> RawProcess:
    """Keep the first word of the command line, and how many words followed."""
    files = dict(raw.files)
    for name, content in raw.files.items():
        if name.rsplit("/", 1)[-1] == "cmdline" and not isinstance(content, Refusal):
            words = content.removesuffix(b"\0").split(b"\0") if content else []
            files[name] = b"".join(word + b"\0" for word in first_word(words))
    return raw._replace(files=files)


def first_word(words: Sequence[bytes]) -> list[bytes]:
    """The first word of a command line, and how many words followed."""
    return [*words[:1], *[b"<redacted>"] * (len(words) - 1)]


def without_mounts(raw: RawProcess) -> RawProcess:
    """Of the mounts, keep which devices are shared memory: what is mounted where is nobody's business."""
    files = dict(raw.files)
    for name, content in raw.files.items():
        if name.rsplit("/", 1)[-1] == "mountinfo" and not isinstance(content, Refusal):
            files[name] = devices_alone(content, MEMORY_TYPES)
    return raw._replace(files=files)
