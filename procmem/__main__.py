"""The entry point: ``procmem`` and ``python -m procmem``.

``--version`` is answered before anything else is imported, since scripts ask for it often.
"""

import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with its documented status."""
    if sys.argv[1:] == ["--version"] and sys.stdout is not None:
        from procmem import __version__  # noqa: PLC0415  # the fast way out

        try:
            text = f"procmem {__version__}\n"
            if not hasattr(sys.stdout.buffer, "raw"):  # without a buffer, what a short write leaves is lost
                text = text[os.write(sys.stdout.fileno(), text.encode()) :]
            sys.stdout.write(text)
            sys.stdout.flush()
        except OSError:
            pass  # run() meets the same error, and knows what to say
        else:
            return
    import _signal  # type: ignore[import-not-found]  # noqa: PLC0415  # signal itself takes a millisecond
    import gc  # noqa: PLC0415  # --version does without

    # whoever started us may ignore it, which exec keeps; then the kernel reaps our children, and waiting for one fails
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    gc.disable()  # one short run over many small values: collecting garbage costs more than it frees
    try:
        from procmem.cli.fast_path import run_plain  # noqa: PLC0415  # after what is answered at once

        status = run_plain(sys.argv[1:])
        if status is None:
            from procmem.cli.main import run  # noqa: PLC0415  # imports click

            status = run()
        import contextlib  # noqa: PLC0415  # is loaded by now
    except KeyboardInterrupt:  # before there was anybody to answer it
        os._exit(130)
    except OSError as error:  # not even our own modules can be opened, and those that know a better sentence neither
        os.write(2, f"procmem: {error.strerror}\n".encode())
        os._exit(1)

    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            with contextlib.suppress(OSError):
                stream.flush()
    # all is written: freeing every value of a large process one by one would only take time
    os._exit(status)


if __name__ == "__main__":
    main()
