"""procmem: what is in this process's memory, and why.

From Python::

    import procmem

    report = procmem.examine(1234).inspect(regions=True)
    report.value.totals.rss          # bytes; None where it is unknown
    report.rows()                    # a dict a region, for pandas or pyarrow
    report.to_json()                 # what --json prints

The package is read along one road: ``sources`` take bytes from ``/proc`` or from a recording, ``parse`` turns them into
a snapshot, ``classify`` names every byte range, ``analyse`` answers a question with figures and codes, ``text`` has the
sentences, ``render`` writes the answer down. ``queries`` join these for one question each; ``api`` (the names of this
module) and ``cli`` stand on them. ``simulate`` predicts what the kernel does, ``tracing`` looks at programs that were
started for it, ``lab`` compares the two. Values that pass from room to room live in ``model``.
"""

TYPE_CHECKING = False  # typing takes longer to load than --version to answer
if TYPE_CHECKING:
    from procmem.api import (
        Process,
        Recording,
        Report,
        diff,
        examine,
        open_recording,
        record,
        system,
        use_language,
    )
    from procmem.errors import AccessRefused, BadInput, ProcessGone, ProcmemError

__all__ = [
    "AccessRefused",
    "BadInput",
    "Process",
    "ProcessGone",
    "ProcmemError",
    "Recording",
    "Report",
    "__version__",
    "diff",
    "examine",
    "open_recording",
    "record",
    "system",
    "use_language",
]

__version__ = "0.1.0"
_ERRORS = ("AccessRefused", "BadInput", "ProcessGone", "ProcmemError")


def __getattr__(name: str) -> object:
    """Load the public names when they are first used: the command line does without them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415  # only where the names are used

    return getattr(import_module("procmem.errors" if name in _ERRORS else "procmem.api"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
