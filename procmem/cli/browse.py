"""``procmem browse``: processes and their memory on the whole screen."""

import os
import signal
import sys

import click

from procmem.cli.live import can_redraw
from procmem.cli.options import Seconds, command
from procmem.cli.targets import optional_targets
from procmem.errors import ExitStatus, Misuse, SystemFailed
from procmem.queries.browse import one_of
from procmem.queries.targets import Selection
from procmem.text.help import browse as words

__all__ = ["browse"]

_EXTRA = "procmem[tui]"


@command(help=words.HELP, epilog=words.EPILOG)
@optional_targets
@click.option("--every", type=Seconds(0.1, 86_400), default=2.0, metavar="SECONDS", help=words.EVERY)
def browse(targets: Selection, every: float) -> int:
    """Look, and show, until somebody ends it."""
    try:
        from procmem.cli.browser.app import Browser  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise SystemFailed("no-extra", module="textual", extra=_EXTRA) from error
    others = (sys.stdin, sys.stderr)  # textual draws on the latter
    on_terminal = can_redraw() and all(stream is not None and stream.isatty() for stream in others)
    if not on_terminal or targets.recording == "-":
        raise Misuse("needs-terminal", command="procmem browse")
    processes, one = one_of(targets)
    browser = Browser(processes, one, every=every)
    browser.run()
    if browser.ended_by is None:
        return ExitStatus.DONE
    if browser.ended_by == signal.SIGINT:
        return ExitStatus.INTERRUPTED
    signal.signal(browser.ended_by, signal.SIG_DFL)
    os.kill(os.getpid(), browser.ended_by)  # the screen is as it was: now it ends as any command does
    return ExitStatus.INTERRUPTED
