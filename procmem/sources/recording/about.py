"""The files of a recording that say what it is: about.toml, and the index of kept heads.

A recording may come from a stranger, so every value is checked before it is believed.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping

from procmem.errors import BrokenRecording
from procmem.model.numbers import whole_number
from procmem.model.proc_keys import StatusKey
from procmem.model.raw import KeptFile, MappedFile, Refusal
from procmem.sources.recording.store import Store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SCHEMA", "pid_of_folder", "read_about", "read_objects", "recorded_refusal", "typed"]

SCHEMA = "procmem/recording/1"
_LINE = re.compile(r"\(at line (\d+), column \d+\)$")
_DEEP_KEY = re.compile(
    rb"""(?<![\w-])(?:(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){17}""",
)
"""A dotted key of more parts than any of ours (``process.4711.refused.smaps``): its reader takes the square of them."""
_PID_LINE = b"%s:" % StatusKey.PID.encode()


def read_about(store: Store, path: str) -> Mapping[str, Any]:
    """The recording's own table about itself, empty where there is none.

    Raises:
        BrokenRecording: it is no TOML, or of a schema that is not known.
    """
    content = store.read("about.toml")
    if content is Refusal.TOO_LARGE:
        raise BrokenRecording(path, "objects-refused", file="about.toml", refusal=content)
    if isinstance(content, Refusal):
        return {}
    if _DEEP_KEY.search(content):
        raise BrokenRecording(path, "bad-about")
    try:
        about = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        line = _LINE.search(str(error))  # the reader of TOML tells it in its message alone
        if line is None:
            raise BrokenRecording(path, "bad-about") from error
        raise BrokenRecording(path, "bad-about-line", line=int(line[1])) from error
    schema = about.get("schema", SCHEMA)
    if schema != SCHEMA:
        raise BrokenRecording(path, "unknown-schema", schema=schema, known=SCHEMA)
    for key in ("process", "refused"):
        if not isinstance(about.get(key, {}), dict):
            raise BrokenRecording(path, "no-table", key=key)
    return about


def pid_of_folder(store: Store, path: str) -> int | None:
    """The pid of a copied process folder: from its own files, else from its name."""
    content = store.read("stat")
    if isinstance(content, bytes) and (pid := whole_number(content.split(b" ", 1)[0])) is not None:
        return pid
    content = store.read("status")
    if isinstance(content, bytes):
        for line in content.split(b"\n"):
            pid = whole_number(line[len(_PID_LINE) :].strip()) if line.startswith(_PID_LINE) else None
            if pid is not None:
                return pid
    return whole_number(os.path.basename(os.path.normpath(path)))


def typed(about: Mapping[str, Any], key: str, kind: type) -> Any:
    """A value of about.toml, None where it is not of the kind that it should be."""
    value = about.get(key)
    return value if type(value) is kind else None


def recorded_refusal(refused: object, name: str) -> Refusal:
    """The refusal that was recorded for a file, else that it is not in the recording."""
    word = refused.get(name) if isinstance(refused, dict) else None
    return Refusal[word] if isinstance(word, str) and word in Refusal.__members__ else Refusal.UNRECORDED


def read_objects(store: Store, folder: str, source: str) -> tuple[KeptFile, ...]:
    """Read the index of kept file heads, and their bytes."""
    content = store.read(f"{folder}objects.json")
    if isinstance(content, Refusal):
        return ()
    try:
        entries = json.loads(
            content, object_pairs_hook=_no_duplicates, parse_constant=_no_number, parse_float=_no_number
        )
        data = store.read(f"{folder}objects.bin")
        if isinstance(data, Refusal):
            raise BrokenRecording(source, "objects-refused", file=f"{folder}objects.bin", refusal=data)
        kept = []
        at = 0
        for entry in entries["objects"]:
            mapped = MappedFile(
                device=str(entry["device"]),
                inode=int(entry["inode"]),
                path=str(entry["path"]).encode("utf-8", "surrogateescape"),
                ranges=(),
            )
            if entry.get("refused"):
                kept.append(KeptFile(mapped, (), Refusal[entry["refused"]]))
                continue
            pieces = []
            for offset, length in entry["pieces"]:
                if not 0 <= int(length) <= len(data) - at or int(offset) < 0:
                    raise ValueError("a piece beyond the end of objects.bin")
                pieces.append((int(offset), data[at : at + int(length)]))
                at += int(length)
            kept.append(KeptFile(mapped, tuple(pieces)))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BrokenRecording(source, "bad-objects", file=f"{folder}objects.json") from error
    return tuple(kept)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a key stands twice")
    return table


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no whole number")
