"""``procmem browse``: processes and their memory on the whole screen."""

import sys

import click

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
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Misuse("needs-terminal", command="procmem browse")
    processes, one = one_of(targets)
    Browser(processes, one, every=every).run()
    return ExitStatus.DONE
