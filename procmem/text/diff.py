"""The words of ``procmem diff``: whose memory it is, which condition is met, and by how much."""

from procmem.model.note import Note
from procmem.model.owners import MAIN_THREAD, Thread
from procmem.model.reports.diff import NumberedThread, Whose
from procmem.text import N_, listed, say
from procmem.text.owners import owner_text

__all__ = ["failure_text", "whose_text"]

FAILURES = {
    "grown": N_("{condition}: {cls} grew by {grown:size}"),
    "grown by share": N_("{condition}: {cls} grew by {grown:size}, {share:+.0%}"),
}
"""Conditions of --fail-if-grows that are met."""


def failure_text(failure: Note) -> str:
    """Which condition is met, and by how much."""
    return say(FAILURES[failure.code], failure.figures)


_THREADS_SHOWN = 8


def whose_text(whose: Whose) -> str:
    """Whose memory it is; empty for nobody's."""
    threads = listed(map(_thread_text, whose.threads[:_THREADS_SHOWN]))
    if whose.is_arena and threads:
        return say(N_("arena of {threads}"), {"threads": threads})
    if whose.is_arena and whose.block is not None:
        return say(N_("arena block {block:x}"), {"block": whose.block})
    if whose.is_arena:
        return say(N_("arenas"))
    if threads:
        return threads
    return owner_text(MAIN_THREAD) if whose.name == MAIN_THREAD else whose.name.decode("utf-8", "surrogateescape")


def _thread_text(thread: Thread | NumberedThread) -> str:
    if isinstance(thread, Thread):
        return owner_text(thread)
    if not thread.number:
        return owner_text(MAIN_THREAD)
    return owner_text(Thread(thread.tid, thread.comm))
