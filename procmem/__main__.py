"""The entry point: ``procmem`` and ``python -m procmem``.

``--version`` is answered before anything else is imported, since scripts ask for it often.
"""

import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with its documented status."""
    try:
        if sys.argv[1:] == ["--version"] and sys.stdout is not None and _tell_version():
            return
        status = _run()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                try:  # noqa: SIM105  # loading contextlib takes half a millisecond
                    stream.flush()
                except OSError:
                    pass
        # all is written: freeing every value of a large process one by one would only take time
        os._exit(status)
    except KeyboardInterrupt:  # before there was anybody to answer it, or when all was done
        os._exit(130)
    except OSError as error:  # not even our own modules can be opened, and those that know a better sentence neither
        os.write(2, f"procmem: {error.strerror}\n".encode())
        os._exit(1)


def _tell_version() -> bool:
    """Whether it could be told."""
    from procmem import __version__  # noqa: PLC0415  # the fast way out

    try:
        text = f"procmem {__version__}\n"
        if not hasattr(sys.stdout.buffer, "raw"):  # without a buffer, what a short write leaves is lost
            text = text[os.write(sys.stdout.fileno(), text.encode()) :]
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        return False  # run() meets the same error, and knows what to say
    return True


_LARGEST_BUFFER = 4 << 20
"""No buffer that is asked for again and again is larger. None of these bytes is touched."""


def _run() -> int:
    """Run one command and give its exit status."""
    import _signal  # type: ignore[import-not-found]  # noqa: PLC0415  # signal itself takes a millisecond
    import gc  # noqa: PLC0415  # --version does without

    # whoever started us may ignore it, which exec keeps; then the kernel reaps our children, and waiting for one fails
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    gc.disable()  # one short run over many small values: collecting garbage costs more than it frees
    # glibc takes the size of the largest block that was freed as its limit of what it maps and unmaps for itself, and
    # twice that of what it keeps (M_MMAP_THRESHOLD in mallopt(3)): buffers then stay, and are not faulted in each time
    bytes(_LARGEST_BUFFER)
    from procmem.cli.fast_path import run_plain  # noqa: PLC0415  # after what is answered at once

    status = run_plain(sys.argv[1:])
    if status is None:
        from procmem.cli.main import run  # noqa: PLC0415  # imports click

        status = run()
    return status


if __name__ == "__main__":
    main()
