"""``procmem learn``: the theory as lessons, each with the commands that show it on this machine."""

from __future__ import annotations

import shlex
import sys
from functools import partial

import click

from procmem.cli.flags import UNITLESS_FLAGS
from procmem.cli.lazy_completion import completed_from
from procmem.cli.options import command, output_options
from procmem.cli.output import Output
from procmem.cli.terminal import is_terminal
from procmem.errors import ExitStatus, Misuse
from procmem.queries.targets import is_target
from procmem.text.help import learn as words
from procmem.text.lessons import LESSONS, Lesson
from procmem.text.pages.learn import told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["learn"]

_SELF = "self"


@command(help=words.HELP, epilog=words.EPILOG)
@click.argument(
    "names",
    nargs=-1,
    metavar="[LESSON...] [TARGET]",
    shell_complete=completed_from(lambda: [lesson.name for lesson in LESSONS]),
)
@click.option("--all", "everything", is_flag=True, help=words.ALL)
@click.option("--list", "listing", is_flag=True, help=words.LIST)
@click.option("--run", "running", is_flag=True, help=words.RUN)
@output_options("procmem/learn/1", flags=UNITLESS_FLAGS, helps=words.FLAGS)
def learn(output: Output, names: tuple[str, ...], *, everything: bool, listing: bool, running: bool) -> int:
    """Show the lessons, and run their commands where that is wanted."""
    from procmem.render.pages.learn import lesson_page, lessons_page  # noqa: PLC0415  # not needed for --help

    wanted, target = _chosen(names)
    if everything and wanted:
        raise Misuse("all-and-lessons")
    chosen = list(LESSONS) if everything or (target is not None and not wanted) else wanted
    if target is not None:  # with a process in hand, what shows nothing of it is left out
        chosen = [lesson for lesson in map(_of_process, chosen) if lesson.points]
    if listing or not chosen:
        output.show([lessons_page(chosen or list(LESSONS))])
        return ExitStatus.DONE
    if output.form is not None:
        output.show([lesson_page(lesson, target or _SELF) for lesson in chosen], several=len(chosen) > 1)
        return ExitStatus.DONE
    asks = is_terminal() and sys.stdin is not None and sys.stdin.isatty() and not running
    for number, lesson in enumerate(chosen):
        output.show_part(lesson_page(lesson, target or _SELF, before=number))
        if running:
            _run(commands_of(lesson, target or _SELF))
        elif asks and not _asked(lesson, target or _SELF, last=number == len(chosen) - 1):
            break
    return ExitStatus.DONE


def commands_of(lesson: Lesson, target: str) -> tuple[str, ...]:
    """The command lines of a lesson, without the program's name."""
    return tuple(point.command.format(target=target) for point in lesson.points)


def _of_process(lesson: Lesson) -> Lesson:
    return lesson._replace(points=tuple(point for point in lesson.points if "{target}" in point.command))


def _chosen(names: Sequence[str]) -> tuple[list[Lesson], str | None]:
    """The lessons that are named, in the order of the theory, and the process to look at.

    Raises:
        Misuse: a word that is neither, or two processes.
    """
    known = {key: lesson for lesson in LESSONS for key in (lesson.name, lesson.row, lesson.row.lower())}
    targets = [name for name in names if name not in known]
    if len(targets) > 1:
        raise Misuse("two-targets-to-learn", first=targets[0], second=targets[1])
    if targets and not is_target(targets[0]):
        raise Misuse("no-lesson", name=targets[0])
    picked = {known[name].row for name in names if name in known}
    return [lesson for lesson in LESSONS if lesson.row in picked], targets[0] if targets else None


def _asked(lesson: Lesson, target: str, *, last: bool) -> bool:
    """Wait for a line: Enter runs the lesson's next command, n goes on, q ends; False where that was asked for."""
    left = list(commands_of(lesson, target))
    while True:
        code = "ask to run" if left else "ask last" if last else "ask to go on"
        click.echo(told(code, command=left[0] if left else ""), nl=False)
        try:
            answer = input().strip().lower()
        except EOFError:
            click.echo()
            return False
        if answer == "q" or (last and not left):
            return False
        if answer == "n" or not left:
            return True
        _run([left.pop(0)])


def _run(lines: Iterable[str]) -> None:
    """Run some of procmem's commands one after another; one that fails says so and does not stop the others."""
    from procmem.cli.error_handling import guarded  # noqa: PLC0415  # only where something is run
    from procmem.cli.main import cli  # noqa: PLC0415  # this command is loaded by it

    for line in lines:
        click.echo(f"\n$ procmem {line}")
        sys.stdout.flush()
        words = shlex.split(line)
        guarded(partial(cli.main, words, prog_name="procmem", standalone_mode=False))
        sys.stdout.flush()
