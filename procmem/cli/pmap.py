"""``procmem pmap``: what pmap prints, so that scripts and eyes can move over."""

import os
from collections.abc import Iterator, Sequence

import click

from procmem.cli.error_handling import complain, tell_notes
from procmem.cli.options import command
from procmem.cli.output import echo
from procmem.cli.terminal import show
from procmem.errors import AccessRefused, ExitStatus, Misuse, OutputFailed, ProcessGone, ProcmemError
from procmem.queries.pmap import read_maps
from procmem.queries.targets import Selection, TargetRef, exists, one_target, source_of
from procmem.render.pmap_format import PmapOptions, PmapTarget, pmap_text, title_line
from procmem.text.help import pmap as words

__all__ = ["pmap"]


@command(help=words.HELP, epilog=words.EPILOG)
@click.argument("pids", nargs=-1, metavar="PID...")
@click.option("-x", "--extended", is_flag=True, help=words.EXTENDED)
@click.option("-X", "many", count=True, help=words.MORE)
@click.option("-d", "--device", is_flag=True, help=words.DEVICE)
@click.option("-q", "--quiet", is_flag=True, help=words.QUIET)
@click.option("-p", "--show-path", is_flag=True, help=words.PATH)
@click.option("-A", "--range", "limits", metavar="LOW[,HIGH]", help=words.RANGE)
@click.option("--from", "recording", metavar="PATH", help=words.FROM)
def pmap(
    pids: tuple[str, ...],
    *,
    extended: bool,
    many: int,
    device: bool,
    quiet: bool,
    show_path: bool,
    limits: str | None,
    recording: str | None,
) -> int:
    """Read, and print."""
    forms = [name for name, wanted in (("x", extended), ("d", device), ("X" * min(many, 2), many)) if wanted]
    if len(forms) > 1:
        raise Misuse("pmap-forms")
    low, high = _range(limits)
    options = PmapOptions(forms[0] if forms else "plain", quiet, show_path, low, high)
    if not pids and recording is None:
        raise Misuse("name-a-process")
    status = ExitStatus.DONE
    for ref in _refs(pids, recording):
        try:
            with ref.open() as target:
                found = read_maps(target, ref.pid)
                tell_notes(ref.name, target.notes)
            if found.lines is None:
                echo(title_line(found.pid, found.title))  # as pmap does: the title, then the refusal
                raise AccessRefused(found.pid, "smaps-denied", right=found.right)
            show(pmap_text(PmapTarget(found.pid, found.title, found.start_stack, found.lines), options), pager=False)
        except ProcessGone:
            status = ExitStatus.SOME_MISSING  # without a word, as pmap has it
        except OutputFailed:
            raise  # what is left has nowhere to go
        except ProcmemError as error:
            complain(error)
            status = error.exit_code
    return status


def _refs(words: Sequence[str], recording: str | None) -> Iterator[TargetRef]:
    """The processes: pids, as pmap takes them, or folders of such a name; a text or a recording in place of one."""
    if not words:
        yield from Selection((), recording=recording).refs()
        return
    source = source_of(None, recording)
    for word in words:
        number = os.path.basename(word.rstrip("/"))
        if number.isdecimal():
            yield TargetRef(word, source, int(number))
        elif recording is None and exists(word):
            yield one_target(word)
        else:
            raise Misuse("no-pid", word=word)


def _range(text: str | None) -> tuple[int, int]:
    """LOW[,HIGH] in hexadecimal; LOW alone is that one address."""
    if text is None:
        return 0, (1 << 64) - 1
    low, comma, high = text.partition(",")
    try:
        first = int(low, 16) if low else 0
        last = int(high, 16) if high else ((1 << 64) - 1 if comma else first)
    except ValueError:
        raise Misuse("pmap-range", text=text) from None
    return first, last
