"""The little of HTTP/1.1 that serving metrics needs: the head of a request read, the bytes of a response written.

A client may be anybody who reaches the port. So a head is taken only in its documented form, and the name by which we
were called is checked: a page in somebody's browser that has its own name lead to a loopback address calls us by that
name ("DNS rebinding"), and no name of ours.

Source: RFC 9110 (fields, methods, status codes), RFC 9112 (form of messages; a request without Host is refused).
"""

import ipaddress
import re
from collections.abc import Collection

from procmem.model.named_tuple import NamedTuple

__all__ = ["END_OF_HEAD", "HEAD_BYTES_MAX", "Request", "calls_us", "listen_address", "read_request", "response"]

HEAD_BYTES_MAX = 8192
"""Of a request's head: a scraper sends some three hundred."""
END_OF_HEAD = b"\r\n\r\n"
_LINE = re.compile(r"([A-Z]{1,16}) (\S{1,2048}) HTTP/1\.[01]")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}):[ \t]*(.*?)[ \t]*")
_PORT_MAX = 65_535
_REASONS = {
    200: "OK",
    400: "Bad Request",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


class Request(NamedTuple):
    """A request: its method, its path without what follows ``?``, the Host and Accept fields (empty: not there)."""

    method: str
    path: str
    host: str
    accept: str


def read_request(head: bytes) -> Request | None:
    """The request of a head, up to the blank line; None where it has another form, or two names of a host."""
    lines = head.decode("latin-1").split("\r\n")
    first = _LINE.fullmatch(lines[0])
    fields: dict[str, list[str]] = {}
    for line in lines[1:]:
        found = _FIELD.fullmatch(line)
        if found is None:
            return None
        fields.setdefault(found[1].lower(), []).append(found[2])
    hosts = fields.get("host", [])
    if first is None or len(hosts) > 1:
        return None
    return Request(first[1], first[2].partition("?")[0], "".join(hosts), ",".join(fields.get("accept", [])))


def calls_us(host: str, names: Collection[str]) -> bool:
    """Whether a Host field names us: by an address, as localhost, or by one of these names.

    An address cannot be made to lead elsewhere, as a name can: whoever uses one means the machine that has it.
    """
    name = host.rpartition(":")[0] if re.search(r":\d*\Z", host) else host
    if name.lower() in {"localhost", *(known.lower() for known in names)}:
        return True
    return _address(name.removeprefix("[").removesuffix("]")) is not None


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def listen_address(text: str) -> tuple[str, int] | None:
    """Address and port of ``127.0.0.1:9917``, ``[::1]:9917`` or ``localhost:9917``; None where it has no such form."""
    address, colon, port = text.rpartition(":")
    bare = address.removeprefix("[").removesuffix("]")
    known = "127.0.0.1" if bare == "localhost" else _address(bare)
    if not colon or known is None or not (port.isascii() and port.isdecimal() and int(port) <= _PORT_MAX):
        return None
    return known, int(port)


def response(status: int, body: bytes, *, kind: str = "text/plain; charset=utf-8", head_only: bool = False) -> bytes:
    """A whole response, after which the connection is closed."""
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\n"
        f"Content-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n"
        "X-Content-Type-Options: nosniff\r\n"
        "Cache-Control: no-store\r\n"
        f"{'Allow: GET, HEAD' + chr(13) + chr(10) if status == 405 else ''}"
        "Connection: close\r\n\r\n"
    )
    return head.encode("latin-1") + (b"" if head_only else body)
