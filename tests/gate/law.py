"""What every answer of the command must hold, whatever it was given: the law, and who finds offences against it.

Here belong checks of one finished run: status, streams, costs. How a run is made and measured stands in ``running``;
what only one part can know (that a process lives, that no file is left) stands in that part.
"""

import csv
import io
import json
import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator

from procmem.errors import ExitStatus
from procmem.text import use_language
from procmem.text.pages.output import note
from tests.gate.running import Outcome

__all__ = ["CPU_SECONDS_MAX", "DOCUMENTED", "PEAK_BYTES_MAX", "denials", "offences"]

CPU_SECONDS_MAX = 2.0
PEAK_BYTES_MAX = 400_000_000
DOCUMENTED = frozenset(
    {
        ExitStatus.DONE,
        ExitStatus.SYSTEM_FAILED,
        ExitStatus.USAGE,
        ExitStatus.NO_PROCESS,
        ExitStatus.NOT_PERMITTED,
        ExitStatus.BAD_INPUT,
        ExitStatus.CANNOT_WRITE,
        ExitStatus.MISMATCH,
        ExitStatus.SOME_MISSING,
        ExitStatus.INTERRUPTED,
    }
)
"""All of them; where the 1 is a bug of the program itself, it says so."""
ANSWERED = frozenset({ExitStatus.DONE, ExitStatus.MISMATCH})
ONE_LINE = frozenset(
    {
        ExitStatus.SYSTEM_FAILED,
        ExitStatus.NO_PROCESS,
        ExitStatus.NOT_PERMITTED,
        ExitStatus.BAD_INPUT,
        ExitStatus.CANNOT_WRITE,
    }
)
"""What one target that could not be answered ends with."""
QUIET_COMMANDS = frozenset({"record"})
"""They say on stderr what they wrote, and stdout stays empty."""

SENTENCES_OF_THE_END = tuple(
    word.encode() for word in ("ended", "no such process", "0 processes", "没有此进程", "已结束", "没有这个进程")
)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""C0 but for tab and line feed, DEL, C1; separators of lines, and what turns the direction of writing."""


def offences(
    outcome: Outcome,
    words: Sequence[str],
    *,
    statuses: Collection[int] = DOCUMENTED,
    cpu_seconds_max: float = CPU_SECONDS_MAX,
    closed_output: bool = False,
    several: bool = False,
) -> list[str]:
    """Everything in which a run breaks the law, one line each; empty where it holds.

    ``closed_output`` is said where the run had no place to write its answer to, or its complaint; ``several`` where
    more than one target was asked for, each of which may have a complaint of its own.
    """
    return [
        *_of_the_end(outcome, statuses, cpu_seconds_max),
        *_of_a_stream("stdout", outcome.out, may_be_cut=closed_output),
        *_of_a_stream("stderr", outcome.err, may_be_cut=closed_output),
        *([] if closed_output else _of_the_answer(outcome, words, several=several)),
    ]


def denials(outcome: Outcome) -> list[str]:
    """Where stderr says of a process that it has ended, or that there is none; of one that lives that is a lie."""
    found = [word.decode() for word in SENTENCES_OF_THE_END if word in outcome.err]
    if outcome.status == ExitStatus.NO_PROCESS:
        found.append(f"status {outcome.status}")
    return [f"a living process is denied: {word}" for word in found]


def _of_the_end(outcome: Outcome, statuses: Collection[int], cpu_seconds_max: float) -> Iterator[str]:
    if outcome.timed_out:
        yield f"no end within {outcome.seconds:.0f} s"
    elif outcome.status not in statuses:
        yield f"status {outcome.status}: {outcome.err[-300:].decode(errors='backslashreplace').strip()!r}"
    if b"internal error" in outcome.err or "内部错误".encode() in outcome.err:
        yield f"a bug of the program: {outcome.err[-300:].decode(errors='backslashreplace').strip()!r}"
    if b"Traceback (most recent call last)" in outcome.err or b"Traceback (most recent call last)" in outcome.out:
        yield f"traceback: {outcome.err[-300:].decode(errors='backslashreplace').strip()!r}"
    if outcome.cpu_seconds > cpu_seconds_max:
        yield f"{outcome.cpu_seconds:.1f} s of CPU"
    if outcome.peak_bytes > PEAK_BYTES_MAX:
        yield f"{outcome.peak_bytes / 1e6:.0f} MB at its peak"


def _of_a_stream(name: str, data: bytes, *, may_be_cut: bool) -> Iterator[str]:
    """``may_be_cut``: where there was no more room, it may end within a letter, whose first bytes were taken."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        is_cut = may_be_cut and error.reason == "unexpected end of data"
        if not is_cut:
            yield f"{name} is no UTF-8: {data[error.start : error.start + 20]!r}"
        text = data.decode(errors="ignore")
    if (found := _CONTROLS.search(text)) is not None:
        yield f"{name} holds a control character: {text[max(0, found.start() - 30) : found.end() + 10]!r}"


