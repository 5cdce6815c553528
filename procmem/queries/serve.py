"""Serving what :mod:`procmem.queries.metrics` finds: who looks when, and what a request is answered.

One thread looks, and only when somebody asks: whoever asks within the interval of a look gets that look, and all who
ask while one is made get the same. The main thread holds the connections.
"""

from __future__ import annotations

import threading
import time

from procmem.errors import Misuse, ProcmemError, SystemFailed
from procmem.model.named_tuple import NamedTuple
from procmem.parse.http import END_OF_HEAD, HEAD_BYTES_MAX, calls_us, listen_address, read_request, response
from procmem.sources.http_server import SECONDS_MAX, Server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from procmem.model.reports.metrics import MetricsReport
    from procmem.queries.metrics import Metrics

    Written = Callable[[MetricsReport, str], tuple[str, bytes]]
    """Writes a look for a client that takes what its Accept field says: the type of the content, and the content."""

__all__ = ["Looker", "NoLook", "ServeOptions", "address_of", "metrics_server"]

PATH = "/metrics"
_PATHS_OF_HEALTH = ("/", "/healthz")
_WAIT_SECONDS = SECONDS_MAX / 2
"""So long an answer waits for a look that is due; then the last one is given, which tells its age."""
_PAUSE_SECONDS = 1.0
"""After a look that has failed."""


class NoLook(Exception):
    """There is nothing to answer with."""


class ServeOptions(NamedTuple):
    """Where to listen, and the names by which clients may call us besides addresses and localhost."""

    address: tuple[str, int]
    names: tuple[str, ...] = ()


def address_of(text: str) -> tuple[str, int]:
    """Address and port to listen at.

    Raises:
        Misuse: a text that has no such form.
    """
    address = listen_address(text)
    if address is None:
        raise Misuse("bad-listen", text=text)
    return address


class Looker:
    """The thread that looks, when a look is wanted; ``done`` is called after each, ``complain`` with what failed."""

    def __init__(
        self, metrics: Metrics, interval: float, done: Callable[[], None], complain: Callable[[ProcmemError], None]
    ) -> None:
        self._metrics = metrics
        self._interval = interval
        self._done = done
        self._complain = complain
        self._wanted = threading.Event()
        self._is_looking = False
        self._last: tuple[float, MetricsReport] | None = None
        self._failure: type[Exception] | None = None
        self._since: float | None = None
        """When a look was asked for that has not come yet; of the thread that answers."""
        threading.Thread(target=self._run, daemon=True).start()

    def report(self) -> MetricsReport | None:
        """The look to answer with now; None where one is being made that is worth waiting for.

        Raises:
            NoLook: there is none, and none has come within the time that an answer waits.
        """
        last, now = self._last, time.monotonic()
        if last is not None and now < last[0] + self._interval:
            self._since = None
            return last[1]
        if self._since is None:
            self._since = now
        if not self._is_looking:
            self._wanted.set()
        if now < self._since + _WAIT_SECONDS:
            return None
        if last is None:
            raise NoLook
        return last[1]

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            began = time.monotonic()
            self._is_looking = True
            self._wanted.clear()
            try:
                self._last = began, self._metrics.look()
                self._failure = None
                self._is_looking = False
                self._done()
                self._metrics.look_at_mappings()
            except Exception as error:  # whatever it was, the next look may do
                self._metrics.has_failed()
                self._tell(error)
                time.sleep(_PAUSE_SECONDS)
            self._is_looking = False

    def _tell(self, error: Exception) -> None:
        """Say what failed, once for a run of failures of one sort."""
        if type(error) is not self._failure:
            self._failure = type(error)
            reason = str(error) or type(error).__name__
            told = error if isinstance(error, ProcmemError) else SystemFailed("look-failed", reason=reason)
            self._complain(told)


def metrics_server(
    options: ServeOptions,
    metrics: Metrics,
    interval: float,
    written: Written,
    *,
    complain: Callable[[ProcmemError], None],
    refusal: str,
) -> Server:
    """A server that is listening already; ``refusal`` is what whoever calls us by a name of others is told.

    Raises:
        SystemFailed: the address cannot be listened at.
    """
    looker: Looker | None = None

    def answer(head: bytes) -> bytes | None:
        request = read_request(head)
        if request is None:
            return _plain(400)
        if not calls_us(request.host, options.names):
            return _plain(403, refusal)
        if request.method not in ("GET", "HEAD"):
            return _plain(405)
        head_only = request.method == "HEAD"
        if request.path in _PATHS_OF_HEALTH:
            return _plain(200, PATH, head_only=head_only)
        if request.path != PATH:
            return _plain(404, PATH, head_only=head_only)
        assert looker is not None
        try:
            report = looker.report()
        except NoLook:
            return _plain(503, head_only=head_only)
        if report is None:
            return None
        kind, body = written(report, request.accept)
        return response(200, body, kind=kind, head_only=head_only)

    server = Server(options.address, answer, head_end=END_OF_HEAD, head_max=HEAD_BYTES_MAX, refusal=_plain(431))
    looker = Looker(metrics, interval, server.wake, complain)
    return server


def _plain(status: int, text: str = "", *, head_only: bool = False) -> bytes:
    return response(status, f"{text}\n".encode(), head_only=head_only)
