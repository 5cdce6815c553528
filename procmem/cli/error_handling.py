"""The one place where an error becomes a line on stderr and a documented exit status.

Python by itself prints a traceback on a full disk, exits with 1 on Ctrl-C and knows no closed output; all of
that is mended here. click is not needed for it.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable, Iterable

from procmem.errors import ExitStatus, OutOfResources, ProcmemError, shortage_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from procmem.model.note import Note

__all__ = ["complain", "guarded", "say", "tell_notes"]


def complain(error: ProcmemError) -> None:
    """Print an error as one line on stderr, its hint behind it."""
    from procmem.text.errors import error_line  # noqa: PLC0415  # only on the way out

    say(error_line(error))


def tell_notes(name: str, notes: Iterable[Note]) -> None:
    """Say on stderr what must be known of the text that was read, where an output has no place for it."""
    for one in notes:
        from procmem.text.notes import note_text  # noqa: PLC0415  # seldom

        say(f"{name}: {note_text(one)}")


def _failed(code: str, **figures: object) -> None:
    """Say what ended the command, where that is none of our errors."""
    from procmem.text.errors import failed_text  # noqa: PLC0415  # only on the way out

    say(failed_text(code, **figures))


def say(line: str) -> None:
    """Print one line on stderr, whatever the names in it hold."""
    if sys.stderr is not None:
        from procmem.render.escaping import printable_text  # noqa: PLC0415  # seldom

        with contextlib.suppress(OSError):  # nobody is left to be told
            sys.stderr.write(f"procmem: {printable_text(line)}\n")
            sys.stderr.flush()


def guarded(work: Callable[[], object]) -> int:
    """Run a command and give its exit status; never a traceback for what a user can act on."""
    if sys.stdout is None:
        sys.stdout = _ClosedOutput()
    elif isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a locale without UTF-8 cannot say every sentence
    streams = sys.stdout, sys.stderr
    try:
        status = work()
        sys.stdout.flush()  # while an error can still be told
    except ProcmemError as error:
        complain(error)
        return error.exit_code
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except (BrokenPipeError, SystemExit):  # click makes an exit(1) of a closed pipe
        sys.stdout, sys.stderr = streams  # and wraps both, even one that there is not
        return _drop_output()
    except OSError as error:
        if error.errno == errno.EPIPE:
            return _drop_output()
        if (shortage := shortage_of(error)) is not None:
            complain(shortage)
            return shortage.exit_code
        _failed("output", reason=error.strerror)
        _drop_output()
        return ExitStatus.CANNOT_WRITE
    except MemoryError:
        shortage = OutOfResources("no-memory-to-read")
        complain(shortage)
        return shortage.exit_code
    except RecursionError:
        _failed("nested")
        return ExitStatus.INTERNAL
    except Exception as error:  # a bug is ours, and still one line
        if os.environ.get("PROCMEM_DEBUG"):
            raise
        _failed("internal", kind=type(error).__name__, reason=error)
        return ExitStatus.INTERNAL
    return status if isinstance(status, int) else ExitStatus.DONE


class _ClosedOutput(io.TextIOBase):
    """Stands in for an output that the shell has closed (``>&-``): what writes to it fails, and the rest works."""

    encoding = "utf-8"
    errors = "strict"

    def write(self, text: str) -> int:
        """Refuse.

        Raises:
            OSError: always.
        """
        del text
        raise OSError(errno.EBADF, "it is closed")


def _drop_output() -> int:
    """Point stdout to nowhere, so that the interpreter's own flush at exit stays quiet."""
    from procmem.queries.streams import drop_output  # noqa: PLC0415  # seldom

    drop_output()
    return ExitStatus.DONE