def _of_the_answer(outcome: Outcome, words: Sequence[str], *, several: bool) -> Iterator[str]:
    lines = outcome.err.decode(errors="replace").splitlines()
    told = [line for line in lines if not line.startswith(_notes())]
    if outcome.status in ANSWERED:
        if not outcome.out.strip() and words[0] not in QUIET_COMMANDS:
            yield "an empty answer, as if all were well"
        yield from _of_the_format(outcome.out.decode(errors="replace"), words)
    elif outcome.status == ExitStatus.USAGE:
        if not told:
            yield "a status of error, and not a line about it"
    elif outcome.status in ONE_LINE and len(told) != 1 and not (several and told):
        yield f"{len(told)} lines on stderr of an error: {' | '.join(told[:4])[:300]!r}"


@cache
def _notes() -> tuple[str, ...]:
    """What lines that are notes begin with, in each language."""
    found = []
    for language in ("en", "zh"):
        use_language(language)
        found.append(f"procmem: {note('')}".rstrip())
    use_language("en")
    return tuple(found)


def _of_the_format(text: str, words: Sequence[str]) -> Iterator[str]:
    if "--json" in words:
        for document in text.splitlines() if words[0] == "watch" else [text]:
            yield from _of_json(document)
    elif "--csv" in words:
        yield from _of_csv(text)
    elif "--markdown" in words:
        yield from _of_markdown(text)


def _of_json(text: str) -> Iterator[str]:
    try:
        document = json.loads(text, parse_constant=_no_number)
    except ValueError as error:
        yield f"no JSON: {error}"
        return
    for one in document if isinstance(document, list) else [document]:
        name = str(one.get("schema", "")).removeprefix("procmem/").removesuffix("/1") if isinstance(one, dict) else ""
        if (validator := _validator(name)) is None:
            yield f"a document without a schema: {str(one)[:100]!r}"
            continue
        problem = next(validator.iter_errors(one), None)
        if problem is not None:
            yield f"schema {name}: {'/'.join(map(str, problem.absolute_path))}: {problem.message[:200]}"


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


@cache
def _validator(name: str) -> Any:
    schema = files("procmem.render.json").joinpath("schemas", f"{name}.json")
    return Draft202012Validator(json.loads(schema.read_text("utf-8"))) if name and schema.is_file() else None


def _of_csv(text: str) -> Iterator[str]:
    try:
        widths = {len(row) for row in csv.reader(io.StringIO(text), strict=True)}
    except csv.Error as error:
        yield f"no CSV: {error}"
        return
    if len(widths) != 1:
        yield f"rows of CSV of {sorted(widths)} cells"


def _of_markdown(text: str) -> Iterator[str]:
    width = 0
    for line in text.splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        if width and cells and cells != width:
            yield f"rows of one Markdown table of {width} and {cells} bars: {line[:100]!r}"
            return
        width = cells
