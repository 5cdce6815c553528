"""The plainest command lines, answered without click.

``procmem inspect 1234`` is what people type most, and loading click takes longer than answering. Where a command line
holds nothing but pids and flags, there is nothing for click to work out: the words mean what the command's own table
of flags says, from which click's options are made too. Everything else (values, abbreviations, help, mistakes) is
click's.
"""

from __future__ import annotations

import os

from procmem.cli.flags import INSPECT_FLAGS, SYSTEM_FLAGS
from procmem.sources.prefetch import begin_process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from procmem.cli.flags import Flag

__all__ = ["plain_words", "run_plain"]

_PID_DIGITS_MAX = 10


def plain_words(words: Sequence[str], flags: Sequence[Flag]) -> tuple[list[int], dict[str, Any]] | None:
    """The pids and the arguments set, where all words are pids and known flags; else None."""
    known = {flag.word: flag for flag in flags}
    pids: list[int] = []
    arguments: dict[str, Any] = {}
    for word in words:
        if word in known:
            arguments[known[word].argument] = known[word].value
        elif word.isascii() and word.isdecimal() and len(word) <= _PID_DIGITS_MAX and int(word):
            pids.append(int(word))
        else:
            return None
    return pids, arguments


def run_plain(words: Sequence[str]) -> int | None:
    """Run a plain command line and give its exit status; None where it is not plain, and nothing was done."""
    if words[:1] not in (["inspect"], ["system"]) or "_PROCMEM_COMPLETE" in os.environ:
        return None
    is_inspect = words[0] == "inspect"
    plain = plain_words(words[1:], INSPECT_FLAGS if is_inspect else SYSTEM_FLAGS)
    if plain is None or bool(plain[0]) != is_inspect:  # inspect wants pids, system takes none
        return None
    pids, arguments = plain
    if is_inspect:
        begin_process(pids[0])  # the kernel writes smaps while the rest of us is loaded
    from procmem.cli.error_handling import guarded  # noqa: PLC0415  # this, and what it calls, takes its time to load

    return guarded(lambda: _inspect(pids, arguments) if is_inspect else _system(arguments))


def _inspect(pids: Sequence[int], arguments: dict[str, Any]) -> int:
    from procmem.cli.inspect_answer import Wish, answer  # noqa: PLC0415  # only for this command
    from procmem.queries.targets import Selection  # noqa: PLC0415  # the same

    return answer(Selection(tuple(map(str, pids))), Wish(**arguments))


def _system(arguments: dict[str, Any]) -> int:
    from procmem.cli.system_answer import SystemWish, answer  # noqa: PLC0415  # only for this command

    return answer(SystemWish(**arguments))
