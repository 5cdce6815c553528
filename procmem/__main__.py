"""The door: ``procmem`` and ``python -m procmem``.

``--version`` is answered before anything else is imported, since scripts ask for it often.
"""

import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and exit with its documented status."""
    if sys.argv[1:] == ["--version"]:
        from procmem import __version__  # noqa: PLC0415  # the fast way out

        sys.stdout.write(f"procmem {__version__}\n")
        return
    from procmem.cli.main import run  # noqa: PLC0415  # imports click, which --version does not need

    status = run()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and not stream.closed:
            stream.flush()
    # all is written: freeing every value of a large process one by one would only take time
    os._exit(status)


if __name__ == "__main__":
    main()
