"""The one place where an error becomes a line on stderr and a documented exit status.

Python by itself prints a traceback on a full disk, exits with 1 on Ctrl-C and knows no closed output; all of
that is mended here. click is not needed for it.
"""

from __future__ import annotations

import errno
import io
import os
import sys

from procmem.errors import ExitStatus, OutOfResources, OutputFailed, ProcmemError, SystemFailed, shortage_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from procmem.model.note import Note

__all__ = ["complain", "guarded", "say", "tell_notes", "writing_output"]


def complain(error: ProcmemError) -> None:
    """Print an error as one line on stderr, its hint behind it."""
    from procmem.text.errors import error_line  # noqa: PLC0415  # only on the way out

    say(error_line(error))


def tell_notes(name: str, notes: Iterable[Note]) -> None:
    """Say on stderr what must be known of the text that was read, where an output has no place for it."""
    for one in notes:
        from procmem.text.notes import note_text  # noqa: PLC0415  # seldom
        from procmem.text.pages.output import note, note_of  # noqa: PLC0415  # the same

        say(note(note_of(name, note_text(one))))


def _failed(code: str, **figures: object) -> None:
    """Say what ended the command, where that is none of our errors."""
    from procmem.text.errors import failed_text  # noqa: PLC0415  # only on the way out

    say(failed_text(code, **figures))


def say(line: str) -> None:
    """Print one line on stderr, whatever the names in it hold."""
    if sys.stderr is not None:
        import contextlib  # noqa: PLC0415  # seldom

        from procmem.render.escaping import printable_text  # noqa: PLC0415  # the same

        with contextlib.suppress(OSError):  # nobody is left to be told
            sys.stderr.write(f"procmem: {printable_text(line)}\n")
            sys.stderr.flush()


def guarded(work: Callable[[], object]) -> int:
    """Run a command and give its exit status; never a traceback for what a user can act on."""
    if sys.stdout is None:
        sys.stdout = _ClosedOutput()
    elif isinstance(sys.stdout, io.TextIOWrapper) and isinstance(sys.stdout.buffer, io.RawIOBase):
        from procmem.queries.streams import buffered  # noqa: PLC0415  # under PYTHONUNBUFFERED

        sys.stdout = buffered(sys.stdout)
    streams = sys.stdout, sys.stderr
    hook, sys.unraisablehook = sys.unraisablehook, _unraised
    try:
        if isinstance(sys.stdout, io.TextIOWrapper):
            with writing_output():  # of what --version could not write
                sys.stdout.reconfigure(errors="backslashreplace")  # a locale without UTF-8 cannot say every sentence
        status = work()
        with writing_output():  # while an error can still be told
            sys.stdout.flush()
    except ProcmemError as error:
        complain(error)
        if isinstance(error, OutputFailed):
            _drop_output()
        return error.exit_code
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except (BrokenPipeError, SystemExit):  # click makes an exit(1) of a closed pipe
        sys.stdout, sys.stderr = streams  # and wraps both, even one that there is not
        return _drop_output()
    except OSError as error:
        if error.errno == errno.EPIPE:
            return _drop_output()
        failed = _failure_of(error)
        complain(failed)
        if isinstance(failed, OutputFailed):
            _drop_output()
        return failed.exit_code
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
        if isinstance(error, ImportError) and (error.path or "").endswith(".so"):  # no memory to map it, say
            complain(SystemFailed("system-failed", reason=str(error)))
            return ExitStatus.SYSTEM_FAILED
        _failed("internal", kind=type(error).__name__, reason=error)
        return ExitStatus.INTERNAL
    finally:
        sys.unraisablehook = hook
    return status if isinstance(status, int) else ExitStatus.DONE


def _unraised(dropped: sys.UnraisableHookArgs) -> None:
    """End where Python would drop a Ctrl-C: in a destructor, or in a hook of fork()."""
    if dropped.exc_type is KeyboardInterrupt:
        os._exit(ExitStatus.INTERRUPTED)
    sys.__unraisablehook__(dropped)


_NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What only writing ends with."""


class _WritingOutput:
    """A context in which errors of the system are standard output's."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, OSError) and error.errno != errno.EPIPE:
            raise _output_failed(error) from error


def writing_output() -> _WritingOutput:
    """Tell errors of standard output from those of what is read.

    Raises:
        OutputFailed: within, it cannot be written; a closed pipe stays what it is.
    """
    return _WritingOutput()  # contextlib takes half a millisecond to load


def _output_failed(error: OSError) -> OutputFailed:
    reason = error.strerror or type(error).__name__
    return OutputFailed("no-space-for-output" if error.errno in _NO_SPACE else "output-failed", reason=reason)


def _failure_of(error: OSError) -> ProcmemError:
    """What an error of the system that nobody has met is about: our means, the output that click wrote, or a file."""
    if (shortage := shortage_of(error)) is not None:
        return shortage
    if error.errno in _NO_SPACE:
        return _output_failed(error)
    reason = error.strerror or type(error).__name__
    if isinstance(error.filename, (str, bytes)):
        return SystemFailed("file-failed", path=os.fsdecode(error.filename), reason=reason)
    return SystemFailed("system-failed", reason=reason)


class _ClosedOutput(io.TextIOBase):
    """Stands in for an output that the shell has closed (``>&-``): what writes to it fails, and the rest works."""

    encoding = "utf-8"
    errors = "strict"

    def write(self, text: str) -> int:
        """Refuse.

        Raises:
            OutputFailed: always.
        """
        del text
        raise OutputFailed("output-closed")


def _drop_output() -> int:
    """Point stdout to nowhere, so that the interpreter's own flush at exit stays quiet."""
    from procmem.queries.streams import drop_output  # noqa: PLC0415  # seldom

    drop_output()
    return ExitStatus.DONE
