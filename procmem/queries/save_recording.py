"""The question of ``procmem record``: what to keep of a process, and writing it down."""

from __future__ import annotations

import datetime

from procmem.parse.redact import without_arguments
from procmem.queries.record import record_one
from procmem.sources.machine import host_name
from procmem.sources.recording.write import STANDARD_OUTPUT, Recorded, save, save_to
from procmem.sources.streams import binary_output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from procmem.model.ports import Target

__all__ = ["Recorded", "record", "save_recording"]


def record(target: Target, *, deep: bool, keep_arguments: bool) -> Recorded:
    """Read all that a recording keeps; without the arguments of its command line unless they are asked for.

    Raises:
        ProcessGone, AccessRefused, MalformedFile: as :func:`procmem.queries.examine.examine`.
    """
    recorded = record_one(target, deep=deep)
    return recorded if keep_arguments else recorded._replace(raw=without_arguments(recorded.raw))


def save_recording(recorded: Sequence[Recorded], path: str, *, version: str, keep_host: bool = False) -> None:
    """Write a folder or an archive; to standard output where the path is ``-``. ``keep_host``: of which machine.

    Raises:
        CannotWrite: something is there already, the disk is full, or nobody reads.
        Misuse: standard output is a terminal.
    """
    when = datetime.datetime.now(datetime.UTC).replace(microsecond=0).isoformat()
    host = host_name() if keep_host else None
    if path == STANDARD_OUTPUT:
        save_to(list(recorded), binary_output(), when=when, version=version, host=host)
        return
    save(list(recorded), path, when=when, version=version, host=host)
