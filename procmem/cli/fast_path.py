"""The plainest command lines, answered without click.

``procmem inspect 1234`` is what people type most, and loading click takes longer than answering. Where a command line
holds nothing but pids and flags, there is nothing for click to work out: the words mean what the command's own table
of flags says, from which click's options are made too. Everything else (values, abbreviations, help, mistakes) is
click's.
"""

from __future__ import annotations

import os

from procmem.queries.prefetch import prefetch_process, prefetch_processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from procmem.cli.flags import Flag
    from procmem.cli.output import Output

__all__ = ["plain_words", "run_plain"]

_PID_DIGITS_MAX = 10
_READ_ONE = frozenset({"account", "explain", "pmap", "threads"})
"""Commands besides inspect that read a process's smaps while we are loaded. Not record: its files have to tell of one
moment, and what is loaded between two of them comes to share its pages with a process of the same libraries, which
then has fewer of its own, and all is read once more."""
_REPORTS = frozenset({"account", "explain", "threads"})
"""Those of them that are answered here as well, where they have none but the flags of every report."""
_ELSEWHERE = frozenset({"--from", "--procfs", "--help", "-h"})
"""With these words it is no process of this machine."""


def plain_words(
    words: Sequence[str], flags: Sequence[Flag], command: str = ""
) -> tuple[list[int], dict[str, Any]] | None:
    """The pids and the arguments set, where all words are pids and known flags; else None."""
    known = {flag.word: flag for flag in flags}
    pids: list[int] = []
    arguments: dict[str, Any] = {}
    for word in words:
        if word in known:
            flag = known[word]
            if arguments.setdefault(flag.argument, flag.value) != flag.value:
                return None  # two formats or two units at once: click tells of it
        elif _is_pid(word):
            pids.append(int(word))
        else:
            return None
    from procmem.cli.option_rules import first_apart, rules_of  # noqa: PLC0415  # after the kernel was asked

    if first_apart(rules_of(command, known)[0], words) is not None:
        return None  # the same
    return pids, arguments


def run_plain(words: Sequence[str]) -> int | None:
    """Run a plain command line and give its exit status; None where it is not plain, and nothing was done."""
    if words and _is_pid(words[0]):
        words = ["inspect", *words]
    if not words or "_PROCMEM_COMPLETE" in os.environ:
        return None
    is_inspect = words[0] == "inspect"
    if is_inspect or words[0] in _READ_ONE:
        _prefetch_first(words)  # also where click has to answer: that takes the longer to load
    elif words[0] == "system":
        prefetch_processes(words)
    if words[0] not in ("inspect", "system"):
        return _run_report(words) if words[0] in _REPORTS else None
    from procmem.cli.flags import INSPECT_FLAGS, SYSTEM_FLAGS  # noqa: PLC0415  # after the kernel was asked

    plain = plain_words(words[1:], INSPECT_FLAGS if is_inspect else SYSTEM_FLAGS, words[0])
    if plain is None or bool(plain[0]) != is_inspect:  # inspect wants pids, system takes none
        return None
    pids, arguments = plain
    if is_inspect and str(pids[0]) != words[1]:
        prefetch_process("inspect", pids[0])  # the kernel writes smaps while the rest of us is loaded
    return _answered(lambda: _inspect(pids, arguments) if is_inspect else _system(arguments))


def _run_report(words: Sequence[str]) -> int | None:
    """Run a command that takes processes and the flags of every report."""
    from procmem.cli.flags import REPORT_FLAGS  # noqa: PLC0415  # after the kernel was asked

    plain = plain_words(words[1:], REPORT_FLAGS, words[0])
    if plain is None or not plain[0]:
        return None
    pids, arguments = plain

    def answer() -> int:
        from procmem.cli import answers  # noqa: PLC0415  # after the kernel was asked
        from procmem.queries.targets import Selection  # noqa: PLC0415  # the same

        commands: dict[str, Callable[[Selection, Output], int]] = {
            "account": answers.answer_account,
            "explain": answers.answer_explain,
            "threads": answers.answer_threads,
        }
        return commands[words[0]](Selection(tuple(map(str, pids))), _output(arguments))

    return _answered(answer)


def _answered(work: Callable[[], int]) -> int:
    """The exit status of a command, whose sentences are in the language of the environment."""
    from procmem.cli.error_handling import guarded  # noqa: PLC0415  # this, and what it calls, takes its time to load
    from procmem.text import use_language_of_command  # noqa: PLC0415  # the same

    def answer() -> int:
        use_language_of_command((), os.environ)
        return work()

    return guarded(answer)


def _prefetch_first(words: Sequence[str]) -> None:
    """Begin to read the process that stands right behind the command: click takes its time to load."""
    if len(words) > 1 and _is_pid(words[1]) and _ELSEWHERE.isdisjoint(words):
        prefetch_process(words[0], int(words[1]))


def _is_pid(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) <= _PID_DIGITS_MAX and int(word) > 0


def _inspect(pids: Sequence[int], arguments: dict[str, Any]) -> int:
    from procmem.cli.answers import answer_inspect  # noqa: PLC0415  # only for this command
    from procmem.queries.inspect import InspectOptions  # noqa: PLC0415  # the same
    from procmem.queries.targets import Selection  # noqa: PLC0415  # the same

    output = _output(arguments)
    return answer_inspect(Selection(tuple(map(str, pids))), InspectOptions(**arguments), output)


def _system(arguments: dict[str, Any]) -> int:
    from procmem.cli.answers import answer_system  # noqa: PLC0415  # only for this command
    from procmem.queries.all_processes import SystemOptions  # noqa: PLC0415  # the same

    output = _output(arguments)
    return answer_system(SystemOptions(**arguments), output)


def _output(arguments: dict[str, Any]) -> Output:
    """Take the options of the output out of the arguments."""
    from procmem.cli.output import Output  # noqa: PLC0415  # after the kernel was asked

    return Output(**{name: arguments.pop(name) for name in Output._fields if name in arguments})
