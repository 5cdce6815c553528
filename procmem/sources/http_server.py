"""Connections of a small server: bytes that came in, bytes to be sent, and bounds on how many and for how long.

Here belongs how connections are held, and nothing of what is asked or answered. One thread waits for all of them
(select), so that no number of clients makes more threads; each has a deadline from its first moment on, whatever it
sends meanwhile, and where there are too many, the one that has asked for nothing for the longest time is dropped.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import time
from collections.abc import Callable

from procmem.errors import SystemFailed

__all__ = ["SECONDS_MAX", "Server"]

CONNECTIONS_MAX = 256
SECONDS_MAX = 10.0
"""From a connection's first moment to its whole request and our answer; as long again to take the answer."""
_TICK_SECONDS = 0.25
_PIECE = 65_536
_BACKLOG = 128


class _Connection:
    """One client: what it has sent, and what is still to be sent to it."""

    __slots__ = ("deadline", "head", "is_whole", "left", "socket")

    def __init__(self, connected: socket.socket, now: float) -> None:
        self.socket = connected
        self.deadline = now + SECONDS_MAX
        self.head = b""
        self.is_whole = False
        """Its request is there, and waits for an answer."""
        self.left = memoryview(b"")


class Server:
    """A socket that listens, and its connections.

    ``answer`` is given the head of a request and gives the whole response, or None where there is none yet: then it is
    asked again when :meth:`wake` was called, and from time to time. ``refusal`` is sent where a head has no end.

    Raises:
        SystemFailed: the address cannot be listened at.
    """

    def __init__(
        self,
        address: tuple[str, int],
        answer: Callable[[bytes], bytes | None],
        *,
        head_end: bytes,
        head_max: int,
        refusal: bytes,
    ) -> None:
        self._answer = answer
        self._head_end, self._head_max, self._refusal = head_end, head_max, refusal
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listening.bind(address)
            self._listening.listen(_BACKLOG)
        except OSError as error:
            self._listening.close()
            raise SystemFailed(
                "cannot-listen", address=address[0], port=address[1], reason=error.strerror or str(error)
            ) from error
        self._listening.setblocking(False)
        self._woken, self._waking = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listening, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._connections: dict[int, _Connection] = {}
        """By descriptor, the oldest first."""

    @property
    def port(self) -> int:
        """The port that it listens at: one of the kernel's choice where 0 was asked for."""
        port: int = self._listening.getsockname()[1]
        return port

    def wake(self) -> None:
        """Have it ask again for the answers that it waits for; any thread may call this."""
        with contextlib.suppress(BlockingIOError):  # it is woken already
            os.write(self._waking, b"\0")

    def run(self, stop: int) -> None:
        """Serve until a descriptor can be read."""
        self._selector.register(stop, selectors.EVENT_READ)
        while True:
            ready = self._selector.select(_TICK_SECONDS if self._connections else None)
            if any(key.fd == stop for key, _ in ready):
                return
            now = time.monotonic()
            for key, _ in ready:
                if key.fd == self._woken:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._woken, _PIECE)
                elif key.fileobj is self._listening:
                    self._accept(now)
                elif key.fd in self._connections:
                    self._go_on(self._connections[key.fd], now)
            for connection in [*self._connections.values()]:
                if connection.is_whole:
                    self._try_to_answer(connection, now)
                if now > connection.deadline:
                    self._drop(connection)

    def close(self) -> None:
        """Drop all connections, and listen no more."""
        for connection in [*self._connections.values()]:
            self._drop(connection)
        self._selector.close()
        self._listening.close()
        os.close(self._woken)
        os.close(self._waking)

    def _accept(self, now: float) -> None:
        for _ in range(_BACKLOG):
            try:
                connected, _ = self._listening.accept()
            except OSError as error:
                if not isinstance(error, BlockingIOError):  # no more descriptors, say: somebody has to go
                    self._drop_one()
                return
            connected.setblocking(False)
            if len(self._connections) >= CONNECTIONS_MAX:
                self._drop_one()
            connection = self._connections[connected.fileno()] = _Connection(connected, now)
            self._selector.register(connected, selectors.EVENT_READ)
            self._go_on(connection, now)

    def _drop_one(self) -> None:
        """Drop the oldest that has not asked yet, else the oldest."""
        silent = (one for one in self._connections.values() if not one.is_whole and not one.left)
        oldest = next(silent, None) or next(iter(self._connections.values()), None)
        if oldest is not None:
            self._drop(oldest)

    def _drop(self, connection: _Connection) -> None:
        fd = connection.socket.fileno()
        with contextlib.suppress(KeyError):
            self._selector.unregister(fd)
        self._connections.pop(fd, None)
        connection.socket.close()

    def _go_on(self, connection: _Connection, now: float) -> None:
        """Take or send what can be now."""
        try:
            if connection.left:
                self._send(connection)
                return
            data = connection.socket.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            self._drop(connection)
            return
        if not data or connection.is_whole:  # it is gone, or says more than one request
            self._drop(connection)
            return
        connection.head += data
        end = connection.head.find(self._head_end, 0, self._head_max)
        if end >= 0:
            connection.head, connection.is_whole = connection.head[:end], True
            self._try_to_answer(connection, now)
        elif len(connection.head) >= self._head_max:
            self._reply(connection, self._refusal, now)

    def _try_to_answer(self, connection: _Connection, now: float) -> None:
        answer = self._answer(connection.head)
        if answer is not None:
            self._reply(connection, answer, now)

    def _reply(self, connection: _Connection, answer: bytes, now: float) -> None:
        connection.is_whole = False
        connection.left = memoryview(answer)
        connection.deadline = now + SECONDS_MAX
        try:
            self._send(connection)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(connection)
            return
        if connection.left:
            self._selector.modify(connection.socket, selectors.EVENT_WRITE)

    def _send(self, connection: _Connection) -> None:
        """Send what the kernel takes; the connection ends with the last byte.

        Raises:
            OSError: it takes nothing now, or the client is gone.
        """
        while connection.left:
            connection.left = connection.left[connection.socket.send(connection.left) :]
        with contextlib.suppress(OSError):  # so that a client that still sends does not lose the answer (RST)
            connection.socket.shutdown(socket.SHUT_WR)
        self._drop(connection)
