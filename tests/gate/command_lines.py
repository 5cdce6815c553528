"""The command lines that the gate asks with: every command that reads a recording or a process, in every format.

A row is the command with its options, and the formats that it has. Targets are put behind it.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random

__all__ = ["LANGUAGES", "OF_A_MACHINE", "OF_A_PROCESS", "SIMULATIONS", "drawn", "every", "styled"]

Words = tuple[str, ...]

TEXT: tuple[Words, ...] = ((),)
ALL: tuple[Words, ...] = ((), ("--json",), ("--csv",), ("--markdown",))
STYLES: tuple[Words, ...] = ((), (), ("--wide",), ("--width", "40"))
"""How a page of text may look, where it has other formats as well."""
UNSTYLED = frozenset({"crosscheck"})
LANGUAGES: tuple[Words, ...] = (("--lang", "en"), ("--lang", "zh"))

OF_A_PROCESS: tuple[tuple[Words, tuple[Words, ...]], ...] = (
    (("inspect",), ALL),
    (("inspect", "--regions"), ALL),
    (("inspect", "--classic", "--regions", "--deep"), ALL),
    (("inspect", "--picture"), TEXT),
    (("inspect", "--regions", "--sort", "rss", "--min-size", "4K", "--human"), TEXT),
    (("inspect", "--bytes"), TEXT),
    (("inspect", "--svg", "-"), TEXT),
    (("inspect", "--svg", "-", "--scale", "linear"), TEXT),
    (("inspect", "--format", "folded"), TEXT),
    (("inspect", "--format", "speedscope", "--value", "virt"), TEXT),
    (("report", "-o", "-"), TEXT),
    (("threads", "--bytes"), TEXT),
    (("account", "--human"), TEXT),
    (("explain",), ALL),
    (("explain", "--why", "--descending"), TEXT),
    (("explain", "--brief"), TEXT),
    (("explain", "--flat"), TEXT),
    (("explain", "--deep"), ALL),
    (("explain", "--findings"), ALL),
    (("threads",), ALL),
    (("threads", "--deep"), ALL),
    (("shared",), ALL),
    (("shared", "--all", "--wide"), TEXT),
    (("account",), ALL),
    (("crosscheck",), ALL),
    (("swap",), ALL),
    (("pmap",), TEXT),
    (("pmap", "-x"), TEXT),
    (("pmap", "-X"), TEXT),
    (("pmap", "-XX"), TEXT),
    (("pmap", "-d", "-p"), TEXT),
)
OF_A_MACHINE: tuple[tuple[Words, tuple[Words, ...]], ...] = (
    (("system",), ALL),
    (("system", "--by", "user"), ALL),
    (("system", "--by", "tree"), ALL),
    (("system", "--by", "cgroup"), ALL),
    (("system", "--by", "name", "--sort", "rss"), ALL),
    (("system", "--quick"), ALL),
    (("system", "--classes"), ALL),
)
SIMULATIONS: tuple[tuple[Words, tuple[Words, ...]], ...] = (
    (("simulate",), ALL),
    (("simulate-memory",), ALL),
    (("simulate-memory", "--trace", "--ram", "16M", "--swap", "8M"), ALL),
    (("simulate", "--as", "explain"), ALL),
    (("simulate", "--as", "inspect"), ALL),
    (("report", "--simulate", "textbook", "-o", "-"), TEXT),
)


def every(rows: tuple[tuple[Words, tuple[Words, ...]], ...]) -> Iterator[Words]:
    """Each command in each of its formats."""
    for words, formats in rows:
        for form in formats:
            yield (*words, *form)


def styled() -> Iterator[Words]:
    """Each command in each style that it has."""
    for words, formats in OF_A_PROCESS:
        if formats is ALL and words[0] not in UNSTYLED:
            yield from ((*words, *style) for style in STYLES)


def drawn(random: Random, path: Path | str, pid: int | None) -> list[str]:
    """One command line about a recording, of all there are; ``record`` and ``diff`` among them."""
    language = random.choice(LANGUAGES)
    kind = random.random()
    target = [str(path)] if pid is None else [str(pid)]
    if kind < 0.05:
        return ["diff", str(path) if pid is None else f"{path}:{pid}", str(path), *random.choice(ALL), *language]
    if kind < 0.15:
        words, formats = random.choice(OF_A_MACHINE)
        return [*words, *random.choice(formats), *language, "--from", str(path)]
    words, formats = random.choice(OF_A_PROCESS)
    form = random.choice(formats)
    if not form and formats is ALL and words[0] not in UNSTYLED:
        form = random.choice(STYLES)
    asked = [*words, *form, *language, "--from", str(path)]
    return asked if pid is None else [*asked, *target]
