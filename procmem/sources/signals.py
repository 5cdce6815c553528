"""Signals that ask a command to end: held while something is changed or undone, acted on between.

Here belongs when a signal is heard, and nothing of what is undone. An exception may come between any two instructions
of Python, also between a change and the ``try`` that undoes it; so while signals are held none raises one but at places
that say so (``interruptible``): where something is waited for, or written that is put away in any case. All that was
made is undone on the way out from there, with every further signal held. SIGKILL cannot be held: who begins next finds
what was left.

Python drops what is raised where it runs code of its own accord (a destructor, a hook of fork()): such a request to end
is made again a moment later.
"""

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

__all__ = ["EndAsked", "end_asked", "interruptible", "listening", "signals_held"]

_ENDING = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGALRM,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGXCPU,
    signal.SIGVTALRM,
    signal.SIGPROF,
    signal.SIGIO,
    signal.SIGPWR,
)
"""What by default ends a process, may be caught, and is no fault of the process's own (signal(7))."""

_AGAIN_SECONDS = 0.002
"""Until a request that was dropped is made again: longer than any destructor takes."""


class _State:
    """What the one main thread, which alone hears signals, does just now."""

    listening = False
    holding = False
    at_a_wait = False
    pending = False
    ending = False
    dropped = False


def _heard(number: int, frame: FrameType | None) -> None:
    """Raise where that does no harm, else remember; the second and all later requests to end change nothing."""
    del frame
    if _State.dropped and number == signal.SIGALRM:
        _State.dropped = _State.ending = False
    if _State.ending:
        return
    if _State.holding and not _State.at_a_wait:
        _State.pending = True
        return
    _end()


def _end() -> None:
    _State.ending, _State.pending = True, False
    raise KeyboardInterrupt


def _unraised(dropped: "sys.UnraisableHookArgs") -> None:
    """Ask again, as soon as what Python does there is over; on the way out nothing more is told."""
    if dropped.exc_type is KeyboardInterrupt:
        signal.signal(signal.SIGALRM, _heard)  # it may have been ignored
        _State.dropped = True
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_SECONDS)
    elif not _State.ending:
        sys.__unraisablehook__(dropped)


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """Have each signal that asks to end raise KeyboardInterrupt, once; what the caller ignores stays ignored.

    After one was heard nothing is restored: the program is on its way out, and no second signal is to disturb that.
    """
    if _State.listening or threading.current_thread() is not threading.main_thread():
        yield
        return
    _State.listening, _State.ending, _State.pending, _State.dropped = True, False, False, False
    before, hook = {}, sys.unraisablehook
    try:
        sys.unraisablehook = _unraised
        for number in _ENDING:
            handler = signal.getsignal(number)
            if handler not in (signal.SIG_IGN, None):
                before[number] = handler
                signal.signal(number, _heard)
        yield
    finally:
        _State.listening = False
        if not _State.ending:
            for number, handler in before.items():
                signal.signal(number, handler)
            sys.unraisablehook = hook  # last: while a signal may be heard, it may be dropped as well


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """Hold signals but where something is waited for; what came meanwhile is acted on at the end.

    Raises:
        KeyboardInterrupt: one came.
    """
    if _State.holding or threading.current_thread() is not threading.main_thread():
        yield
        return
    with listening():
        _State.at_a_wait = False  # of an earlier one that was ended before it had begun
        _State.holding = True
        try:
            yield
        finally:
            _State.holding = False
            if _State.pending:
                _end()


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """A wait that a signal may end; on the way out from an earlier one, none does.

    Raises:
        KeyboardInterrupt: a signal came, now or before.
    """
    if not _State.holding or _State.ending:
        yield
        return
    _State.at_a_wait = True  # first this, then the question: a signal in between must not be slept over
    try:
        if _State.pending:
            _end()
        yield
    finally:
        _State.at_a_wait = False


class EndAsked:
    """Whether somebody has asked to end: the number of the signal, and a descriptor that can be read from then on."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.number: int | None = None

    def wait(self, seconds: float) -> bool:
        """Wait for so long, or until somebody asks; whether somebody has."""
        return bool(self.number or select.select([self.fd], [], [], max(seconds, 0.0))[0])


@contextlib.contextmanager
def end_asked() -> Iterator[EndAsked]:
    """Have SIGINT, SIGTERM and SIGHUP end nothing by themselves: for who waits for other things, and ends in order.

    What the caller ignores stays ignored.
    """
    fd, end = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    asked = EndAsked(fd)

    def heard(number: int, frame: FrameType | None) -> None:
        del frame
        asked.number = asked.number or number

    numbers = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    ]
    before = {number: signal.signal(number, heard) for number in numbers}
    wakeup = signal.set_wakeup_fd(end, warn_on_full_buffer=False)
    try:
        yield asked
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(fd)
        os.close(end)
