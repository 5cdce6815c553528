"""Asking the kernel before all that answers is loaded: for one process, or for all of them.

Here belongs which files of a thread each question reads, since that is asked for first.
"""

from __future__ import annotations

from procmem.sources import prefetch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "FILES_OF_A_LIVE_THREAD",
    "FILES_OF_A_THREAD",
    "THREAD_FILES_TO_INSPECT",
    "prefetch_process",
    "prefetch_processes",
]

THREAD_FILES_TO_INSPECT = ("syscall", "comm")
FILES_OF_A_THREAD = ("stat", "status", "syscall", "comm")
FILES_OF_A_LIVE_THREAD = ("stat", "status", "syscall")
"""A kernel writes the name in ``stat`` as in ``comm`` (proc_task_name()); a recording may lack either."""
_OF_COMMANDS = {"pmap": (), "threads": FILES_OF_A_LIVE_THREAD}
"""Those that read other files of threads than inspect."""


def prefetch_process(command: str, pid: int) -> None:
    """Begin to read what a command will ask of a process of this machine; one that is not there is met later."""
    prefetch.prefetch_process(pid, _OF_COMMANDS.get(command, THREAD_FILES_TO_INSPECT))


def prefetch_processes(words: Sequence[str]) -> None:
    """Begin to read all processes, where the words of the command line are such that they will be asked for."""
    from procmem.sources.prefetch_all import prefetch_all  # noqa: PLC0415  # only for system

    prefetch_all(words)
