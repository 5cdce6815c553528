"""Connections of the small server: bounds on how many, how long and how much."""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from procmem.errors import SystemFailed
from procmem.sources import http_server
from procmem.sources.http_server import Server

END = b"\r\n\r\n"


@contextlib.contextmanager
def running(answer: Callable[[bytes], bytes | None]) -> Iterator[Server]:
    """A server that runs in a thread."""
    server = Server(("127.0.0.1", 0), answer, head_end=END, head_max=1000, refusal=b"too much")
    stop, end = os.pipe()
    thread = threading.Thread(target=server.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        os.write(end, b"x")
        thread.join(10)
        assert not thread.is_alive()
        server.close()
        os.close(stop)
        os.close(end)


def connected(server: Server) -> socket.socket:
    """A client."""
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def everything(client: socket.socket) -> bytes:
    """All that comes until the end."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65536):
            found += piece
    return found


def test_a_request_is_answered_however_it_comes() -> None:
    """In one piece, byte by byte, with something behind it; a large answer comes whole."""
    answer = b"x" * 3_000_000
    with running(lambda head: head + b"|" + answer) as server:
        for pieces in ([b"hello" + END], [b"h", b"el", b"lo\r\n", b"\r\n"], [b"hello" + END + b"more"]):
            with connected(server) as client:
                for piece in pieces:
                    client.sendall(piece)
                    time.sleep(0.01)
                assert everything(client) == b"hello|" + answer


def test_an_answer_may_come_later() -> None:
    """Nobody else waits meanwhile, and all who wait are answered when it is there."""
    ready: list[bytes] = []
    with running(lambda head: b"now" if head == b"now" else next(iter(ready), None)) as server:
        waiting = [connected(server) for _ in range(10)]
        for client in waiting:
            client.sendall(b"later" + END)
        with connected(server) as client:
            client.sendall(b"now" + END)
            assert everything(client) == b"now"
        ready.append(b"done")
        server.wake()
        assert [everything(client) for client in waiting] == [b"done"] * 10
        for client in waiting:
            client.close()


def test_a_head_without_an_end_is_refused() -> None:
    """At its bound."""
    with running(lambda head: head) as server, connected(server) as client:
        client.sendall(b"x" * 1000)
        assert everything(client) == b"too much"


def test_silence_and_drops_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that says nothing, one that sends a byte from time to time, and one that takes no answer."""
    monkeypatch.setattr(http_server, "SECONDS_MAX", 0.5)
    with running(lambda _: b"x" * 50_000_000) as server:
        silent, slow, greedy = (connected(server) for _ in range(3))
        greedy.sendall(b"all" + END)
        with contextlib.suppress(OSError):
            for _ in range(20):
                slow.sendall(b"x")
                time.sleep(0.1)
        assert everything(silent) == b""
        assert len(everything(greedy)) < 50_000_000
        for client in (silent, slow, greedy):
            client.close()


def test_too_many_drop_the_oldest_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks is answered, however many hold a connection open; one thread is enough for all."""
    monkeypatch.setattr(http_server, "CONNECTIONS_MAX", 20)
    with running(lambda head: head) as server:
        silent = [connected(server) for _ in range(60)]
        threads = threading.active_count()
        with connected(server) as client:
            client.sendall(b"hello" + END)
            assert everything(client) == b"hello"
        assert threading.active_count() == threads
        assert everything(silent[0]) == b""
        for one in silent:
            one.close()


def test_an_address_in_use_is_told() -> None:
    """With what it was."""
    with running(lambda head: head) as server:
        port = server.port
        with pytest.raises(SystemFailed) as caught:
            Server(("127.0.0.1", port), lambda head: head, head_end=END, head_max=10, refusal=b"")
    assert caught.value.code == "cannot-listen"
    assert caught.value.fields["port"] == port
