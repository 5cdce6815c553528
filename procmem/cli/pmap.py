"""``procmem pmap``: what pmap prints, so that scripts and eyes can move over."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from procmem.cli.error_handling import complain
from procmem.errors import AccessRefused, ExitStatus, ProcmemError
from procmem.model.raw import Refusal
from procmem.parse.records import smaps_records
from procmem.parse.status import parse_stat
from procmem.render.escaping import printable
from procmem.render.pmap_format import PmapOptions, PmapTarget, pmap_text
from procmem.sources.live import ProcSource
from procmem.sources.recording.read import RecordedSource

if TYPE_CHECKING:
    from procmem.model.ports import Target

__all__ = ["pmap"]

_EPILOG = """\b
Examples:
  procmem pmap 1234
  procmem pmap -x 1234 5678
  procmem pmap -X 1234 --from bug.tar.gz

\b
Prints what procps-ng 4.0.2's pmap prints, byte for byte, but for control characters in names, which are
shown as escapes. Exit status 42 where a process was not found, as pmap has it. See also: procmem explain.
"""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("pids", nargs=-1, required=True, metavar="PID...")
@click.option("-x", "--extended", is_flag=True, help="Show details: RSS and dirty.")
@click.option("-X", "many", count=True, help="Show more details; -XX everything the kernel provides.")
@click.option("-d", "--device", is_flag=True, help="Show the device format.")
@click.option("-q", "--quiet", is_flag=True, help="Do not show header and footer.")
@click.option("-p", "--show-path", is_flag=True, help="Show full paths.")
@click.option("-A", "--range", "limits", metavar="LOW[,HIGH]", help="Limit results to a range of addresses.")
@click.option("--from", "recording", metavar="PATH", help="Read a recording instead of this machine.")
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
    """Print the memory map of processes just as pmap does."""
    forms = [name for name, wanted in (("x", extended), ("d", device), ("X" * min(many, 2), many)) if wanted]
    if len(forms) > 1:
        raise click.UsageError("options -d, -x, -X and -XX exclude each other")
    low, high = _range(limits)
    options = PmapOptions(forms[0] if forms else "plain", quiet, show_path, low, high)
    source = RecordedSource(recording) if recording else ProcSource()
    status = ExitStatus.DONE
    for word in pids:
        number = os.path.basename(word.rstrip("/"))
        if not number.isdecimal():
            raise click.UsageError(f"{word!r} is no pid")
        try:
            with source.open(int(number)) as target:
                click.echo(pmap_text(_read(target, int(number)), options), nl=False)
        except AccessRefused as error:
            complain(error)
            status = ExitStatus.NOT_PERMITTED
        except ProcmemError:
            status = ExitStatus.SOME_MISSING
    return status


def _range(text: str | None) -> tuple[int, int]:
    """LOW[,HIGH] in hexadecimal; LOW alone is that one address."""
    if text is None:
        return 0, (1 << 64) - 1
    low, comma, high = text.partition(",")
    try:
        first = int(low, 16) if low else 0
        last = int(high, 16) if high else ((1 << 64) - 1 if comma else first)
    except ValueError:
        raise click.UsageError(f"-A {text!r}: not LOW[,HIGH] in hexadecimal") from None
    return first, last


def _read(target: Target, pid: int) -> PmapTarget:
    stat = target.read("stat")
    parsed = parse_stat(stat) if isinstance(stat, bytes) else None
    smaps = target.read("smaps")
    if isinstance(smaps, Refusal) and smaps is not Refusal.DENIED:
        smaps = target.read("maps")
    cmdline = target.read("cmdline")
    words = cmdline.rstrip(b"\0").replace(b"\0", b" ") if isinstance(cmdline, bytes) else b""
    title = printable(words) if words else f"[{printable(parsed.comm) if parsed else '?'}]"
    if not words and parsed is not None and parsed.state == "Z":
        title += " <defunct>"
    lines = smaps_records(smaps) if isinstance(smaps, bytes) else []
    if smaps is Refusal.DENIED:
        click.echo(f"{pid}:   {title}")  # as pmap does: the title, then the refusal
        raise AccessRefused(pid, "smaps-denied")
    return PmapTarget(pid, title, parsed.startstack if parsed else None, lines)
